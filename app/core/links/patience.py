"""How long a link waits, for an answer or for its next try, and what cuts its waiting short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from app.core.links.backoff import Backoff
from app.core.links.start_gate import StartGate
from app.domain.connection import Retry
from app.domain.ports import Clock


class Patience:
    """One link's: it waits in one place at a time, and whatever it waits for there can be ended from outside."""

    def __init__(self, *, gate: StartGate, backoff: Backoff, clock: Clock) -> None:
        self._gate = gate
        self._backoff = backoff
        self._clock = clock
        self._limit: asyncio.Timeout | None = None
        self._waiting = False
        self._at_once = False
        self._called = False

    def hurry(self) -> None:
        """End what is waited for now, and try at once the next time."""
        self._at_once = True
        self.end()

    def call(self) -> None:
        """Wait for no more than the gate's next free moment, if it is the next try that is waited for."""
        if self._waiting:
            self._called = True
            self.end()

    def end(self) -> None:
        """End what is waited for now."""
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def at_most(self) -> AsyncIterator[None]:
        """Whatever happens inside is cut short by `end`."""
        try:
            async with asyncio.timeout(None) as self._limit:
                yield
        except TimeoutError:
            if self._limit is None or not self._limit.expired():
                raise
        finally:
            self._limit = None

    async def wait(self, note: Callable[[Retry], None]) -> None:
        """Wait for the next try, at a moment that the gate has free; *note* hears which that is, and when it begins."""
        delay = self._backoff.next_delay()
        attempt = self._backoff.attempt
        while not self._at_once:
            self._called, now = False, self._clock.now()
            moment = self._gate.reserve(now + timedelta(seconds=delay))
            note(Retry(attempt, moment))
            self._waiting = True
            async with self.at_most():
                await self._clock.sleep((moment - now).total_seconds())
            self._waiting = False
            if self._clock.now() < moment:
                self._gate.give_back(moment)
            if not self._called:
                break
            delay = 0.0
        self._at_once = False
        note(Retry(attempt, None))
