"""One pairing at a time: first-time set-up is serialised, and everybody can see whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.core.bus import Bus
from app.domain.events import PairingTurnChanged
from app.domain.mentorado import LinkId


class Turn:
    """The right to pair. `end` gives it up early: once a link is through, the next one need not wait for its line."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def end(self) -> None:
        if release := self._release:
            self._release = None
            release()


class PairingDesk:
    """Hands out turns in the order they were asked for."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._desk = asyncio.Lock()  # wakes its waiters first come, first served, as the queue below assumes
        self._queue: list[LinkId] = []

    @property
    def current(self) -> LinkId | None:
        """Who is being paired now."""
        return self._queue[0] if self._queue else None

    @property
    def waiting(self) -> tuple[LinkId, ...]:
        return tuple(self._queue[1:])

    @asynccontextmanager
    async def turn(self, link_id: LinkId) -> AsyncIterator[Turn]:
        """Wait for the turn of *link_id*, and hold it until the context or `Turn.end` closes it."""
        self._queue.append(link_id)
        self._tell()
        try:
            await self._desk.acquire()
        except asyncio.CancelledError:
            self._leave(link_id)
            raise

        def release() -> None:
            self._desk.release()
            self._leave(link_id)

        turn = Turn(release)
        try:
            yield turn
        finally:
            turn.end()

    def _leave(self, link_id: LinkId) -> None:
        self._queue.remove(link_id)
        self._tell()

    def _tell(self) -> None:
        self._bus.publish(PairingTurnChanged(self.current, self.waiting))
