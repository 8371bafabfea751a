"""Who did what, when, and with what outcome: an append-only chain in which nothing can be altered unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from json import dumps
from typing import Final

from app.domain.mentorado import MentoradoId

FIRST_HASH: Final = "0" * 64
"""What the first entry is chained to."""


class AuditOutcome(StrEnum):
    BEGUN = "begun"  # an act outside the database, before it is done; what became of it has an entry of its own
    DONE = "done"
    DECLINED = "declined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is at the keyboard: the signed-in user of the computer, and the name the operator goes by, if set."""

    user: str
    operator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be written down. *before* and *after* are plain values, never a secret or a whole phone number."""

    at: datetime
    actor: Actor
    action: str  # a stable code
    mentorado_id: MentoradoId | None = None
    subject: str = ""  # a name for people, as it was then
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    outcome: AuditOutcome = AuditOutcome.DONE
    reason: str = ""  # typed by the operator where one was demanded


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A deed in its place in the chain; *number* is counted from 1 without gaps."""

    number: int
    deed: Deed
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """The first entry at which the chain does not hold, and how."""

    number: int
    found: str


def chained(number: int, deed: Deed, previous_hash: str) -> AuditEntry:
    """Put *deed* behind the entry that has *previous_hash*."""
    return AuditEntry(number=number, deed=deed, previous_hash=previous_hash, hash=_hash(number, deed, previous_hash))


def holds(entry: AuditEntry) -> bool:
    """Whether the entry is what its own hash says."""
    return entry.hash == _hash(entry.number, entry.deed, entry.previous_hash)


def _hash(number: int, deed: Deed, previous_hash: str) -> str:
    content = [
        number,
        deed.at.isoformat(),
        deed.actor.user,
        deed.actor.operator,
        deed.action,
        deed.mentorado_id,
        deed.subject,
        dict(deed.before),
        dict(deed.after),
        deed.outcome,
        deed.reason,
        previous_hash,
    ]
    return sha256(dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
