"""What webhooks brought, in numbers."""

from __future__ import annotations

import logging
from typing import Final

from app.domain.ports import Clock
from app.domain.webhooks import REFUSED, Outcome, Tallied

log = logging.getLogger(__name__)

SUMMARY_SECONDS: Final = 60.0


class WebhookCounts:
    """The latest counts. The log has one line of them a minute at most, however much garbage comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.tallied = Tallied((), {})
        self._told = (clock.now(), 0, 0)  # when the log had its last line, and the counts it gave

    def take(self, tallied: Tallied) -> None:
        """These are the counts from now on."""
        self.tallied = tallied
        at, accepted_then, refused_then = self._told
        accepted = sum(tally.count for tally in tallied.tallies if tally.outcome is Outcome.ACCEPTED)
        refused = sum(tally.count for tally in tallied.tallies if tally.outcome in REFUSED)
        now = self._clock.now()
        if (now - at).total_seconds() < SUMMARY_SECONDS or (accepted, refused) == (accepted_then, refused_then):
            return
        self._told = (now, accepted, refused)
        log.info("Webhooks: %d accepted and %d refused until now", accepted, refused)
