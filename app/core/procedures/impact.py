"""Computes what a procedure keeps and loses, before anything is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from app.core.mentorado_service import MentoradoService
from app.domain.backup import ImpactSummary, SessionOutcome
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.messages import HistoryStats
from app.domain.procedure import ProcedureKind, StepData, StepName, StepRecord, StepState, replay
from app.domain.provider import CanPair, HasQueue, HasSessionBackup, Provider
from app.domain.repositories import ProcedureJournal

_FATE = {
    ProcedureKind.RECOVERY: SessionOutcome.REPLACED,
    ProcedureKind.REAUTHENTICATION: SessionOutcome.REPLACED,
    ProcedureKind.BACKUP: SessionOutcome.KEPT,
    ProcedureKind.RESTORE: SessionOutcome.RESTORED,
    ProcedureKind.SWITCH: SessionOutcome.KEPT,
    ProcedureKind.ROLL_BACK: SessionOutcome.KEPT,
}
_PAIRS = frozenset({ProcedureKind.RECOVERY, ProcedureKind.REAUTHENTICATION})
_BACKUPS = frozenset({StepName.BACK_UP, StepName.PUT_IN_PLACE})
_LOOKED_BACK = 200


class Counted(Protocol):
    """Counts of a mentorado's history."""

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats: ...

    async def contacts(self, mentorado_id: MentoradoId) -> int: ...


class ImpactService:
    """Adds up the figures of one mentorado."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
        history: Counted,
        journal: ProcedureJournal,
    ) -> None:
        self._mentorados = mentorados
        self._providers = providers
        self._history = history
        self._journal = journal

    async def impact_of(self, kind: ProcedureKind, mentorado_id: MentoradoId) -> ImpactSummary:
        """The impact that a procedure of *kind* would have now."""
        mentorado = self._mentorados.get(mentorado_id)
        fate = await self._session_outcome(kind, mentorado)
        return ImpactSummary(
            history=await self._history.extent(mentorado_id),
            contacts=await self._history.contacts(mentorado_id),
            session=fate,
            queue=await self._queue(mentorado),
            old_device_stays=fate is SessionOutcome.REPLACED and mentorado.link.account is not None,
            last_backup=await self.last_backup(mentorado_id),
        )

    async def last_backup(self, mentorado_id: MentoradoId) -> datetime | None:
        """The time of the last complete backup, from the journals."""
        journals = await self._journal.latest(mentorado_id, limit=_LOOKED_BACK)
        return max((at for head, lines in journals for at in _backup_times(replay(head, lines).steps)), default=None)

    async def _session_outcome(self, kind: ProcedureKind, mentorado: Mentorado) -> SessionOutcome:
        provider = self._providers.get(mentorado.link.provider)
        has_some = isinstance(provider, CanPair) if kind in _PAIRS else isinstance(provider, HasSessionBackup)
        if provider is None or not has_some or not await provider.has_credentials(mentorado.link):
            return SessionOutcome.NONE
        return _FATE[kind]

    async def _queue(self, mentorado: Mentorado) -> int | None:
        provider: object = self._providers.get(mentorado.link.provider)
        if isinstance(provider, HasQueue):
            with suppress(Problem):  # else it is told that nobody knows
                return len(await provider.queue(mentorado.link))
        return None


def to_step_data(ledger: ImpactSummary) -> StepData:
    """The summary as journal facts; `queue` and `last_backup` are left out when unknown."""
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


def _backup_times(steps: Sequence[StepRecord]) -> list[datetime]:
    done = [step for step in steps if step.name in _BACKUPS and step.state is StepState.DONE]
    return [step.since for step in done if step.since is not None]
