"""Sees to it that what people do is written down: by whom, when, before, after, and with what outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from app.core.scribe import Scribe
from app.domain.audit import Actor, AuditOutcome, Deed
from app.domain.connection import LinkStatus
from app.domain.mentorado import Enrolment
from app.domain.phone import masked
from app.domain.ports import Audit, Clock

log = logging.getLogger(__name__)


class Witness:
    """Turns deeds into audit entries. The scribe keeps them in order and keeps them while the disk cannot."""

    def __init__(self, *, audit: Audit, scribe: Scribe, clock: Clock, actor: Callable[[], Actor]) -> None:
        self._audit = audit
        self._scribe = scribe
        self._clock = clock
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """Who is at the keyboard now."""
        return self._actor()

    async def written(self) -> None:
        """Wait until everything recorded so far is on disk."""
        await self._scribe.flush()

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


def described(status: LinkStatus) -> dict[str, str]:
    """*status* as an audit entry has it."""
    known = {"state": status.state.value, "reason": status.reason.value}
    if status.account is not None:
        known["account"] = masked(status.account)
    return known
