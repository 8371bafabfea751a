"""The procedures, built together over one core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.backups import BackupService
from app.core.event_bus import EventBus
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.procedures.auditing import ProcedureAuditor
from app.core.procedures.impact import Counted, ImpactService
from app.core.procedures.reauthentication import ReauthenticationSteps
from app.core.procedures.recovery import Backups, RecoverySteps
from app.core.procedures.restore import RestoreSteps
from app.core.procedures.service import ProcedureService
from app.core.procedures.steps import BackupSteps, SmokeCheck, Step
from app.core.procedures.switch import Require, RollBackSteps, SwitchSteps
from app.domain.mentorado import ProviderKind
from app.domain.provider import Provider
from app.domain.repositories import (
    AuditLog,
    Clock,
    HistoryDump,
    MessageRepository,
    ProcedureJournal,
    ProcedureLocks,
    TransitionRepository,
)


def build_procedures(
    *,
    mentorados: MentoradoService,
    supervisor: Supervisor,
    incidents: IncidentDetector,
    actions: ActionService,
    providers: Mapping[ProviderKind, Provider],
    backups: BackupService,
    recovery_backups: Backups,
    outbound: OutboundService,
    smoke_tests: SmokeTestService,
    require_switch: Require,
    note: Callable[[], str],
    journal: ProcedureJournal,
    transfer: HistoryDump,
    history: MessageRepository,
    counts: Counted,
    transitions: TransitionRepository,
    audit: AuditLog,
    audit_service: AuditService,
    locks: ProcedureLocks,
    bus: EventBus,
    clock: Clock,
    steps: Iterable[Step] | None = None,
) -> ProcedureService:
    """Build recoveries, re-authentications, backups, restores and provider switches over one journal, or what *steps*
    make instead.

    *note* is the text of the check after a recovery, in the operator's language. *require_switch* checks whether a
    mentorado may be switched.
    """
    recovery = RecoverySteps(
        mentorados=mentorados,
        supervisor=supervisor,
        incidents=incidents,
        providers=providers,
        backups=recovery_backups,
        bus=bus,
        clock=clock,
    )
    reauthentication = ReauthenticationSteps(
        mentorados=mentorados,
        supervisor=supervisor,
        providers=providers,
        no_pairing=actions.pairing_blocked,
        bus=bus,
        clock=clock,
    )
    restore = RestoreSteps(
        backups=backups,
        mentorados=mentorados,
        providers=providers,
        transfer=transfer,
        history=history,
        transitions=transitions,
        bus=bus,
    )
    switch = SwitchSteps(
        mentorados=mentorados,
        supervisor=supervisor,
        outbound=outbound,
        smoke_tests=smoke_tests,
        providers=providers,
        require=require_switch,
        bus=bus,
        clock=clock,
    )
    roll_back = RollBackSteps(mentorados=mentorados, supervisor=supervisor, outbound=outbound, bus=bus, clock=clock)
    smoke_check = SmokeCheck(mentorados=mentorados, supervisor=supervisor, outbound=outbound, note=note)
    return ProcedureService(
        journal=journal,
        steps=steps
        or [
            *recovery.steps(),
            *reauthentication.steps(),
            smoke_check.step(),
            *BackupSteps(backups).steps(),
            *restore.steps(),
            *switch.steps(),
            *roll_back.steps(),
        ],
        ledger=ImpactService(mentorados=mentorados, providers=providers, history=counts, journal=journal),
        recorder=ProcedureAuditor(
            audit_service=audit_service,
            audit=audit,
            mentorados=mentorados,
            status=supervisor.status,
            clear=recovery_backups.discard_part,
        ),
        require=lambda name, mentorado_id, why: actions.require(name, mentorado_id, override_reason=why),
        locks=locks,
        bus=bus,
        clock=clock,
    )
