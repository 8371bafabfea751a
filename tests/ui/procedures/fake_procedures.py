"""Procedures that stand still until a test moves them, and a shelf of backups: for what the window shows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.backups import BackupService, OnProgress, ignore_progress
from app.core.event_bus import EventBus
from app.core.procedures.service import ProcedureService
from app.domain.audit import Actor
from app.domain.backup import BackupInfo, BackupProgress, ImpactSummary, SessionOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import BackupProgressed, ProcedureChanged
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.messages import HistoryStats
from app.domain.phone import PhoneNumber
from app.domain.procedure import (
    EntryKind,
    JournalEntry,
    Procedure,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    StepData,
    StepName,
    apply,
    new_procedure_id,
    replay,
)
from app.domain.repositories import Clock

LEDGER = ImpactSummary(
    history=HistoryStats(messages=12345, conversations=87, since=datetime(2026, 3, 12, 14, 0, tzinfo=UTC)),
    contacts=131,
    session=SessionOutcome.REPLACED,
    queue=None,
    old_device_stays=True,
    last_backup=None,
)


@dataclass
class FakeProcedures(ProcedureService):
    """What was asked of it is in `asked`; what happens is written with `write`."""

    bus: EventBus
    clock: Clock
    impact: ImpactSummary = LEDGER
    problem: Problem | None = None  # raised by the next thing that is asked for, again and again
    asked: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)
    begun: list[tuple[ProcedureKind, Mapping[str, str], str]] = field(default_factory=list)
    open: dict[ProcedureId, Procedure] = field(default_factory=dict)

    def unfinished(self) -> Sequence[Procedure]:
        return [procedure for procedure in self.open.values() if not procedure.ended]

    def active(self, mentorado_id: MentoradoId) -> Procedure | None:
        return next((each for each in self.unfinished() if each.head.mentorado_id == mentorado_id), None)

    async def latest(self, mentorado_id: MentoradoId) -> Sequence[Procedure]:
        return [each for each in reversed(self.open.values()) if each.head.mentorado_id == mentorado_id]

    async def pause_active(self, mentorado_id: MentoradoId) -> None:
        """Nothing to pause: these stand still by themselves."""

    async def begin(
        self,
        kind: ProcedureKind,
        mentorado_id: MentoradoId,
        *,
        facts: Mapping[str, str] | None = None,
        secret: str = "",
        override_reason: str = "",
    ) -> Procedure:
        self._ask("begin")
        self.secrets.append(secret)
        self.begun.append((kind, facts or {}, override_reason))
        return self.put(kind, mentorado_id)

    async def confirm(self, procedure_id: ProcedureId) -> None:
        self._ask("confirm")
        self.write(procedure_id, EntryKind.CONFIRMED)

    async def pause(self, procedure_id: ProcedureId) -> None:
        self._ask("pause")
        self.write(procedure_id, EntryKind.PAUSED)

    async def resume(self, procedure_id: ProcedureId, *, secret: str = "") -> None:
        self._ask("go_on")
        self.secrets.append(secret)
        self.write(procedure_id, EntryKind.CONTINUED)

    async def undo(self, procedure_id: ProcedureId) -> None:
        self._ask("undo")
        self.write(procedure_id, EntryKind.UNDO_BEGAN)

    async def ledger(self, kind: ProcedureKind, mentorado_id: MentoradoId) -> ImpactSummary:
        if kind is ProcedureKind.RESTORE:
            return replace(self.impact, session=SessionOutcome.RESTORED, old_device_stays=False)
        return self.impact

    # --- what happens

    def put(self, kind: ProcedureKind, mentorado_id: MentoradoId, *, ago: float = 0) -> Procedure:
        """One begun *ago* seconds ago."""
        head = ProcedureInfo(
            id=new_procedure_id(),
            kind=kind,
            mentorado_id=mentorado_id,
            actor=Actor(user="staff"),
            began_at=self.clock.now() - timedelta(seconds=ago),
        )
        self.open[head.id] = replay(head, [])
        return self.write(head.id, EntryKind.BEGAN)

    def write(
        self, procedure_id: ProcedureId, kind: EntryKind, step: StepName | None = None, facts: StepData | None = None
    ) -> Procedure:
        before = self.open[procedure_id]
        entry = JournalEntry(
            procedure_id=procedure_id,
            number=before.entries + 1,
            at=self.clock.now(),
            kind=kind,
            step=step,
            facts=facts or {},
        )
        self.open[procedure_id] = procedure = apply(before, entry)
        self.bus.publish(ProcedureChanged(procedure))
        return procedure

    def run_to(
        self, procedure: Procedure, step: StepName, facts: Mapping[StepName, StepData] | None = None
    ) -> Procedure:
        """Do all steps before *step*, and begin that one."""
        for record in procedure.steps:
            if record.name is step:
                break
            found = (facts or FOUND).get(record.name, {})
            self.write(procedure.head.id, EntryKind.STEP_BEGAN, record.name)
            self.write(procedure.head.id, EntryKind.STEP_DONE, record.name, found)
        return self.write(procedure.head.id, EntryKind.STEP_BEGAN, step)

    def move(self, procedure: Procedure, progress: BackupProgress) -> None:
        self.bus.publish(BackupProgressed(procedure.head.id, progress))

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.problem is not None:
            raise self.problem


FOUND: Mapping[StepName, StepData] = {
    StepName.SCOPE: {"links": "one"},
    StepName.SOFT_RECONNECT: {"came_back": "no", "tries": "0", "reason": "logged_out"},
    StepName.BACK_UP: {"messages": "12345", "size": "4404019", "encrypted": "no"},
    StepName.MERGE_HISTORY: {"new": "210"},
}
"""What the steps of a recovery after a logout find, as the core writes it down."""


def backup(mentorado_id: MentoradoId, at: datetime, **differing: object) -> BackupInfo:
    info = BackupInfo(
        path=Path(f"/backups/{mentorado_id}/{at:%Y%m%d-%H%M%S}.conecta"),
        at=at,
        mentorado_id=mentorado_id,
        name="Ana",
        provider=ProviderKind.WHATSAPP_WEB,
        account=PhoneNumber("+5598983015662"),
        messages=12135,
        conversations=87,
        size=4_404_019,
        encrypted=False,
    )
    return replace(info, **differing)  # type: ignore[arg-type]


@dataclass
class FakeBackupList(BackupService):
    """Backups that are there, and files that can be chosen."""

    infos: list[BackupInfo] = field(default_factory=list)
    files: dict[Path, BackupInfo | Problem] = field(default_factory=dict)

    async def all(self, mentorado_id: MentoradoId | None = None) -> Sequence[BackupInfo]:
        return [info for info in self.infos if mentorado_id in (None, info.mentorado_id)]

    async def verify(
        self, path: Path, *, passphrase: str = "", on_progress: OnProgress = ignore_progress
    ) -> BackupInfo:
        found = self.files.get(path, Problem(ProblemCode.BACKUP_UNREADABLE, path=path.name))
        if isinstance(found, Problem):
            raise found
        return found
