"""An open line to one instance: what its course finds out and what webhooks deliver, in the order it happened."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from app.domain.messages import MessageUpdate, ProviderMessage
from app.domain.provider import ActivitySeen, Blocked, Connected, ConnectionEvent, Failed, MessagesReceived, Unreachable
from app.domain.repositories import Clock
from app.providers.zapi.client import ZapiClient


class ZapiConnection(AsyncIterator[ConnectionEvent]):
    """A `Line` that `CanCheckNow`. Its course says things into it; the core reads them out."""

    def __init__(self, instance: ZapiClient, clock: Clock) -> None:
        self.instance = instance
        self.through = False  # whether it was connected when it was last asked
        self.showing_code = False
        self.typed_code_until: datetime | None = None  # somebody is typing a code on the phone
        self.account_stale = True  # whether it should be asked again whose number is linked
        self.over = False
        self._clock = clock
        self._events: asyncio.Queue[ConnectionEvent] = asyncio.Queue()
        self._delivered: deque[tuple[int, Callable[[], None]]] = deque()
        self._mark = 0
        self._nap: asyncio.Timeout | None = None
        self._asked = False

    def events(self) -> AsyncIterator[ConnectionEvent]:
        """Yield what is said, until the line is over."""
        return self

    async def __anext__(self) -> ConnectionEvent:
        # No generator: the core leaves off in the middle, and a generator would then be closed by a task of nobody's.
        if self.over and self._events.empty():
            raise StopAsyncIteration
        return await self._events.get()

    def emit(self, signal: ConnectionEvent) -> None:
        """Nothing is said after a last word."""
        if self.over:
            return
        match signal:
            case Connected():
                self.through = True
            case Unreachable() | Blocked() | Failed():
                self.through = False
            case _:
                pass
        self.over = isinstance(signal, Blocked | Failed)
        self._events.put_nowait(signal)
        if self.over:
            self.check_now()  # its course may stop resting

    def check_now(self) -> None:
        """Ask the provider now instead of at the next regular time."""
        self._asked = self.account_stale = True
        if self._nap is not None and not self._nap.expired():
            self._nap.reschedule(asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        """Let time pass until the next question is due, or somebody wants it now, but never before Z-API wants one."""
        quiet, began = self.instance.take_pause(), self._clock.now()
        await self._sleep(max(seconds, quiet))
        while quiet and not self.over:
            began = min(began, now := self._clock.now())  # somebody may set the clock back
            if (left := quiet - (now - began).total_seconds()) <= 0:
                return
            await self._sleep(left)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(None) as self._nap:
                if not self._asked:
                    await self._clock.sleep(seconds)
        except TimeoutError:
            if self._nap is None or not self._nap.expired():
                raise
        finally:
            self._nap, self._asked = None, False

    def handle(self, facts: Sequence[MessageUpdate], check: bool, confirm: Callable[[], None]) -> None:
        """Say what a webhook told, and *confirm* it once it is stored."""
        if facts:
            self._mark += 1
            self._delivered.append((self._mark, confirm))
            self.emit(MessagesReceived(tuple(facts), self._mark))
            if any(isinstance(fact, ProviderMessage) and not fact.from_me for fact in facts):
                self.emit(ActivitySeen(self._clock.now(), inbound=True))
        else:
            confirm()
        if check:
            self.check_now()

    async def confirm(self, up_to: int) -> None:
        """Everything up to this mark is stored: tell whoever delivered it."""
        while self._delivered and self._delivered[0][0] <= up_to:
            _, confirm = self._delivered.popleft()
            confirm()
