"""Waits for a moment, or until something changes first."""

from __future__ import annotations

import asyncio
from datetime import datetime

from app.domain.repositories import Clock

LOOK_AGAIN_SECONDS = 60.0
"""The moment is looked for by the wall clock this often: a computer that slept would otherwise be late."""


class Alarm:
    """`ring` may come from anywhere, before the wait or during it: it is never lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the wait: something is due, or the moment is another one."""
        self._rung.set()

    async def wait_until(self, moment: datetime | None) -> None:
        """Return no later than at *moment*, and no later than a minute from now where there is one; when it rings at
        the latest where there is none."""
        if moment is None:
            await self._rung.wait()
        else:
            await self._sleep_until(moment)
        self._rung.clear()

    async def _sleep_until(self, moment: datetime) -> None:
        async with asyncio.TaskGroup() as group:
            asleep = group.create_task(self._sleep((moment - self._clock.now()).total_seconds()))
            await self._rung.wait()
            asleep.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(min(max(seconds, 0), LOOK_AGAIN_SECONDS))
        self._rung.set()
