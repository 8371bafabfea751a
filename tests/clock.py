"""Clocks for tests: both satisfy `app.domain.repositories.Clock`, and neither waits for real."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

DAWN = datetime(2026, 1, 1, tzinfo=UTC)
"""When every test begins."""


class StillClock:
    """Time passes only when somebody sleeps, and then at once."""

    def __init__(self, time: datetime = DAWN) -> None:
        self.time = time
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def checked_now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class ManualClock:
    """Time passes only when the test says so; sleepers wake in the order of their alarms."""

    def __init__(self, time: datetime = DAWN) -> None:
        self.time = time
        self.slept: list[float] = []
        self._alarms: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self.time

    async def checked_now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._alarms, (self.time + timedelta(seconds=seconds), next(self._order), alarm))
        if seconds <= 0:
            self._ring()
        await alarm

    @property
    def sleepers(self) -> int:
        """How many wait for their alarm now."""
        return sum(not alarm.done() for _, _, alarm in self._alarms)

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass, alarm by alarm, so that who wakes may sleep again and be woken again."""
        until = self.time + timedelta(seconds=seconds)
        await settle()
        while self._alarms and self._alarms[0][0] <= until:
            self.time = max(self.time, self._alarms[0][0])
            self._ring()
            await settle()
        self.time = until

    async def until_asleep(self, count: int = 1, within: float = 5) -> None:
        """Wait (really) until *count* sleepers wait for this clock: for work that passes through a thread first."""
        async with asyncio.timeout(within):
            while self.sleepers < count:
                await asyncio.sleep(0.001)

    def _ring(self) -> None:
        while self._alarms and self._alarms[0][0] <= self.time:
            _, _, alarm = heapq.heappop(self._alarms)
            if not alarm.done():  # its sleeper was cancelled
                alarm.set_result(None)


async def settle(turns: int = 25) -> None:
    """Let tasks run that are ready now; each turn lets a result travel one await further."""
    for _ in range(turns):
        await asyncio.sleep(0)
