"""Backups: their contents, their progress, and the impact of a procedure before it replaces anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.messages import HistoryStats
from app.domain.phone import PhoneNumber

BACKUP_ENDING: Final = ".conecta"
"""Of the name of a backup."""


class BackupPart(StrEnum):
    """The part of a backup that is being written or verified."""

    SESSION = "session"
    HISTORY = "history"
    SETTINGS = "settings"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupProgress:
    """*done* of *total* bytes or messages of one part; *total* is None while it is not known."""

    part: BackupPart
    done: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupInfo:
    """One archive, from its manifest."""

    path: Path
    at: datetime
    mentorado_id: MentoradoId
    name: str  # the mentorado's, as it was then
    provider: ProviderKind
    account: PhoneNumber | None  # whose session is in it; None when there was none
    messages: int
    conversations: int
    size: int  # bytes of the archive
    encrypted: bool
    audit_number: int = 0  # of the last audit entry when it was made, and its hash; 0 where that is not known
    audit_hash: str = ""


class SessionOutcome(StrEnum):
    """What a procedure does with the device keys."""

    KEPT = "kept"
    REPLACED = "replaced"  # set aside, and unusable once the phone unlinks the device
    RESTORED = "restored"
    NONE = "none"  # there are no keys here: a hosted provider, or never paired


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactSummary:
    """What a procedure keeps and what it loses, shown before anything is replaced."""

    history: HistoryStats
    contacts: int
    session: SessionOutcome
    queue: int | None  # messages waiting at the provider; None when it has no queue, or could not be asked
    old_device_stays: bool  # listed on the phone until somebody removes it there
    last_backup: datetime | None
