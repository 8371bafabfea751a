"""What the settings act on. Who builds the page hands it all in; a widget looks nothing up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.domain.backup import BackupInfo
from app.domain.connection import LinkStatus
from app.domain.mentorado import Link, LinkId, MentoradoId, ProviderKind
from app.domain.messages import HistoryExtent
from app.domain.phone import PhoneNumber
from app.domain.ports import Clock
from app.domain.set_aside import SetAsideCount

if TYPE_CHECKING:
    from app.core.bus import Bus
    from app.core.enrolments import Enrolments
    from app.core.hosted.webhooks import WebhookDesk
    from app.core.operator_desk import OperatorDesk
    from app.core.personal_data import PersonalData
    from app.core.provider_log import ProviderLog
    from app.core.secrets_desk import SecretsDesk
    from app.settings import Override


class Snapshot(Protocol):
    """A copy of a session: when it was taken, and where it lies."""

    @property
    def at(self) -> datetime: ...

    @property
    def path(self) -> Path: ...

    @property
    def account(self) -> PhoneNumber | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where things are on this computer."""

    data: Path
    sessions: Path
    backups: Path
    logs: Path
    secrets: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The core's parts that a setting reads or changes."""

    clock: Clock
    bus: Bus
    desk: OperatorDesk
    provider_log: ProviderLog
    secrets: SecretsDesk
    webhooks: WebhookDesk
    personal_data: PersonalData
    enrolments: Enrolments
    kinds: Sequence[ProviderKind]
    status: Callable[[LinkId], LinkStatus]
    extent: Callable[[MentoradoId], Awaitable[HistoryExtent]]
    snapshots: Callable[[Link], Awaitable[Sequence[Snapshot]]]
    backups: Callable[[], Awaitable[Sequence[BackupInfo]]]
    set_aside: Callable[[], Awaitable[Sequence[SetAsideCount]]]
    folders: Folders
    overrides: Sequence[Override] = ()
    settings_file: Path | None = None
    version: str
    set_language: Callable[[str], None]
    open_folder: Callable[[Path], object]
