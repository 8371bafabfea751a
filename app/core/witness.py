"""Sees to it that what people do is written down: by whom, when, before, after, and with what outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from app.core.scribe import Scribe
from app.domain.audit import Actor, AuditOutcome, Deed
from app.domain.mentorado import Enrolment
from app.domain.ports import Audit, Clock

log = logging.getLogger(__name__)


class Witness:
    """Turns deeds into audit entries. The scribe keeps them in order and keeps them while the disk cannot."""

    def __init__(self, *, audit: Audit, scribe: Scribe, clock: Clock, actor: Callable[[], Actor]) -> None:
        self._audit = audit
        self._scribe = scribe
        self._clock = clock
        self._actor = actor

    def record(
        self,
        action: str,
        enrolment: Enrolment | None = None,
        *,
        before: Mapping[str, str] | None = None,
        after: Mapping[str, str] | None = None,
        outcome: AuditOutcome = AuditOutcome.DONE,
        reason: str = "",
    ) -> None:
        """Write down that *action* was done, declined or failed, on *enrolment* if it was on somebody."""
        deed = Deed(
            at=self._clock.now(),
            actor=self._actor(),
            action=action,
            mentorado_id=enrolment.mentorado.id if enrolment else None,
            subject=enrolment.mentorado.name if enrolment else "",
            before=before or {},
            after=after or {},
            outcome=outcome,
            reason=reason,
        )
        log.info("%s on %s: %s", action, deed.mentorado_id, outcome)
        self._scribe.add(lambda: self._audit.record(deed))
