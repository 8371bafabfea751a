"""The manifest of a backup: its mentorado, its time, and the size and SHA-256 of each file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.domain.backup import BackupInfo
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, ProviderKind, is_id
from app.domain.names import shown_name
from app.domain.phone import PhoneNumber, is_e164
from app.domain.procedure import ProcedureId

FORMAT: Final = "conecta-backup"
SCHEMA: Final = 3
"""It grows when a reader of the former would be misled. 2: the history holds the ledger of consent; 3: notes too."""

MANIFEST: Final = "manifest.json"
SESSION: Final = "session.db"
HISTORY: Final = "history.jsonl"
SETTINGS: Final = "settings.json"

LARGEST: Final[Mapping[str, int]] = {MANIFEST: 64 << 10, SETTINGS: 64 << 10, SESSION: 1 << 30, HISTORY: 1 << 36}
"""The largest size of each file in bytes; no other files are allowed."""

_LARGEST_COUNT: Final = 2**53


class ManifestError(ValueError):
    """A manifest or history row is malformed."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the history has: *rows* of all kinds, and *messages* as people count them."""

    rows: int
    messages: int
    conversations: int
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHead:
    """The fixed properties of a backup."""

    procedure: ProcedureId
    program: str
    at: datetime
    mentorado_id: MentoradoId
    name: str
    phone: PhoneNumber
    provider: ProviderKind
    audit_number: int = 0  # of the last audit entry then, and its hash; 0 and nothing in older backups
    audit_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    head: BackupHead
    account: PhoneNumber | None  # whose session is in it
    files: Mapping[str, FileDigest]
    counts: Counts

    def written(self) -> bytes:
        """As it is put into the archive."""
        plain = {
            "format": FORMAT,
            "schema": SCHEMA,
            **asdict(self.head),
            "at": self.head.at.astimezone(UTC).isoformat(),
            "account": self.account,
            "files": {name: asdict(each) for name, each in self.files.items()},
            "counts": asdict(self.counts),
        }
        return json.dumps(plain, ensure_ascii=False, indent=1).encode()

    def public_header(self) -> bytes:
        """What a locked archive lets be seen, so that it can be listed: no number, and a name only as its file has."""
        head = self.head
        plain = {
            "procedure": head.procedure,
            "at": head.at.astimezone(UTC).isoformat(),
            "mentorado_id": head.mentorado_id,
            "name": head.name[:80],
            "provider": head.provider,
            "messages": self.counts.messages,
            "conversations": self.counts.conversations,
        }
        return json.dumps(plain, ensure_ascii=False).encode()

    def info(self, path: Path, *, encrypted: bool) -> BackupInfo:
        return BackupInfo(
            path=path,
            at=self.head.at,
            mentorado_id=self.head.mentorado_id,
            name=self.head.name,
            provider=self.head.provider,
            account=self.account,
            messages=self.counts.messages,
            conversations=self.counts.conversations,
            size=path.stat().st_size,
            encrypted=encrypted,
            audit_number=self.head.audit_number,
            audit_hash=self.head.audit_hash,
        )


def read_manifest(content: bytes, path: Path) -> Manifest:
    """Raises `Problem(BACKUP_NEWER)`, or `ManifestError`."""
    plain = parsed(content)
    if plain.get("format") != FORMAT:
        raise ManifestError("not the manifest of a backup")
    if _count(plain["schema"]) > SCHEMA:
        raise Problem(ProblemCode.BACKUP_NEWER, path=str(path))
    phone, account = _text(plain["phone"]), plain["account"]
    if not is_e164(phone) or not (account is None or is_e164(_text(account))):
        raise ManifestError("not a number")
    files = {name: FileDigest(_count(each["size"]), _sum(each["sha256"])) for name, each in plain["files"].items()}
    if not {HISTORY, SETTINGS} <= files.keys() <= LARGEST.keys() - {MANIFEST}:
        raise ManifestError("not the files of a backup")
    if any(each.size > LARGEST[name] for name, each in files.items()):
        raise ManifestError("larger than a backup can be")
    counted = plain["counts"]
    return Manifest(
        head=BackupHead(
            procedure=ProcedureId(_id(plain["procedure"])),
            program=_text(plain["program"]),
            at=_time(plain["at"]),
            mentorado_id=MentoradoId(_id(plain["mentorado_id"])),
            name=shown_name(_text(plain["name"])),
            phone=PhoneNumber(phone),
            provider=ProviderKind(plain["provider"]),
            audit_number=_count(plain.get("audit_number", 0)),
            audit_hash=_text(plain.get("audit_hash", "")),
        ),
        account=account,
        files=files,
        counts=Counts(**{name: _count(counted[name]) for name in ("rows", "messages", "conversations", "contacts")}),
    )


@dataclass(frozen=True, slots=True)
class Label:
    """A summary of an archive; unverified when it is encrypted."""

    procedure: ProcedureId
    info: BackupInfo


def read_label(words: bytes, path: Path) -> Label:
    """Of a locked archive, from what it lets be seen. Raises `ManifestError`."""
    plain = parsed(words)
    info = BackupInfo(
        path=path,
        at=_time(plain["at"]),
        mentorado_id=MentoradoId(_id(plain["mentorado_id"])),
        name=shown_name(_text(plain["name"])),
        provider=ProviderKind(plain["provider"]),
        account=None,
        messages=_count(plain["messages"]),
        conversations=_count(plain["conversations"]),
        size=path.stat().st_size,
        encrypted=True,
    )
    return Label(ProcedureId(_id(plain["procedure"])), info)


def parsed(content: bytes) -> dict[str, Any]:
    """The JSON object in *content*; raises `ManifestError` for whatever else is in it."""
    try:
        plain = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ManifestError("not JSON") from None
    if not isinstance(plain, dict):
        raise ManifestError("not an object")
    return plain


def _no_number(name: str) -> None:
    raise ManifestError(f"{name} is no number")


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise ManifestError("not a text")
    value.encode()  # half characters are a ValueError
    return value


def _id(value: object) -> str:
    text = _text(value)
    if not is_id(text):
        raise ManifestError("not an id")
    return text


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_COUNT:
        raise ManifestError("not a count")
    return value


def _sum(value: object) -> str:
    text = _text(value)
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise ManifestError("not a SHA-256")
    return text


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ManifestError("a time without a zone")
    return moment.astimezone(UTC)
