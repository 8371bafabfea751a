"""Writes the beginning and the end of procedures into the audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from types import MappingProxyType
from typing import Final

from app.core.audit_service import AuditService, status_snapshot
from app.core.mentorado_service import MentoradoService
from app.core.procedures.steps import Step, StepContext
from app.domain.actions import ActionName
from app.domain.audit import Actor, AuditOutcome
from app.domain.errors import Problem
from app.domain.link_status import LinkStatus
from app.domain.mentorado import LinkId
from app.domain.procedure import Procedure, ProcedureId, ProcedureKind, StepData, StepName
from app.domain.repositories import AuditLog

ACTION: Final[Mapping[ProcedureKind, ActionName]] = MappingProxyType(
    {
        ProcedureKind.RECOVERY: ActionName.RECOVER,
        ProcedureKind.REAUTHENTICATION: ActionName.REAUTHENTICATE,
        ProcedureKind.BACKUP: ActionName.BACK_UP,
        ProcedureKind.RESTORE: ActionName.RESTORE,
        ProcedureKind.SWITCH: ActionName.SWITCH_PROVIDER,
        ProcedureKind.ROLL_BACK: ActionName.ROLL_BACK,
    }
)
"""The action that must be available for a procedure to begin, which is also its audit action."""

_LOOKED_BACK = 100


class ProcedureAuditor:
    """Two audit entries a procedure: when it begins, and when it is done or undone, each exactly once."""

    def __init__(
        self,
        *,
        audit_service: AuditService,
        audit: AuditLog,
        mentorados: MentoradoService,
        status: Callable[[LinkId], LinkStatus],
        clear: Callable[[ProcedureId], Awaitable[None]],
    ) -> None:
        """*clear* deletes the temporary files of a procedure."""
        self._audit_service = audit_service
        self._audit = audit
        self._mentorados = mentorados
        self._status = status
        self._clear = clear
        self.step = Step(name=StepName.RECORD, do=self._record)

    @property
    def actor(self) -> Actor:
        """The current user and operator."""
        return self._audit_service.actor

    def beginning(self, procedure: Procedure) -> AbstractContextManager[None]:
        """The transaction inside it that stores *procedure* holds the entry too."""
        before, after = self._audit_values(procedure, "began")
        reason = procedure.head.facts.get("override_reason", "")
        return self._audit_service.with_changes(
            ACTION[procedure.head.kind],
            self._mentorados.get(procedure.head.mentorado_id),
            before=before,
            after=after,
            reason=reason,
        )

    async def ended(self, procedure: Procedure) -> None:
        """Returns once it is on disk; after a crash, what is there already is not written again."""
        with suppress(Problem):  # a file that is in nobody's way
            await self._clear(procedure.head.id)
        entries = await self._audit.entries(mentorado_id=procedure.head.mentorado_id, limit=_LOOKED_BACK)
        written = [entry.record.after for entry in entries if entry.record.after.get("procedure") == procedure.head.id]
        if not any(after["moment"] != "began" for after in written):
            self._write(procedure, "undone" if procedure.undoing else "done", _outcome(procedure))
        await self._audit_service.flush()

    async def _record(self, run: StepContext) -> StepData:
        await self.ended(run.procedure)
        return {"outcome": _outcome(run.procedure).value}

    def _write(self, procedure: Procedure, moment: str, outcome: AuditOutcome) -> None:
        self._audit_service.record(
            ACTION[procedure.head.kind],
            self._mentorados.get(procedure.head.mentorado_id),
            after=self._audit_values(procedure, moment)[1],
            outcome=outcome,
            reason=procedure.head.facts.get("override_reason", ""),
        )

    def _audit_values(self, procedure: Procedure, moment: str) -> tuple[dict[str, str], dict[str, str]]:
        mentorado = self._mentorados.get(procedure.head.mentorado_id)
        now = status_snapshot(self._status(mentorado.link.id))
        providers = {name: procedure.head.facts[name] for name in ("from", "to") if name in procedure.head.facts}
        return now, {**now, **providers, "procedure": procedure.head.id, "moment": moment}


def _outcome(procedure: Procedure) -> AuditOutcome:
    if procedure.undoing:
        return AuditOutcome.DECLINED
    left_out = any("left_out" in step.facts for step in procedure.steps)
    return AuditOutcome.FAILED if left_out else AuditOutcome.DONE
