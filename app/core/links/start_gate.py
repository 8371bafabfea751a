"""Lets links through one after the other: many sign-ins at once look like an attack, and a server that comes back
must not be met by all of them in the same second.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime, timedelta

from app.domain.ports import Clock


class StartGate:
    """Hands out moments, each at least a fraction of a second from every other, whoever asks."""

    def __init__(self, clock: Clock, per_second: int) -> None:
        self._clock = clock
        self._apart = timedelta(seconds=1) / per_second
        self._taken: list[datetime] = []

    def reserve(self, earliest: datetime) -> datetime:
        """The first free moment from *earliest* on; it is taken now."""
        del self._taken[: bisect_left(self._taken, self._clock.now() - self._apart)]
        moment = earliest
        for taken in self._taken[bisect_left(self._taken, earliest - self._apart) :]:
            if taken - moment >= self._apart:
                break
            moment = max(moment, taken + self._apart)
        insort(self._taken, moment)
        return moment

    def give_back(self, moment: datetime) -> None:
        """Nobody will come at *moment* after all."""
        place = bisect_left(self._taken, moment)
        if self._taken[place : place + 1] == [moment]:
            del self._taken[place]

    async def turn(self) -> None:
        """Wait for the next free moment."""
        moment = self.reserve(self._clock.now())
        await self._clock.sleep((moment - self._clock.now()).total_seconds())
