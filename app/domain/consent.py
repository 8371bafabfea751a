"""Consent: which contacts agreed to be written to, for which purpose, and which opted out. Append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address


class Purpose(StrEnum):
    """What a message is sent for. Stored: values may be added, never renamed."""

    SMOKE_TEST = "smoke_test"
    SMOKE_ANSWER = "smoke_answer"  # what a test partner answers by itself
    CONVERSATION = "conversation"  # a person writes to one contact
    CAMPAIGN = "campaign"  # the same words to several


class ConsentChange(StrEnum):
    GRANTED = "granted"
    REVOKED = "revoked"  # for one purpose
    OPTED_OUT = "opted_out"  # for every purpose: they asked to be left alone


class ConsentSource(StrEnum):
    """How a change became known."""

    TYPED = "typed"  # by an operator, on somebody's word
    IMPORTED = "imported"  # a line of a CSV file
    MESSAGE = "message"  # they wrote a word that opts out
    PROVIDER = "provider"  # the provider said so: Meta's `user_preferences`, or error 131050
    SETTING = "setting"  # the number of a smoke test, which the business owns


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEntry:
    """One line of the ledger. *wording* is the exact text that was agreed to, with its *version*.

    The ledger keeps a hash of the contact, so that an opt-out outlives the contact's erasure (LGPD art. 8 asks for
    proof of purpose, text, time and source).
    """

    mentorado_id: MentoradoId
    contact: Address
    change: ConsentChange
    purpose: Purpose | None  # None is every purpose: only for OPTED_OUT
    source: ConsentSource
    at: datetime
    recorded_by: str = ""  # the operator, or the file of an import
    wording: str = ""
    version: str = ""


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
            case ConsentChange.OPTED_OUT:
                granted, opted_out_at = False, at
            case ConsentChange.GRANTED if concerned is purpose:
                granted, opted_out_at = True, None
            case ConsentChange.REVOKED if concerned is purpose:
                granted = False
            case _:
                pass
    return ConsentState(granted=granted, opted_out_at=opted_out_at)


class ConsentRepository(Protocol):
    """The ledger of consent, append-only."""

    async def append(self, entries: Sequence[ConsentEntry]) -> None:
        """Store *entries* in one transaction, in this order."""
        ...
