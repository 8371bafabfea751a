"""Reconnection: delays between attempts, and when a person must look."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform

from app.domain.link_status import Reason
from app.domain.repositories import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectPolicy:
    """Times in seconds. Waits grow exponentially with full jitter, so that links that fell together spread out.

    A link that was away for long is never given up: once its *budget* is spent, its tries are only further apart.
    """

    first: float = 1.0
    factor: float = 2.0
    cap: float = 60.0  # keeps the wait bearable for a person
    stable_after: float = 60.0  # a link that held this long has its whole budget again
    budget: int = 8  # tries of one link at the pace above
    slower: float = 2.0  # the wait's ceiling is this many times higher afterwards, and its floor half of that
    flaps: int = 6  # falls from connected…
    flap_window: float = 600.0  # …within this time make a link wait for a person
    grace: float = 5.0  # a connection that its provider brings back by itself has so long before it is replaced
    per_second: int = 5  # tries of all links together
    random: Callable[[float, float], float] = uniform

    def delay(self, attempt: int) -> float:
        """Seconds before try number *attempt*, counted from 1."""
        return self.random(*self._range(attempt))

    def _range(self, attempt: int) -> tuple[float, float]:
        ceiling = min(self.cap, self.first * self.factor ** min(attempt - 1, 32))
        if attempt <= self.budget:
            return 0.0, ceiling
        return ceiling * self.slower / 2, ceiling * self.slower


class Backoff:
    """Counts the tries and the falls of one link."""

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._policy = policy
        self._falls: deque[tuple[datetime, Reason]] = deque()
        self.attempt = 0
        self.grace = policy.grace

    def next_delay(self) -> float:
        """Count an attempt, and return the seconds to wait before it."""
        self.attempt += 1
        return self._policy.delay(self.attempt)

    def record_drop(self, reason: Reason, since: datetime | None, now: datetime) -> str | None:
        """The link was connected from *since* until *now*, which fills its budget again if that was long enough.

        When it falls too often, returns the reasons of the last falls, counted: ``stream_error ×4, host_crashed ×2``.
        """
        if since is not None and now - since >= timedelta(seconds=self._policy.stable_after):
            self.attempt = 0
        self._falls.append((now, reason))
        while now - self._falls[0][0] > timedelta(seconds=self._policy.flap_window):
            self._falls.popleft()
        if len(self._falls) < self._policy.flaps:
            return None
        counted = Counter(reason for _, reason in self._falls)
        return ", ".join(f"{reason} ×{count}" for reason, count in counted.most_common())


class ConnectRateLimiter:
    """Spaces connection attempts of all links, each at least a fraction of a second from the next."""

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

    def release(self, moment: datetime) -> None:
        """Give back the reserved *moment*."""
        place = bisect_left(self._taken, moment)
        if self._taken[place : place + 1] == [moment]:
            del self._taken[place]

    async def acquire(self) -> None:
        """Wait for the next free moment."""
        moment = self.reserve(self._clock.now())
        await self._clock.sleep((moment - self._clock.now()).total_seconds())
