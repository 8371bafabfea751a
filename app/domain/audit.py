"""The audit log: an append-only hash chain of what operators did. Any alteration is detected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest, digest
from json import dumps
from typing import Final

from app.domain.mentorado import MentoradoId

FIRST_HASH: Final = "0" * 64
"""The *previous_hash* of the first entry."""

_SEAL: Final = re.compile(r"[0-9a-f]{16}\.[0-9a-f]{64}")


class AuditOutcome(StrEnum):
    BEGUN = "begun"  # an act outside the database, before it is done; what became of it has an entry of its own
    DONE = "done"
    DECLINED = "declined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The operating system's user, and the operator's name if one is set."""

    user: str
    operator: str = ""

    @property
    def name(self) -> str:
        """What colleagues call them."""
        return self.operator or self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
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
    """A record in its place in the chain; *number* is counted from 1 without gaps."""

    number: int
    record: AuditRecord
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBreak:
    """The first entry at which the chain does not hold, and how."""

    number: int
    found: str


class Sealing(StrEnum):
    """What the seals prove of a chain that holds. A sealed entry vouches for all before it, as they were then."""

    SEALED = "sealed"  # the last entry is sealed with the key that is here
    PARTLY = "partly"  # those after the last sealed one are only chained
    KEY_MISSING = "key_missing"  # there are seals, and none of the key that is here
    NOT_SEALED = "not_sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of verifying the whole chain."""

    broken: ChainBreak | None
    number: int = 0  # of the last entry that was reached
    sealed_from: int | None = None  # the first and last entry with a seal of the key that is here
    sealed_to: int | None = None
    foreign_seals: bool = False  # some entry has a seal of another key
    remembered: int | None = None  # the entry that the keyring remembers; None where it was not compared
    noted_from: int | None = None  # the first and last entry in the file beside the database; None where it has none
    noted_to: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was altered, and a missing end would have been noticed."""
        return self.broken is None and (self.noted_to is not None or not self.number)

    @property
    def sealing(self) -> Sealing:
        if self.sealed_to is not None:
            return Sealing.SEALED if self.sealed_to == self.number else Sealing.PARTLY
        return Sealing.KEY_MISSING if self.foreign_seals else Sealing.NOT_SEALED


def seal(key: bytes, number: int, entry_hash: str) -> str:
    """HMAC-SHA256 with *key* over the number and hash of an entry, behind an identifier of the key."""
    return f"{_key_id(key)}.{digest(key, f'{number}:{entry_hash}'.encode(), sha256).hex()}"


def seal_holds(key: bytes | None, number: int, entry_hash: str, found: object) -> bool | None:
    """Whether the seal *found* is the one of the entry; None when it was made with a key other than *key*."""
    if not isinstance(found, str) or _SEAL.fullmatch(found) is None:
        return False
    if key is None or found.partition(".")[0] != _key_id(key):
        return None
    return compare_digest(found, seal(key, number, entry_hash))


def _key_id(key: bytes) -> str:
    return digest(key, b"identifier", sha256).hex()[:16]


def chain_entry(number: int, record: AuditRecord, previous_hash: str) -> AuditEntry:
    """Append *record* to the chain, after the entry with *previous_hash*."""
    return AuditEntry(
        number=number, record=record, previous_hash=previous_hash, hash=_hash(number, record, previous_hash)
    )


def is_intact(entry: AuditEntry) -> bool:
    """Whether the entry matches its own hash."""
    return entry.hash == _hash(entry.number, entry.record, entry.previous_hash)


def _hash(number: int, record: AuditRecord, previous_hash: str) -> str:
    content = [
        number,
        record.at.isoformat(),
        record.actor.user,
        record.actor.operator,
        record.action,
        record.mentorado_id,
        record.subject,
        dict(record.before),
        dict(record.after),
        record.outcome,
        record.reason,
        previous_hash,
    ]
    return sha256(dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def without_begun(entries: Iterable[AuditEntry]) -> Sequence[AuditEntry]:
    """*entries*, the latest first, without the beginnings of acts whose outcome has an entry of its own."""
    found: list[AuditEntry] = []
    ended: set[tuple[str, MentoradoId | None]] = set()
    for entry in entries:
        act = (entry.record.action, entry.record.mentorado_id)
        if entry.record.outcome is not AuditOutcome.BEGUN:
            ended.add(act)
        elif act in ended:
            ended.discard(act)
            continue
        found.append(entry)
    return found


class AuditAction(StrEnum):
    """Stable: they are in every audit. Words are chosen by them; `ActionName` and `app.domain.settings` have others."""

    SET_SECRETS_PLACE = "set_secrets_place"
    EXPORT_MENTORADO = "export_mentorado"
    EXPORT_CONTACT = "export_contact"
    EXPORT_AUDIT = "export_audit"
    ERASE_CONTACT = "erase_contact"
    REMOVE_COPIES = "remove_copies"  # older ones, of what was erased since
    FORGET_OLD = "forget_old"
    REMOVE_BACKUPS = "remove_backups"
    CONFIRM_DATE = "confirm_date"  # of this computer, after a doubt
    TAKE_OVER_SESSION = "take_over_session"  # from a program that died with it open
    BEGIN_DATABASE = "begin_database"  # anew, although there had been one
    USE_DATABASE_COPY = "use_database_copy"
    TAKE_OVER_WINDOW = "take_over_window"  # the data folder, from a window that ended without giving it back
    MAKE_PRIVATE = "make_private"  # a folder or file that others could read
    RELEASE_LOCK = "release_lock"  # of a program that ended without giving it back
    REPAIR_DATABASE = "repair_database"  # by the program: parts that are made anew from the rest
    REMOVE_PARTS = "remove_parts"  # pieces of files that a killed program was writing
    ADD_MENTORADO = "add_mentorado"
    EDIT_MENTORADO = "edit_mentorado"
    UNDO_IMPORT = "undo_import"  # of one mentorado
    IMPORT_MENTORADOS = "import_mentorados"
    CHOOSE_PROVIDER = "choose_provider"
    FORGET_CREDENTIALS = "forget_credentials"
    STOP_SENDING = "stop_sending"  # by the program, after what the provider answered
    RELEASE_SENDING = "release_sending"
    GRANT_CONSENT = "grant_consent"
    REVOKE_CONSENT = "revoke_consent"
    OPT_OUT = "opt_out"  # of one contact, by an operator
    OPT_OUT_RECEIVED = "opt_out_received"  # from a contact, by a message or through the provider
    ALLOW_AGAIN = "allow_again"  # after an opt-out
    IMPORT_CONSENTS = "import_consents"
    UNDO_CONSENT_IMPORT = "undo_consent_import"
    EXPORT_CONSENTS = "export_consents"
    ASSIGN_CASE = "assign_case"
    SET_CASE_DUE = "set_case_due"
    NOTE_CASE = "note_case"
    WRITE_NOTE = "write_note"  # about a mentorado
    EDIT_NOTE = "edit_note"
    REMOVE_NOTE = "remove_note"
    BRING_BACK_NOTE = "bring_back_note"
    END_HANDLING = "end_handling"  # by the program: the connection is back
    CLOSE_CASE = "close_case"
    APPROVE_CAMPAIGN = "approve_campaign"
    PAUSE_CAMPAIGN = "pause_campaign"
    RESUME_CAMPAIGN = "resume_campaign"
    STOP_CAMPAIGN = "stop_campaign"
    APPROVE_SWITCH = "approve_switch"
    APPROVE_SWITCH_SECOND = "approve_switch_second"  # by a second person
    DRY_RUN_SWITCH = "dry_run_switch"
    PAUSE_SWITCH = "pause_switch"
    RESUME_SWITCH = "resume_switch"
    STOP_SWITCH = "stop_switch"
    PREPARE_LINK = "prepare_link"  # beside the one in use, for another provider
    SNOOZE_LINK = "snooze_link"
    END_SNOOZE = "end_snooze"  # by a person
    EXPORT_SWITCH = "export_switch"  # a dry run
    EXPORT_SUPPORT_BUNDLE = "export_support_bundle"
    EXPORT_CAMPAIGN = "export_campaign"  # a dry run, or its recipients
