"""Counts outcomes by link, so that no flood of invalid requests fills memory or disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryOutcome, OutcomeCount


class OutcomeCounters:
    """The counts of all runs; *changed* is set until they are sent and written."""

    def __init__(self, before: Iterable[OutcomeCount], now: Callable[[], datetime]) -> None:
        self._counts = {(item.link_id, item.outcome): item for item in before}
        self._now = now
        self.changed = True

    def add(self, outcome: DeliveryOutcome, link_id: LinkId | None = None) -> None:
        before = self._counts.get((link_id, outcome))
        count = 1 if before is None else before.count + 1
        self._counts[link_id, outcome] = OutcomeCount(link_id, outcome, count, self._now())
        self.changed = True

    def all(self) -> tuple[OutcomeCount, ...]:
        return tuple(self._counts.values())
