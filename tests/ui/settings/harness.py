"""What the settings act on: the real desks of the core, with the stores and the far ends played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.core.audit_service import AuditService
from app.core.diagnostics.metrics import MetricsService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.smoke_test import SmokeTestService
from app.core.privacy_service import PrivacyService
from app.core.secret_service import SecretService
from app.core.settings_service import DebugLogController, SettingsService
from app.core.webhooks.service import WebhookService
from app.domain.backup import BackupInfo
from app.domain.errors import Problem
from app.domain.link_status import LinkStatus
from app.domain.mentorado import Link, LinkId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.repositories import CheckedClock
from app.platform.autostart import Autostart
from app.settings import Override
from app.storage.secrets.store import SelectableSecretStore
from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.settings.data import HistorySection, PersonalSection
from app.ui.settings.general import (
    AboutSection,
    AppearanceSection,
    DiagnosisSection,
    MetricsSection,
    OperatorSection,
)
from app.ui.settings.limits import LimitsSection
from app.ui.settings.notifications import NotificationsSection
from app.ui.settings.providers import ProvidersSection, SwitchesSection
from app.ui.settings.secrets import SecretsSection
from app.ui.settings.section import Section
from app.ui.settings.smoke_test import SmokeTestSection
from app.ui.settings.storage import BackupsSection, SessionsSection
from app.ui.settings.webhooks import WebhooksSection
from app.ui.theme.theme import Theme
from tests.core.archive import FakeArchive, FakeConsents, FakeLeftovers, stored_message
from tests.core.webhooks.harness import FakeReceiver
from tests.fake_figures import FakeMetricsServer
from tests.fakes import FakeSetAside, FakeSettings


@dataclass(frozen=True)
class Copy:
    """A copy of a session."""

    at: datetime
    path: Path
    account: PhoneNumber | None = None


@dataclass(kw_only=True)
class SettingsHarness:
    """Makes the sections; what they were asked is in its attributes."""

    folder: Path
    bus: EventBus
    clock: CheckedClock
    mentorados: MentoradoService
    audit_service: AuditService
    smoke_tests: SmokeTestService
    archive: FakeArchive = field(
        default_factory=lambda: FakeArchive([stored_message(1), stored_message(2)], [stored_message(3)])
    )
    leftovers: FakeLeftovers = field(default_factory=lambda: FakeLeftovers([]))
    store: FakeSettings = field(default_factory=FakeSettings)
    receiver: FakeReceiver = field(default_factory=FakeReceiver)
    metrics_server: FakeMetricsServer = field(default_factory=FakeMetricsServer)
    copies: dict[LinkId, list[Copy]] = field(default_factory=dict)
    backups: list[BackupInfo] = field(default_factory=list)
    backups_problem: Problem | None = None
    opened: list[Path] = field(default_factory=list)
    statuses: dict[LinkId, LinkStatus] = field(default_factory=dict)

    has_tray: bool = True
    overrides: Sequence[Override] = ()
    settings_file: Path | None = None
    status: Callable[[LinkId], LinkStatus] | None = None

    def __post_init__(self) -> None:
        self.set_aside = FakeSetAside()
        self.autostart: Autostart | None = Autostart(self.folder / "autostart", ["conecta"])
        self.settings_service = SettingsService(
            bus=self.bus, store=self.store, audit_service=self.audit_service, clock=self.clock
        )
        self.secret_store = self.new_secret_store()
        self.metrics = MetricsService(
            bus=self.bus,
            settings_service=self.settings_service,
            server=self.metrics_server,
            read=tuple,
            clock=self.clock,
        )
        self.webhooks = WebhookService(
            bus=self.bus,
            settings_service=self.settings_service,
            receiver=self.receiver,
            mentorados=self.mentorados,
            providers={},
            secrets=self.secret_store,
            clock=self.clock,
            token=lambda: "unguessable",
        )

    def new_secret_store(self) -> SelectableSecretStore:
        """As after a restart, on a computer that has no keyring."""
        return SelectableSecretStore(self.folder / "secrets.enc", trusted=frozenset(), cost=4)

    def sections(self, theme: Theme, secret_store: SelectableSecretStore | None = None) -> Sequence[Section]:
        """All of them, in the program's order."""
        bus, clock, mentorados = self.bus, self.clock, self.mentorados
        open_folder = self.opened.append
        provider_log = DebugLogController(bus=bus, settings_service=self.settings_service, providers=[], clock=clock)
        secrets = SecretService(secrets=secret_store or self.secret_store, audit_service=self.audit_service)
        personal_data = PrivacyService(
            bus=bus,
            mentorados=mentorados,
            history=self.archive,
            set_aside=FakeSetAside(),
            consents=FakeConsents(),
            notes_of=lambda _mentorado_id: (),
            audit_service=self.audit_service,
            clock=clock,
            leftovers=[self.leftovers],
        )
        return (
            OperatorSection(theme, settings_service=self.settings_service),
            NotificationsSection(
                theme,
                bus=bus,
                settings_service=self.settings_service,
                clock=clock,
                preferences=Preferences(self.folder / "window.ini"),
                has_tray=lambda: self.has_tray,
                autostart=self.autostart,
            ),
            ProvidersSection(
                theme,
                bus=bus,
                mentorados=mentorados,
                kinds=tuple(ProviderKind),
                status=self.status or (lambda link_id: self.statuses.get(link_id, LinkStatus(since=clock.now()))),
            ),
            SecretsSection(theme, secrets=secrets, path=self.folder / "secrets.enc"),
            HistorySection(
                theme,
                bus=bus,
                settings_service=self.settings_service,
                mentorados=mentorados,
                stats=self.archive.extent,
                clock=clock,
            ),
            PersonalSection(theme, personal_data=personal_data, mentorados=mentorados, open_folder=open_folder),
            DiagnosisSection(
                theme,
                bus=bus,
                provider_log=provider_log,
                clock=clock,
                folder=self.folder / "logs",
                open_folder=open_folder,
                prepare_bundle=lambda: None,
            ),
            SessionsSection(
                theme,
                mentorados=mentorados,
                snapshots=self._snapshots,
                clock=clock,
                folder=self.folder / "sessions",
                open_folder=open_folder,
                settings_service=self.settings_service,
            ),
            self.backups_section(theme),
            WebhooksSection(
                theme,
                bus=bus,
                webhooks=self.webhooks,
                mentorados=mentorados,
                set_aside=self.set_aside.counts,
                clock=clock,
            ),
            MetricsSection(theme, bus=bus, metrics=self.metrics),
            SmokeTestSection(theme, bus=bus, smoke_tests=self.smoke_tests, mentorados=mentorados),
            LimitsSection(theme, bus=bus, settings_service=self.settings_service),
            SwitchesSection(theme, bus=bus, settings_service=self.settings_service),
            AppearanceSection(theme, set_language=texts.set_language),
            AboutSection(
                theme,
                version="0.3.0",
                data=self.folder,
                overrides=self.overrides,
                settings_file=self.settings_file,
                open_folder=open_folder,
            ),
        )

    def backups_section(self, theme: Theme) -> BackupsSection:
        return BackupsSection(
            theme,
            backups=self._backups,
            clock=self.clock,
            folder=self.folder / "backups",
            open_folder=self.opened.append,
        )

    async def _backups(self) -> Sequence[BackupInfo]:
        if self.backups_problem is not None:
            raise self.backups_problem
        return self.backups

    async def _snapshots(self, link: Link) -> Sequence[Copy]:
        return self.copies.get(link.id, [])
