"""The procedures, with every step that there is."""

from __future__ import annotations

from collections.abc import Mapping

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
from app.domain.mentorado import ProviderKind
from app.domain.ports import Audit, Clock, History, HistoryTransfer, Journal, TransitionLog
from app.domain.provider import Provider


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
        bus=bus,
        clock=clock,
    )


def _smoke_note() -> str:
    """What the smoke check sends, in the language of the operator."""
    from app.ui.text import texts

    return texts("smoke.note")
