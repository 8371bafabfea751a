"""The procedures, with every step that there is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from app.core.actions import Actions
from app.core.backup.backups import Backups
from app.core.backup.restore import Restore
from app.core.backup.steps import BackupSteps
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.links.incident import Incidents
from app.core.links.supervisor import Supervisor
from app.core.procedure.ledger import Ledger
from app.core.procedure.procedures import Procedures
from app.core.procedure.reauthentication import Reauthentication
from app.core.procedure.record import Recorder
from app.core.procedure.recovery import Recovery
from app.core.procedure.smoke_check import SmokeCheck
from app.core.witness import Witness
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind, is_id
from app.domain.ports import Audit, Clock, History, HistoryTransfer, Journal, ProcedureLocks, TransitionLog
from app.domain.procedure import ProcedureId
from app.domain.provider import Provider
from app.file_lock import FileLock, LockHeld, OwnerState, read_owner


def build_procedures(
    *,
    enrolments: Enrolments,
    supervisor: Supervisor,
    incidents: Incidents,
    actions: Actions,
    providers: Mapping[ProviderKind, Provider],
    backups: Backups,
    journal: Journal,
    transfer: HistoryTransfer,
    history: History,
    transitions: TransitionLog,
    audit: Audit,
    witness: Witness,
    locks: ProcedureLocks,
    bus: Bus,
    clock: Clock,
) -> Procedures:
    """Recoveries, re-authentications, backups and restores, over one journal."""
    recovery = Recovery(
        enrolments=enrolments,
        supervisor=supervisor,
        incidents=incidents,
        providers=providers,
        backups=backups,
        bus=bus,
        clock=clock,
    )
    reauthentication = Reauthentication(
        enrolments=enrolments,
        supervisor=supervisor,
        providers=providers,
        no_pairing=actions.no_pairing,
        bus=bus,
        clock=clock,
    )
    restore = Restore(
        backups=backups,
        enrolments=enrolments,
        providers=providers,
        transfer=transfer,
        history=history,
        transitions=transitions,
        bus=bus,
    )
    smoke_check = SmokeCheck(enrolments=enrolments, supervisor=supervisor, providers=providers, note=_smoke_note)
    return Procedures(
        journal=journal,
        steps=[
            *recovery.steps(),
            *reauthentication.steps(),
            smoke_check.step(),
            *BackupSteps(backups).steps(),
            *restore.steps(),
        ],
        ledger=Ledger(enrolments=enrolments, providers=providers, history=history, journal=journal),
        recorder=Recorder(
            witness=witness,
            audit=audit,
            enrolments=enrolments,
            status=supervisor.status,
            clear=backups.discard_part,
        ),
        require=lambda name, mentorado_id, why: actions.require(name, mentorado_id, override_reason=why),
        locks=locks,
        bus=bus,
        clock=clock,
    )


class FileProcedureLocks:
    """Implements `app.domain.ports.ProcedureLocks` by a file for each procedure that is moved, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[ProcedureId, FileLock] = {}

    def take(self, procedure_id: ProcedureId, *, overrule: bool = False) -> None:
        if procedure_id in self._held:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held[procedure_id] = FileLock.take(self._path(procedure_id), overrule=overrule)
        except LockHeld as held:
            owner = held.owner.label() if held.owner else ""
            raise Problem(Code.PROCEDURE_HELD, owner=owner) from held
        except OSError as error:
            raise Problem(Code.BACKUP_FOLDER_UNUSABLE, path=str(self._folder), detail=error.strerror or "") from error

    def release(self, procedure_id: ProcedureId) -> None:
        lock = self._held.pop(procedure_id, None)
        if lock is not None:
            with suppress(OSError):  # nobody else uses the name of this procedure, so the file may go with it
                lock.path.unlink()
            lock.release()

    def holder(self, procedure_id: ProcedureId) -> str:
        owner = read_owner(self._path(procedure_id))
        dead = owner is None or owner.is_this_process() or owner.state() is OwnerState.DEAD
        return "" if dead or owner is None else owner.label()

    def _path(self, procedure_id: ProcedureId) -> Path:
        if not is_id(procedure_id):
            raise ValueError("not an id; it must never become a path")
        return self._folder / f"{procedure_id}.lock"


def _smoke_note() -> str:
    """What the smoke check sends, in the language of the operator."""
    from app.ui.text import texts

    return texts("smoke.note")
