"""What the settings act on: the real desks of the core, with the stores and the far ends played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.hosted.webhooks import WebhookDesk
from app.core.operator_desk import OperatorDesk
from app.core.personal_data import PersonalData
from app.core.provider_log import ProviderLog
from app.core.secrets_desk import SecretsDesk
from app.core.witness import Witness
from app.domain.backup import BackupInfo
from app.domain.connection import LinkStatus
from app.domain.errors import Problem
from app.domain.mentorado import Link, LinkId, ProviderKind
from app.domain.operator_settings import OperatorSettings
from app.domain.phone import PhoneNumber
from app.domain.ports import CheckedClock
from app.storage.secrets.vault import Vault
from app.ui.settings_page.parts import Folders, Parts
from app.ui.text import texts
from tests.core.archive import PlayedArchive, PlayedLeftovers, said
from tests.core.test_webhooks import PlayedReceiver
from tests.played import PlayedSetAside


class PlayedSettings:
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
class Desk:
    """Makes the parts; what they were asked is in its attributes."""

    folder: Path
    bus: Bus
    clock: CheckedClock
    enrolments: Enrolments
    witness: Witness
    archive: PlayedArchive = field(default_factory=lambda: PlayedArchive([said(1), said(2)], [said(3)]))
    leftovers: PlayedLeftovers = field(default_factory=lambda: PlayedLeftovers([]))
    store: PlayedSettings = field(default_factory=PlayedSettings)
    receiver: PlayedReceiver = field(default_factory=PlayedReceiver)
    copies: dict[LinkId, list[Copy]] = field(default_factory=dict)
    backups: list[BackupInfo] = field(default_factory=list)
    backups_problem: Problem | None = None
    opened: list[Path] = field(default_factory=list)
    statuses: dict[LinkId, LinkStatus] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vault = self.new_vault()
        self.parts = self.parts_with(self.vault)

    def new_vault(self) -> Vault:
        """As after a restart, on a computer that has no keyring."""
        return Vault(self.folder / "secrets.enc", trusted=frozenset(), cost=4)

    def parts_with(self, vault: Vault) -> Parts:
        operator = OperatorDesk(bus=self.bus, store=self.store, witness=self.witness, clock=self.clock)
        self.set_aside = PlayedSetAside()
        self.webhooks = WebhookDesk(
            bus=self.bus,
            desk=operator,
            receiver=self.receiver,
            enrolments=self.enrolments,
            providers={},
            secrets=vault,
            clock=self.clock,
            token=lambda: "unguessable",
        )
        return Parts(
            clock=self.clock,
            bus=self.bus,
            desk=operator,
            provider_log=ProviderLog(bus=self.bus, desk=operator, providers=[], clock=self.clock),
            secrets=SecretsDesk(secrets=vault, witness=self.witness),
            webhooks=self.webhooks,
            personal_data=PersonalData(
                bus=self.bus,
                enrolments=self.enrolments,
                history=self.archive,
                set_aside=PlayedSetAside(),
                witness=self.witness,
                clock=self.clock,
                leftovers=[self.leftovers],
            ),
            enrolments=self.enrolments,
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
