"""What tests, and the window of sample data, put in place of the program's storage, providers and procedures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core.procedures.impact import Counted
from app.core.procedures.recovery import Backups
from app.core.procedures.service import ProcedureService
from app.core.procedures.steps import Step
from app.core.provider_switch.plan import RecordedConsents
from app.domain.bulk_work import BulkWorkRepository
from app.domain.cases import CaseRepository
from app.domain.consent import ConsentWriter
from app.domain.figures import FigureRepository
from app.domain.handling import HandlingRepository
from app.domain.incident import ConnectivityChecker
from app.domain.mentorado import ProviderKind
from app.domain.notes import NoteRepository
from app.domain.notifications import SnoozeRepository
from app.domain.outbound import OutboundRepository
from app.domain.provider import Provider
from app.domain.repositories import (
    AuditLog,
    MentoradoRepository,
    MessageWriter,
    ProcedureJournal,
    ProcedureLocks,
    RegistrationAttempts,
    SecretStore,
    SettingsRepository,
    TimeRecords,
    TransitionRepository,
)
from app.domain.smoke_test import SmokeTestRepository
from app.domain.switch import SwitchRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What stands in for the program's own storage, providers and procedure steps; None leaves the program's own."""

    providers: Mapping[ProviderKind, Provider] | None = None
    checks: ConnectivityChecker | None = None
    time_records: TimeRecords | None = None
    mentorados: MentoradoRepository | None = None
    transitions: TransitionRepository | None = None
    audit: AuditLog | None = None
    settings: SettingsRepository | None = None
    snoozes: SnoozeRepository | None = None
    messages: MessageWriter | None = None
    counts: Counted | None = None
    journal: ProcedureJournal | None = None
    locks: ProcedureLocks | None = None
    backups: Backups | None = None
    consents: ConsentWriter | None = None
    contacts: RecordedConsents | None = None
    outbound: OutboundRepository | None = None
    smoke_tests: SmokeTestRepository | None = None
    cases: CaseRepository | None = None
    notes: NoteRepository | None = None
    handlings: HandlingRepository | None = None
    bulk_work: BulkWorkRepository | None = None
    switches: SwitchRepository | None = None
    secrets: SecretStore | None = None
    registration_attempts: RegistrationAttempts | None = None
    figures: FigureRepository | None = None
    steps: Iterable[Step] | None = None
    procedures: ProcedureService | None = None
