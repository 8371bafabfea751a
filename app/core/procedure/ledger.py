"""What is kept and what is not: told before anything is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from app.core.enrolments import Enrolments
from app.domain.backup import LossLedger, SessionFate
from app.domain.errors import Problem
from app.domain.mentorado import Enrolment, MentoradoId, ProviderKind
from app.domain.messages import HistoryExtent
from app.domain.ports import Journal
from app.domain.procedure import Facts, ProcedureKind, StepName, StepRecord, StepState, folded
from app.domain.provider import CanPair, HasQueue, KeepsSessions, Provider

_FATE = {
    ProcedureKind.RECOVERY: SessionFate.REPLACED,
    ProcedureKind.REAUTHENTICATION: SessionFate.REPLACED,
    ProcedureKind.BACKUP: SessionFate.KEPT,
    ProcedureKind.RESTORE: SessionFate.RESTORED,
}
_PAIRS = frozenset({ProcedureKind.RECOVERY, ProcedureKind.REAUTHENTICATION})
_BACKUPS = frozenset({StepName.BACK_UP, StepName.PUT_IN_PLACE})
_LOOKED_BACK = 200


class Counted(Protocol):
    """How much is known of somebody."""

    async def extent(self, mentorado_id: MentoradoId) -> HistoryExtent: ...

    async def contacts(self, mentorado_id: MentoradoId) -> int: ...


class Ledger:
    """Adds up the figures of one mentorado."""

    def __init__(
        self,
        *,
        enrolments: Enrolments,
        providers: Mapping[ProviderKind, Provider],
        history: Counted,
        journal: Journal,
    ) -> None:
        self._enrolments = enrolments
        self._providers = providers
        self._history = history
        self._journal = journal

    async def of(self, kind: ProcedureKind, mentorado_id: MentoradoId) -> LossLedger:
        """The ledger of a procedure of *kind*, as things are now."""
        enrolment = self._enrolments.get(mentorado_id)
        fate = await self._fate(kind, enrolment)
        return LossLedger(
            history=await self._history.extent(mentorado_id),
            contacts=await self._history.contacts(mentorado_id),
            session=fate,
            queue=await self._queue(enrolment),
            old_device_stays=fate is SessionFate.REPLACED and enrolment.link.account is not None,
            last_backup=await self.last_backup(mentorado_id),
        )

    async def last_backup(self, mentorado_id: MentoradoId) -> datetime | None:
        """When a whole backup was made last, as the journals say."""
        journals = await self._journal.latest(mentorado_id, limit=_LOOKED_BACK)
        return max((at for head, lines in journals for at in _made(folded(head, lines).steps)), default=None)

    async def _fate(self, kind: ProcedureKind, enrolment: Enrolment) -> SessionFate:
        provider = self._providers.get(enrolment.link.provider)
        has_some = isinstance(provider, CanPair) if kind in _PAIRS else isinstance(provider, KeepsSessions)
        if provider is None or not has_some or not await provider.has_credentials(enrolment.link):
            return SessionFate.NONE
        return _FATE[kind]

    async def _queue(self, enrolment: Enrolment) -> int | None:
        provider: object = self._providers.get(enrolment.link.provider)
        if isinstance(provider, HasQueue):
            with suppress(Problem):  # else it is told that nobody knows
                return len(await provider.queue(enrolment.link))
        return None


def facts_of(ledger: LossLedger) -> Facts:
    """The figures as a journal has them; `queue` and `last_backup` are missing when there is nothing to say."""
    figures = {
        "messages": str(ledger.history.messages),
        "conversations": str(ledger.history.conversations),
        "contacts": str(ledger.contacts),
        "session": ledger.session.value,
        "old_device_stays": "yes" if ledger.old_device_stays else "no",
    }
    if ledger.queue is not None:
        figures["queue"] = str(ledger.queue)
    if ledger.last_backup is not None:
        figures["last_backup"] = ledger.last_backup.isoformat()
    return figures


def _made(steps: Sequence[StepRecord]) -> list[datetime]:
    done = [step for step in steps if step.name in _BACKUPS and step.state is StepState.DONE]
    return [step.since for step in done if step.since is not None]
