"""How often what happened: a number per link and outcome, so that no flood of garbage fills anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from app.domain.mentorado import LinkId
from app.domain.webhooks import DeliveryOutcome, OutcomeCount


class OutcomeCounters:
    """The counts of all runs; *changed* is for whoever tells and writes them."""

    def __init__(self, before: Iterable[OutcomeCount], now: Callable[[], datetime]) -> None:
        self._tallies = {(tally.link_id, tally.outcome): tally for tally in before}
        self._now = now
        self.changed = True

    def add(self, outcome: DeliveryOutcome, link_id: LinkId | None = None) -> None:
        before = self._tallies.get((link_id, outcome))
        count = 1 if before is None else before.count + 1
        self._tallies[link_id, outcome] = OutcomeCount(link_id, outcome, count, self._now())
        self.changed = True

    def all(self) -> tuple[OutcomeCount, ...]:
        return tuple(self._tallies.values())
