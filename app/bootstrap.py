"""Builds every service of the program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app import __version__
from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.backups import BackupCopies, BackupPruner, BackupService
from app.core.bulk_work import BulkWorkService
from app.core.case_service import CaseService
from app.core.csv_import import CsvImportService
from app.core.database_follower import DatabaseFollower
from app.core.diagnostics.alerts import AlertService
from app.core.diagnostics.figures import FigureCollector, OverviewService
from app.core.diagnostics.metrics import MetricsReader, MetricsService
from app.core.diagnostics.passkey import PasskeyService
from app.core.diagnostics.support_bundle import SupportBundleService
from app.core.diagnostics.troubleshooting import TroubleshootingService
from app.core.event_bus import EventBus
from app.core.handling_service import HandlingService
from app.core.links.incident_detector import IncidentDetector, IncidentPolicy
from app.core.links.ingest import MessageIngestor
from app.core.links.reconnect import ReconnectPolicy
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.note_service import NoteService
from app.core.notifications.notifier import Notifier
from app.core.notifications.snooze_service import SnoozeService
from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.core.outbound.consent_services import build_consent_services
from app.core.outbound.replies import ReplyService
from app.core.outbound.service import OutboundService, Zones
from app.core.outbound.smoke_test import SmokeTestService, SmokeTestTexts
from app.core.privacy_service import PrivacyService, RetentionJob
from app.core.procedures.services import build_procedures
from app.core.provider_setup.credentials import Accounts
from app.core.provider_setup.services import build_provider_setup
from app.core.provider_switch.plan import SwitchPlanner
from app.core.provider_switch.service import SwitchService
from app.core.secret_service import SecretService
from app.core.settings_service import DebugLogController, SettingsService
from app.core.trusted_time import ClockCheck, TrustedClock
from app.core.webhooks.service import WebhookService
from app.core.write_queue import WriteQueue
from app.domain.actions import ActionName
from app.domain.audit import Actor, AuditAction
from app.domain.repositories import Clock, ProviderTime
from app.platform.loop_watchdog import LoopWatchdog
from app.platform.metrics_server import LoopbackMetricsServer
from app.platform.system import SystemClock, current_actor, elapsed, zones_of
from app.ports import Ports
from app.providers.leftovers import SessionLeftovers, WebhookLeftovers
from app.providers.registry import build_checks, build_providers, build_whatsapp_web
from app.providers.webhooks.server_process import WebhookServerProcess
from app.services import Services
from app.settings import Settings
from app.storage import audit_integrity
from app.storage.audit_log import SqlAuditLog
from app.storage.campaigns import SqlCampaigns
from app.storage.cases import SqlCases
from app.storage.consents import SqlConsents
from app.storage.database import Database
from app.storage.figures import SqlFigures
from app.storage.history.repository import SqlHistoryDump, SqlMessageRepository
from app.storage.journal import FileProcedureLocks, SqlProcedureJournal
from app.storage.lost_database import DatabaseCopies, former_files
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.notes import SqlHandlings, SqlNotes
from app.storage.outbound import SqlOutbound
from app.storage.secrets.store import SelectableSecretStore, read_passphrase
from app.storage.set_aside import SqlSetAside
from app.storage.settings import SqlBulkWork, SqlRegistrationAttempts, SqlSettings, SqlSnoozes
from app.storage.smoke_tests import SqlSmokeTests
from app.storage.switches import SqlSwitches
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionRepository
from app.text.outbound import smoke_test_text
from app.text.status import texts


def build_services(
    settings: Settings,
    *,
    bus: EventBus | None = None,
    clock: Clock | None = None,
    policy: ReconnectPolicy | None = None,
    provider_time: ProviderTime | None = None,
    actor: Callable[[], Actor] | None = None,
    zones: Zones = zones_of,
    ports: Ports | None = None,
) -> Services:
    """Wire the core for *settings*; everything else is for tests, which wire the same services over fakes."""
    ports = ports or Ports()
    bus, computer = bus or EventBus(), clock or SystemClock()
    database = Database(settings.database, traces=former_files(settings))
    checks = build_checks(settings, computer)
    trusted = TrustedClock(
        computer,
        records=ports.time_records or SqlTimeRecords(database),
        provider_time=provider_time or checks,
        elapsed=elapsed if clock is None else None,
    )
    passphrase_file = settings.passphrase_file
    secrets = SelectableSecretStore(
        settings.secrets, passphrase=None if passphrase_file is None else partial(read_passphrase, passphrase_file)
    )
    heads = audit_integrity.AuditHeads(settings.data_dir / audit_integrity.NAME)
    audit = ports.audit or SqlAuditLog(database, heads, audit_integrity.AuditSeals(secrets, settings.database))
    write_queue = WriteQueue(bus=bus, clock=trusted)
    audit_service = AuditService(
        bus=bus,
        audit=audit,
        write_queue=write_queue,
        clock=trusted,
        actor=actor or (lambda: current_actor(settings_service.settings.operator_name)),
    )
    mentorados = MentoradoService(
        bus=bus,
        mentorado_repository=ports.mentorados or SqlMentoradoRepository(database),
        clock=trusted,
        audit_service=audit_service,
    )
    transitions = ports.transitions or SqlTransitionRepository(database)
    whatsapp_web = build_whatsapp_web(
        settings,
        trusted,
        on_taken_over=lambda whose, left_by: audit_service.record(
            AuditAction.TAKE_OVER_SESSION, mentorados.get(whose), before={"owner": left_by}
        ),
        mentorados=mentorados.all,
        sessions_per_host=lambda: settings_service.settings.sessions_per_host,
    )
    accounts = Accounts(mentorados=mentorados, secrets=ports.secrets or secrets)
    mentorados.attach(accounts.require_unshared)
    providers = ports.providers or build_providers(settings, trusted, whatsapp_web, secrets, accounts)
    history = SqlMessageRepository(database, opt_out_words=lambda: settings_service.settings.opt_out_words)
    messages = ports.messages or history
    supervisor = Supervisor(
        bus=bus,
        providers=providers,
        mentorados=mentorados,
        transitions=transitions,
        ingestor=MessageIngestor(bus=bus, store=messages, clock=trusted, latest=trusted.latest),
        clock=trusted,
        write_queue=write_queue,
        policy=policy,
    )
    settings_service = SettingsService(
        bus=bus, store=ports.settings or SqlSettings(database), audit_service=audit_service, clock=trusted
    )
    provider_log = DebugLogController(
        bus=bus,
        settings_service=settings_service,
        providers=[whatsapp_web],
        clock=trusted,
        from_start=settings.provider_logging_for if settings.provider_logging else None,
    )
    incidents = IncidentDetector(
        bus=bus,
        mentorados=mentorados,
        checks=ports.checks or checks,
        clock=trusted,
        bring_back=supervisor.reconnect,
        policy=IncidentPolicy(share=settings.incident_share),
    )
    notes = NoteService(
        bus=bus,
        mentorados=mentorados,
        repository=ports.notes or SqlNotes(database),
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
    )
    handlings = HandlingService(
        bus=bus,
        mentorados=mentorados,
        status=supervisor.status,
        repository=ports.handlings or SqlHandlings(database),
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
    )
    actions = ActionService(
        mentorados=mentorados,
        supervisor=supervisor,
        clock=trusted,
        audit_service=audit_service,
        incidents=incidents,
        handlings=handlings,
    )
    journal, transfer = ports.journal or SqlProcedureJournal(database), SqlHistoryDump(database)
    backups = BackupService(
        settings.backup_dir, mentorados=mentorados, providers=providers, transfer=transfer, clock=trusted, audit=audit
    )
    consents = SqlConsents(database)
    outbound = OutboundService(
        bus=bus,
        mentorados=mentorados,
        supervisor=supervisor,
        providers=providers,
        repository=ports.outbound or SqlOutbound(database),
        history=messages,
        consents=ports.consents or consents,
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
        zones=zones,
        limits=lambda: settings_service.settings.outbound_limits,
    )
    smoke_tests = SmokeTestService(
        bus=bus,
        mentorados=mentorados,
        supervisor=supervisor,
        outbound=outbound,
        unavailable=partial(actions.unavailable_reason, ActionName.SMOKE_TEST),
        repository=ports.smoke_tests or SqlSmokeTests(database),
        consents=ports.consents or consents,
        settings_service=settings_service,
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
        texts=SmokeTestTexts(
            test=partial(smoke_test_text, "test"),
            asks_person=partial(smoke_test_text, "asks_person"),
            answer=partial(smoke_test_text, "answer"),
            consent=lambda: texts("smoke.consent"),
        ),
    )
    campaign_repository = SqlCampaigns(database)
    campaign_planner = CampaignPlanner(
        mentorados=mentorados,
        outbound=outbound,
        repository=campaign_repository,
        bulk_hold=smoke_tests.bulk_hold,
        clock=trusted,
    )
    campaigns = CampaignService(
        bus=bus,
        mentorados=mentorados,
        outbound=outbound,
        planner=campaign_planner,
        repository=campaign_repository,
        bulk_hold=smoke_tests.bulk_hold,
        audit_service=audit_service,
        clock=trusted,
    )
    cases = CaseService(
        bus=bus,
        mentorados=mentorados,
        repository=ports.cases or SqlCases(database),
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
    )
    switch_repository = ports.switches or SqlSwitches(database)
    switch_planner = SwitchPlanner(
        mentorados=mentorados,
        supervisor=supervisor,
        outbound=outbound,
        smoke_tests=smoke_tests,
        incidents=incidents,
        providers=providers,
        secrets=ports.secrets or secrets,
        accounts=accounts,
        cases=cases,
        repository=switch_repository,
        counts=ports.counts or history,
        settings_service=settings_service,
        consents=ports.contacts or consents,
        clock=trusted,
    )
    procedures = ports.procedures or build_procedures(
        mentorados=mentorados,
        supervisor=supervisor,
        incidents=incidents,
        actions=actions,
        providers=providers,
        outbound=outbound,
        smoke_tests=smoke_tests,
        require_switch=switch_planner.require,
        note=lambda: texts("smoke.note"),
        backups=backups,
        recovery_backups=ports.backups or backups,
        journal=journal,
        transfer=transfer,
        history=history,
        counts=ports.counts or history,
        transitions=transitions,
        audit=audit,
        audit_service=audit_service,
        locks=ports.locks or FileProcedureLocks(settings.data_dir / "procedures"),
        bus=bus,
        clock=trusted,
        steps=ports.steps,
    )
    switches = SwitchService(
        bus=bus,
        mentorados=mentorados,
        supervisor=supervisor,
        procedures=procedures,
        planner=switch_planner,
        repository=switch_repository,
        settings_service=settings_service,
        audit_service=audit_service,
        clock=trusted,
    )
    actions.attach(
        under_way=procedures.active,
        interrupt=procedures.pause_active,
        stops_of=outbound.stops_of,
        switch_of=switches.item_of,
    )
    consent = build_consent_services(
        bus, mentorados, consents, outbound, audit_service, trusted, lambda: texts("consent.confirmation")
    )
    figure_repository = ports.figures or SqlFigures(database)
    figures = FigureCollector(
        clock=trusted,
        repository=figure_repository,
        write_queue=write_queue,
        mentorados=mentorados,
        status=supervisor.status,
        switches=lambda: switches.runs,
        memory=whatsapp_web.memory,
    )
    snoozes = SnoozeService(
        bus=bus,
        mentorados=mentorados,
        repository=ports.snoozes or SqlSnoozes(database),
        audit_service=audit_service,
        write_queue=write_queue,
        clock=trusted,
    )
    bulk = BulkWorkService(bus, mentorados, handlings, ports.bulk_work or SqlBulkWork(database), write_queue, trusted)
    followed = [each.load for each in (procedures, outbound, smoke_tests, cases, campaigns, switches, notes, handlings)]
    clock_check = ClockCheck(bus=bus, clock=trusted, audit_service=audit_service)
    alerts = AlertService(
        bus=bus,
        mentorados=mentorados.all,
        status=supervisor.status,
        incident=incidents.for_provider,
        sightings=figure_repository,
        clock=trusted,
    )
    metrics_reader = MetricsReader(
        version=__version__,
        mentorados=mentorados.all,
        status=supervisor.status,
        alerts=lambda: alerts.alerts,
        figures=figures,
    )
    return Services(
        settings=settings,
        clock=trusted,
        bus=bus,
        database=database,
        transitions=transitions,
        history=history,
        set_aside=SqlSetAside(database),
        audit=audit,
        audit_service=audit_service,
        write_queue=write_queue,
        whatsapp_web=whatsapp_web,
        mentorados=mentorados,
        supervisor=supervisor,
        incidents=incidents,
        actions=actions,
        settings_service=settings_service,
        provider_log=provider_log,
        personal_data=PrivacyService(
            bus=bus,
            mentorados=mentorados,
            history=history,
            set_aside=SqlSetAside(database),
            consents=consents,
            notes_of=notes.notes_of,
            audit_service=audit_service,
            clock=trusted,
            leftovers=(
                BackupCopies(backups),
                DatabaseCopies(settings.database),
                SessionLeftovers(settings.session_dir),
                WebhookLeftovers(settings.data_dir),
            ),
        ),
        csv_import=CsvImportService(mentorados=mentorados, audit_service=audit_service),
        retention=RetentionJob(
            bus=bus, settings_service=settings_service, history=history, audit_service=audit_service, clock=trusted
        ),
        secrets=secrets,
        secret_service=SecretService(secrets=secrets, audit_service=audit_service),
        providers=providers,
        hosted=build_provider_setup(
            mentorados=mentorados,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            secrets=ports.secrets or secrets,
            accounts=accounts,
            tries=ports.registration_attempts or SqlRegistrationAttempts(database),
            audit_service=audit_service,
            clock=trusted,
        ),
        procedures=procedures,
        backups=backups,
        backup_retention=BackupPruner(
            backups=backups,
            mentorados=mentorados,
            journal=journal,
            audit_service=audit_service,
            clock=trusted,
            under_way=procedures.active,
        ),
        webhooks=WebhookService(
            bus=bus,
            settings_service=settings_service,
            receiver=WebhookServerProcess(settings.data_dir),
            mentorados=mentorados,
            providers=providers,
            secrets=secrets,
            clock=trusted,
        ),
        clock_check=clock_check,
        loop_watchdog=(loop_watchdog := LoopWatchdog()),
        outbound=outbound,
        cases=cases,
        notes=notes,
        handlings=handlings,
        bulk_work=bulk,
        campaigns=campaigns,
        campaign_planner=campaign_planner,
        switches=switches,
        snoozes=snoozes,
        notifier=Notifier(
            bus=bus,
            mentorados=mentorados,
            status=supervisor.status,
            snoozes=snoozes,
            settings=lambda: settings_service.settings.notifications,
            clock=trusted,
            has_somebody=lambda mentorado_id: mentorado_id in handlings.current,
        ),
        troubleshooting=TroubleshootingService(
            bus=bus,
            mentorados=mentorados,
            supervisor=supervisor,
            actions=actions,
            incidents=incidents,
            checks=ports.checks or checks,
            providers=providers,
            transitions=transitions,
            backups=backups.all,
            history=ports.counts or history,
            detailed_log=provider_log,
            clock=trusted,
        ),
        passkeys=PasskeyService(mentorados=mentorados, actions=actions, providers=providers, clock=trusted),
        replies=ReplyService(mentorados=mentorados, history=history, outbound=outbound),
        smoke_tests=smoke_tests,
        consent=consent,
        loads=(trusted.load, settings_service.load, mentorados.load, snoozes.load, *followed, bulk.load),
        alerts=alerts,
        support_bundle=SupportBundleService(
            settings=settings,
            blocks=lambda: loop_watchdog.blocks,
            mentorados=mentorados,
            supervisor=supervisor,
            procedures=procedures,
            transitions=transitions,
            set_aside=SqlSetAside(database),
            audit=audit,
            audit_service=audit_service,
            settings_service=settings_service,
            clock=trusted,
        ),
        figures=figures,
        overview=OverviewService(repository=figure_repository, collector=figures, clock=trusted),
        metrics=MetricsService(
            bus=bus,
            settings_service=settings_service,
            server=LoopbackMetricsServer(),
            read=metrics_reader.read,
            clock=trusted,
        ),
        follower=DatabaseFollower(
            commits=database,
            mentorados=mentorados,
            supervisor=supervisor,
            settings_service=settings_service,
            clock_check=clock_check,
            accounts=accounts,
            reload=(*followed, consent.ledger.follow),
            clock=trusted,
        ),
    )
