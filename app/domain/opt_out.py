"""Who asks to be left alone: the words that say so, and what of it the ledger of consent takes down."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from app.domain.consent import ASKED_FOR, ConsentChange, ConsentEntry, ConsentSource, state_for
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind, MessageKind, ProviderMessage, WirePreference

DEFAULT_WORDS: Final = (
    "SAIR",
    "PARAR",
    "PARE",
    "STOP",
    "CANCELAR",
    "DESCADASTRAR",
    "REMOVER",
    "UNSUBSCRIBE",
)
MOST_WORDS: Final = 50
LONGEST_WORD: Final = 60
"""Characters, also of a message that may be such a word: what is longer says more than that."""

OLD: Final = timedelta(days=1)
"""A message that took longer to arrive comes out of an old history."""

_SEVERAL: Final = frozenset({AddressKind.GROUP, AddressKind.OTHER})


def letters(text: str) -> str:
    """*text* as words that opt out are compared: without case, accents, punctuation, signs and spaces."""
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower()))
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", plain)))


def checked_words(words: Iterable[str]) -> tuple[str, ...]:
    """*words* without doubles and surplus spaces. Raises `Problem(OPT_OUT_WORDS_INVALID)`: there is always one."""
    tidy = {letters(word): " ".join(word.split()) for word in words if word.strip()}
    if not 0 < len(tidy) <= MOST_WORDS or "" in tidy or any(len(word) > LONGEST_WORD for word in tidy.values()):
        raise Problem(ProblemCode.OPT_OUT_WORDS_INVALID, most=str(MOST_WORDS), longest=str(LONGEST_WORD))
    return tuple(tidy.values())


def stored_words(value: object) -> tuple[str, ...] | None:
    """The words as they are kept in the settings; None for what makes no sense."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        return None
    try:
        return checked_words(value)
    except Problem:
        return None


def opts_out(message: ProviderMessage, words: Iterable[str]) -> bool:
    """Whether somebody wrote one of *words* to us, and nothing else. Never in a group, and never our own message."""
    if message.from_me or message.kind is not MessageKind.TEXT or not 0 < len(message.text) <= LONGEST_WORD:
        return False
    if letters(message.text) not in _compared(tuple(words)):
        return False
    who = message.chat or message.sender
    return bool(who) and not any(each.kind in _SEVERAL for each in who)


@lru_cache(maxsize=8)
def _compared(words: tuple[str, ...]) -> frozenset[str]:
    """The letters of *words*: they are the same for every message until somebody changes the settings."""
    return frozenset(letters(word) for word in words) - {""}


def opt_out_entry(
    mentorado_id: MentoradoId,
    message: ProviderMessage,
    contact: Address,
    ledger: Sequence[ConsentEntry],
    arrived_at: datetime,
) -> ConsentEntry | None:
    """The line that *message* adds to the *ledger* of its contact; None when it was taken down before, or comes out of
    an old history and is older than a consent.

    It is dated as the message is: an answer is allowed once they wrote after that.
    """
    for each in ledger:
        same = each.source is ConsentSource.MESSAGE and each.at == message.sent_at
        older = (
            each.change is ConsentChange.GRANTED and each.at > message.sent_at and arrived_at - message.sent_at > OLD
        )
        if same or older:
            return None
    return ConsentEntry(
        mentorado_id=mentorado_id,
        contact=contact,
        change=ConsentChange.OPTED_OUT,
        purpose=None,
        source=ConsentSource.MESSAGE,
        at=message.sent_at,
        note=" ".join(message.text.split()),
    )


def preference_entries(
    mentorado_id: MentoradoId, preference: WirePreference, contact: Address, ledger: Sequence[ConsentEntry]
) -> Sequence[ConsentEntry]:
    """The lines that a wish told to the provider adds to the *ledger* of its contact.

    A stop is an opt-out. Its end gives back what they had agreed to when they stopped, and no more: nobody agreed to a
    text by it. It never takes back an opt-out that came in another way.
    """
    reported = [each for each in ledger if each.source is ConsentSource.PROVIDER]
    base = ConsentEntry(
        mentorado_id=mentorado_id,
        contact=contact,
        change=ConsentChange.OPTED_OUT,
        purpose=None,
        source=ConsentSource.PROVIDER,
        at=preference.at,
    )
    if preference.stopped:
        known = any(
            each.at == preference.at if each.change is ConsentChange.OPTED_OUT else each.at > preference.at
            for each in reported
        )
        return [] if known else [base]
    place = len(ledger)
    while place and (ledger[place - 1].change, ledger[place - 1].source) == (base.change, base.source):
        place -= 1
    if place == len(ledger) or ledger[-1].at > preference.at:
        return []
    before = ledger[:place]
    return [
        replace(base, change=ConsentChange.GRANTED, purpose=purpose, wording=given.wording, version=given.version)
        for purpose in ASKED_FOR
        if state_for(before, purpose).granted
        for given in [each for each in before if (each.change, each.purpose) == (ConsentChange.GRANTED, purpose)][-1:]
    ]
