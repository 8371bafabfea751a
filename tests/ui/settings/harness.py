"""What the settings act on: the real desks of the core, with the stores and the far ends played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
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
from app.domain.settings import OperatorSettings
from app.storage.secrets.store import SelectableSecretStore
from app.text.status import texts
from app.ui.settings.section import Folders, Parts
from tests.core.archive import FakeArchive, FakeLeftovers, stored_message
from tests.core.webhooks.harness import FakeReceiver
from tests.fakes import FakeSetAside


class FakeSettings:
    """Where decisions are stored, in memory."""

    def __init__(self) -> None:
        self.kept = OperatorSettings()
        self.problem: Problem | None = None

    async def load(self) -> OperatorSettings:
        return self.kept

    async def save(self, settings: OperatorSettings, at: datetime) -> None:
        if self.problem is not None:
            raise self.problem
        self.kept = settings


@dataclass(frozen=True)
class Copy:
    """A copy of a session."""

    at: datetime
    path: Path
    account: PhoneNumber | None = None


@dataclass(kw_only=True)
class SettingsHarness:
    """Makes the parts; what they were asked is in its attributes."""

    folder: Path
    bus: EventBus
    clock: CheckedClock
    mentorados: MentoradoService
    audit_service: AuditService
    archive: FakeArchive = field(
        default_factory=lambda: FakeArchive([stored_message(1), stored_message(2)], [stored_message(3)])
    )
    leftovers: FakeLeftovers = field(default_factory=lambda: FakeLeftovers([]))
    store: FakeSettings = field(default_factory=FakeSettings)
    receiver: FakeReceiver = field(default_factory=FakeReceiver)
    copies: dict[LinkId, list[Copy]] = field(default_factory=dict)
    backups: list[BackupInfo] = field(default_factory=list)
    backups_problem: Problem | None = None
    opened: list[Path] = field(default_factory=list)
    statuses: dict[LinkId, LinkStatus] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secret_store = self.new_secret_store()
        self.parts = self.parts_with(self.secret_store)

    def new_secret_store(self) -> SelectableSecretStore:
        """As after a restart, on a computer that has no keyring."""
        return SelectableSecretStore(self.folder / "secrets.enc", trusted=frozenset(), cost=4)

    def parts_with(self, secret_store: SelectableSecretStore) -> Parts:
        operator = SettingsService(bus=self.bus, store=self.store, audit_service=self.audit_service, clock=self.clock)
        self.set_aside = FakeSetAside()
        self.webhooks = WebhookService(
            bus=self.bus,
            settings_service=operator,
            receiver=self.receiver,
            mentorados=self.mentorados,
            providers={},
            secrets=secret_store,
            clock=self.clock,
            token=lambda: "unguessable",
        )
        return Parts(
            clock=self.clock,
            bus=self.bus,
            settings_service=operator,
            provider_log=DebugLogController(bus=self.bus, settings_service=operator, providers=[], clock=self.clock),
            secrets=SecretService(secrets=secret_store, audit_service=self.audit_service),
            webhooks=self.webhooks,
            personal_data=PrivacyService(
                bus=self.bus,
                mentorados=self.mentorados,
                history=self.archive,
                set_aside=FakeSetAside(),
                audit_service=self.audit_service,
                clock=self.clock,
                leftovers=[self.leftovers],
            ),
            mentorados=self.mentorados,
            kinds=tuple(ProviderKind),
            status=lambda link_id: self.statuses.get(link_id, LinkStatus(since=self.clock.now())),
            extent=self.archive.extent,
            snapshots=self._snapshots,
            backups=self._backups,
            set_aside=self.set_aside.counts,
            folders=Folders(
                data=self.folder,
                sessions=self.folder / "sessions",
                backups=self.folder / "backups",
                logs=self.folder / "logs",
                secrets=self.folder / "secrets.enc",
            ),
            version="0.3.0",
            set_language=texts.set_language,
            open_folder=self.opened.append,
        )

    async def _backups(self) -> Sequence[BackupInfo]:
        if self.backups_problem is not None:
            raise self.backups_problem
        return self.backups

    async def _snapshots(self, link: Link) -> Sequence[Copy]:
        return self.copies.get(link.id, [])
