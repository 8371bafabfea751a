"""Consent: which contacts agreed to be written to, for which purpose, and which opted out. Append-only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address


class Purpose(StrEnum):
    """What a message is sent for. Stored: values may be added, never renamed."""

    SMOKE_TEST = "smoke_test"
    SMOKE_ANSWER = "smoke_answer"  # what a test partner answers by itself
    CONVERSATION = "conversation"  # a person writes to one contact
    CAMPAIGN = "campaign"  # the same words to several
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"  # the one answer to who opted out; nobody consents to it


ASKED_FOR: Final = (Purpose.CONVERSATION, Purpose.CAMPAIGN, Purpose.SMOKE_TEST)
"""The purposes that somebody can consent to."""


class ConsentChange(StrEnum):
    GRANTED = "granted"
    REVOKED = "revoked"  # for one purpose
    OPTED_OUT = "opted_out"  # for every purpose, or after a restore for one: they asked to be left alone
    ERASED = "erased"  # with the contact: nothing that was agreed to before counts


class ConsentSource(StrEnum):
    """How a change became known."""

    TYPED = "typed"  # by an operator, on somebody's word
    IMPORTED = "imported"  # a line of a CSV file
    MESSAGE = "message"  # they wrote a word that opts out
    PROVIDER = "provider"  # the provider said so: Meta's `user_preferences`, or error 131050
    SETTING = "setting"  # the number of a smoke test, which the business owns
    ERASURE = "erasure"  # the contact was erased
    RESTORE = "restore"  # said once more after a restore, so that nothing out of the backup overrules it


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEntry:
    """One line of the ledger. *wording* is the exact text that was agreed to, with its *version*.

    The ledger keeps a hash of the contact, so that an opt-out outlives the contact's erasure (LGPD art. 8 asks for
    proof of purpose, text, time and source).
    """

    mentorado_id: MentoradoId
    contact: Address
    change: ConsentChange
    purpose: Purpose | None  # None is every purpose: only for OPTED_OUT and ERASED
    source: ConsentSource
    at: datetime
    recorded_by: str = ""  # the operator, or the file of an import
    wording: str = ""
    version: str = ""
    note: str = ""  # where it was given, in words: a form, an event
    import_id: str = ""  # the import that it is part of

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two copies of one entry, also when the contact was erased from one of them."""
        digest = self.without_words().wording
        return self.change, self.purpose, self.source, self.at, self.recorded_by, digest, self.version, self.import_id

    def without_words(self) -> ConsentEntry:
        """The entry of an erased contact: no note, and of the wording its SHA-256, by which it can be recognised."""
        known = not self.wording or self.wording.startswith(DIGEST)
        wording = self.wording if known else DIGEST + sha256(self.wording.encode()).hexdigest()
        return replace(self, wording=wording, note="")


DIGEST: Final = "sha256:"
"""What the wording begins with when it is known by its SHA-256 alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactConsents:
    """What the ledger has of one contact, in the order of its recording. Erased, only *reference* (a hash) is left."""

    reference: str
    addresses: tuple[Address, ...]  # the best first
    entries: Sequence[ConsentEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """The current consent of one contact for one purpose."""

    granted: bool = False
    opted_out_at: datetime | None = None  # and did not agree again since


def consent_state(entries: Sequence[tuple[ConsentChange, Purpose | None, datetime]], purpose: Purpose) -> ConsentState:
    """Fold the *entries* of one contact, in the order they were recorded: what was said last counts.

    The order of recording decides, never the clock: a time may be wrong.
    """
    granted, opted_out_at = False, None
    for change, concerned, at in entries:
        match change:
            case ConsentChange.OPTED_OUT if concerned in (purpose, None):
                granted, opted_out_at = False, at
            case ConsentChange.ERASED:
                granted = False
            case ConsentChange.GRANTED if concerned is purpose:
                granted, opted_out_at = True, None
            case ConsentChange.REVOKED if concerned is purpose:
                granted = False
            case _:
                pass
    return ConsentState(granted=granted, opted_out_at=opted_out_at)


def state_for(entries: Sequence[ConsentEntry], purpose: Purpose) -> ConsentState:
    """`consent_state` of whole *entries*."""
    return consent_state([(each.change, each.purpose, each.at) for each in entries], purpose)


def last_about(entries: Sequence[ConsentEntry], purpose: Purpose) -> ConsentEntry | None:
    """The entry that decides about *purpose*."""
    return next((each for each in reversed(entries) if each.purpose in (purpose, None)), None)


def merging(here: Sequence[ConsentEntry], other: Sequence[ConsentEntry]) -> Sequence[ConsentEntry]:
    """What is appended *here* of another copy of the ledger of one contact, out of a backup.

    What is missing, and after it once more whatever does not grant: nobody who revoked or opted out in either copy is
    granted afterwards. A consent that is younger than that has to be recorded again.
    """
    known = {each.identity for each in here}
    missing = {each.identity: each for each in other if each.identity not in known}
    made = list(missing.values())
    for purpose in ASKED_FOR if made else ():
        after = state_for([*here, *made], purpose)
        for copy in (here, other):
            last, state = last_about(copy, purpose), state_for(copy, purpose)
            lost = after.granted or (state.opted_out_at is not None and after.opted_out_at is None)
            if last is None or state.granted or not lost:
                continue
            change = ConsentChange.REVOKED if state.opted_out_at is None else ConsentChange.OPTED_OUT
            again = replace(last, change=change, purpose=purpose, source=ConsentSource.RESTORE, recorded_by="")
            again = replace(again, at=state.opted_out_at or last.at, wording="", version="", note="", import_id="")
            made.append(again)
            after = state_for([*here, *made], purpose)
    return made


def undoing(entries: Sequence[ConsentEntry], import_id: str, at: datetime, recorded_by: str) -> Sequence[ConsentEntry]:
    """What takes back the import *import_id* of one contact: a revocation, or the opt-out that stood before it.

    What was said since stays as it is.
    """
    made = []
    for purpose in ASKED_FOR:
        deciding = [place for place, each in enumerate(entries) if each.purpose in (purpose, None)]
        last = entries[deciding[-1]] if deciding else None
        if last is None or last.import_id != import_id or last.change is not ConsentChange.GRANTED:
            continue
        first = next(place for place in deciding if entries[place].import_id == import_id)
        opted_out_at = state_for(entries[:first], purpose).opted_out_at
        change = ConsentChange.REVOKED if opted_out_at is None else ConsentChange.OPTED_OUT
        made.append(
            replace(
                last,
                change=change,
                purpose=purpose if opted_out_at is None else None,
                at=opted_out_at or at,
                recorded_by=recorded_by,
            )
        )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """An opt-out that is to be confirmed to its contact."""

    number: int  # of its entry in the ledger
    mentorado_id: MentoradoId
    contact: Address
    at: datetime


class ConsentWriter(Protocol):
    """What is added to the ledger of consent without asking what it has."""

    async def append(self, entries: Sequence[ConsentEntry]) -> None:
        """Store *entries* in one transaction, in this order."""
        ...


class ConsentReader(Protocol):
    """What the ledger of consent has."""

    async def ledgers(self, mentorado_id: MentoradoId, contacts: Sequence[Address]) -> Sequence[Sequence[ConsentEntry]]:
        """What the ledger has of each of *contacts*, by whichever address it was recorded."""
        ...

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
        """Everybody in the ledger of a mentorado, who was recorded first coming first."""
        ...


class ConsentRepository(ConsentWriter, ConsentReader, Protocol):
    """The ledger of consent, append-only."""

    async def append_checked(
        self, entries: Sequence[ConsentEntry], check: Callable[[ConsentEntry, Sequence[ConsentEntry]], None]
    ) -> None:
        """Store *entries* unless *check* raises a `Problem` about one of them: then nothing is stored.

        It is given each with what the ledger has of its contact, in the same transaction. Any thread may call it.
        """
        ...

    async def undo_import(self, mentorado_id: MentoradoId, import_id: str, at: datetime, recorded_by: str) -> int:
        """Append what `undoing` says of everybody in one transaction; returns how many entries that are."""
        ...

    async def unconfirmed(self) -> Sequence[OptOut]:
        """The opt-outs that were not confirmed to their contact, the oldest first."""
        ...

    async def claim_confirmation(self, number: int) -> bool:
        """Take the only right to confirm an opt-out; False when it was taken before."""
        ...

    async def return_confirmation(self, number: int) -> None:
        """Give back a right that was taken, when surely nothing was sent."""
        ...
