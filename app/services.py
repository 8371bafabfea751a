"""Every service of the program, and how they are opened, run and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.background import BackgroundTasks, keep_search_ready
from app.core.backups import BackupPruner, BackupService
from app.core.bulk_work import BulkWorkService
from app.core.case_service import CaseService
from app.core.csv_import import CsvImportService
from app.core.database_follower import DatabaseFollower
from app.core.diagnostics.alerts import AlertService
from app.core.diagnostics.figures import FigureCollector, OverviewService
from app.core.diagnostics.metrics import MetricsService
from app.core.diagnostics.passkey import PasskeyService
from app.core.diagnostics.support_bundle import SupportBundleService
from app.core.diagnostics.troubleshooting import TroubleshootingService
from app.core.event_bus import EventBus
from app.core.handling_service import HandlingService
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.note_service import NoteService
from app.core.notifications.notifier import Notifier
from app.core.notifications.snooze_service import SnoozeService
from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.core.outbound.consent_services import ConsentServices
from app.core.outbound.replies import ReplyService
from app.core.outbound.service import OutboundService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.privacy_service import PrivacyService, RetentionJob
from app.core.procedures.service import ProcedureService
from app.core.provider_setup.services import ProviderSetup
from app.core.provider_switch.service import SwitchService
from app.core.secret_service import SecretService
from app.core.settings_service import DebugLogController, SettingsService
from app.core.trusted_time import ClockCheck, TrustedClock
from app.core.webhooks.service import WebhookService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.errors import Problem
from app.domain.mentorado import ProviderKind
from app.domain.provider import Provider
from app.domain.repositories import AuditLog, TransitionRepository
from app.platform.loop_watchdog import LoopWatchdog
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from app.settings import Settings
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.secrets.store import SelectableSecretStore, read_passphrase
from app.storage.set_aside import SqlSetAside


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Every service of the program. Nothing is opened before `open`."""

    settings: Settings
    clock: TrustedClock
    bus: EventBus
    database: Database
    transitions: TransitionRepository
    history: SqlMessageRepository
    set_aside: SqlSetAside
    audit: AuditLog
    audit_service: AuditService
    write_queue: WriteQueue
    whatsapp_web: WhatsAppWebProvider
    mentorados: MentoradoService
    supervisor: Supervisor
    incidents: IncidentDetector
    actions: ActionService
    settings_service: SettingsService
    provider_log: DebugLogController
    personal_data: PrivacyService
    retention: RetentionJob
    csv_import: CsvImportService
    secrets: SelectableSecretStore
    secret_service: SecretService
    providers: Mapping[ProviderKind, Provider]
    hosted: ProviderSetup
    procedures: ProcedureService
    backups: BackupService
    backup_retention: BackupPruner
    webhooks: WebhookService
    clock_check: ClockCheck
    outbound: OutboundService
    replies: ReplyService
    smoke_tests: SmokeTestService
    consent: ConsentServices
    cases: CaseService
    notes: NoteService
    handlings: HandlingService
    bulk_work: BulkWorkService
    campaigns: CampaignService
    campaign_planner: CampaignPlanner
    switches: SwitchService
    alerts: AlertService
    figures: FigureCollector
    overview: OverviewService
    metrics: MetricsService
    snoozes: SnoozeService
    notifier: Notifier
    troubleshooting: TroubleshootingService
    passkeys: PasskeyService
    loop_watchdog: LoopWatchdog
    support_bundle: SupportBundleService
    follower: DatabaseFollower
    loads: Sequence[Callable[[], Awaitable[None]]]  # read what is kept in memory, in this order

    def __post_init__(self) -> None:
        self.database.on_repaired = lambda names: self.audit_service.write_or_queue(
            AuditAction.REPAIR_DATABASE, after={"value": ", ".join(names)}
        )

    async def open(self) -> None:
        """Open the database and load settings, mentorados and procedures. May be called again after a `Problem`."""
        if self.settings.passphrase_file is not None:
            read_passphrase(self.settings.passphrase_file)  # it is needed late, and what is wrong with it is said now
        await self.database.open()
        await self.follower.mark()
        for load in self.loads:
            await load()
        self.follower.begin()

    async def begin_anew(self) -> None:
        """Create a new database where one was lost, to be followed by `open`. Raises `Problem`."""
        await self.database.begin_anew()
        self.audit.begin_anew()
        await self.audit_service.write(AuditAction.BEGIN_DATABASE, after={"value": str(self.settings.database)})

    async def use_copy(self, copy: Path) -> None:
        """Restore a lost database from *copy*, to be followed by `open`. Raises `Problem`."""
        await self.database.use_copy(copy)
        self.audit.begin_anew()
        await self.audit_service.write(AuditAction.USE_DATABASE_COPY, after={"value": str(copy)})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the link workers and the background tasks. On exit, close every connection, then the database."""
        try:
            async with (
                self.supervisor,
                self.procedures,
                BackgroundTasks(
                    self.loop_watchdog.run,
                    self.clock_check.run,
                    self.provider_log.run,
                    self.retention.run,
                    self.incidents.run,
                    self.webhooks.run,
                    self.backup_retention.run,
                    self.outbound.run,
                    self.campaigns.run,
                    self.switches.run,
                    self.consent.confirmations.run,
                    self.alerts.run,
                    self.figures.run,
                    self.metrics.run,
                    self.notifier.run,
                    self.follower.run,
                    partial(keep_search_ready, self.history, self.clock),
                ),
            ):
                yield
            with suppress(Problem):
                await self.clock.save()
        finally:
            await self.close()

    async def close(self) -> None:
        """Wait briefly until the last audit entry is noted outside the database, then close the database."""
        try:
            await self.audit.settled()
        finally:
            await self.database.close()
