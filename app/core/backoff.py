"""How long a link waits before it is tried again: exponential, capped, with full jitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectPolicy:
    """Seconds. Full jitter spreads many links that fell together; the cap keeps the wait bearable for a person."""

    first: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    stable_after: float = 60.0  # a link that held this long starts counting anew
    draw: Callable[[float, float], float] = uniform

    def delay(self, attempt: int) -> float:
        """Seconds before try number *attempt*, counted from 1."""
        ceiling = min(self.cap, self.first * self.factor ** min(attempt - 1, 32))
        return self.draw(0.0, ceiling)


class Backoff:
    """Counts the tries of one link."""

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._policy = policy
        self.attempt = 0

    def next_delay(self) -> float:
        """Count one more try and say how many seconds to wait for it."""
        self.attempt += 1
        return self._policy.delay(self.attempt)

    def held(self, since: datetime | None, now: datetime) -> None:
        """The link was connected from *since* until *now*; a stable time wipes the count."""
        if since is not None and now - since >= timedelta(seconds=self._policy.stable_after):
            self.attempt = 0
