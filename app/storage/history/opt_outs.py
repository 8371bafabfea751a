"""Takes opt-outs down in the transaction that stores the messages: whatever ends the program, none is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from app.domain.consent import ASKED_FOR, ConsentChange, ConsentEntry, Purpose, state_for
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import Address, MessageUpdate, ProviderMessage, WirePreference
from app.domain.opt_out import opt_out_entry, opts_out, preference_entries
from app.storage.consents import append, await_confirmation, forget_confirmations, ledger_of, recorded_for
from app.storage.history.contacts import Addresses, address_rank
from app.storage.history.suppressions import Suppressed


def record(
    connection: Connection, mentorado: Mentorado, facts: Iterable[MessageUpdate], words: Iterable[str], at: datetime
) -> int:
    """Add to the ledger of consent what *facts* say of it; returns how many opt-outs and their ends that are."""
    recorded, words = 0, tuple(words)
    for fact in facts:
        if isinstance(fact, WirePreference):
            recorded += _record(connection, mentorado, fact.who, fact, fact.at, at)
        elif isinstance(fact, ProviderMessage) and opts_out(fact, words):
            who = tuple(dict.fromkeys(fact.chat + fact.sender)) if _is_one(fact) else fact.chat or fact.sender
            recorded += _record(connection, mentorado, who, fact, fact.sent_at, at)
    return recorded


def _is_one(message: ProviderMessage) -> bool:
    """Whether chat and sender are surely the same contact: they share an address."""
    return bool({each.key for each in message.chat} & {each.key for each in message.sender})


def _record(
    connection: Connection,
    mentorado: Mentorado,
    who: Addresses,
    fact: ProviderMessage | WirePreference,
    sent_at: datetime,
    at: datetime,
) -> bool:
    """The same entries for every reported address: some may later not be known as the same contact's."""
    who = tuple(sorted(who, key=address_rank))
    ledger = ledger_of(connection, mentorado.id, who)
    entries: Sequence[ConsentEntry]
    if isinstance(fact, WirePreference):
        entries = preference_entries(mentorado.id, fact, who[0], ledger)
    else:
        entry = opt_out_entry(mentorado.id, fact, who[0], ledger, at)
        entries = [] if entry is None else [entry]
    erased = (who, sent_at) in Suppressed(connection, mentorado.id)
    for entry in entries:
        number = 0
        for address in reversed(who):
            number = append(connection, [replace(entry, contact=address)], named=not erased)
        if entry.change is ConsentChange.OPTED_OUT and not (erased or _opted_out(ledger) == {*ASKED_FOR}):
            await_confirmation(connection, number)  # of the best address; one that came late is told of, not answered
    return bool(entries)


def keep(connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address]) -> None:
    """Before *addresses* are separated, store their opt-out for each of them.

    It is not confirmed to them any more.
    """
    ledger = ledger_of(connection, mentorado_id, addresses)
    forget_confirmations(connection, mentorado_id, addresses)
    for address in addresses:
        own = recorded_for(connection, mentorado_id, address)
        if _opted_out(ledger) - _opted_out(own):
            last = [entry for entry in ledger if entry.change is ConsentChange.OPTED_OUT][-1]
            append(connection, [replace(last, contact=address)], named=False)


def _opted_out(ledger: Sequence[ConsentEntry]) -> set[Purpose]:
    return {purpose for purpose in ASKED_FOR if state_for(ledger, purpose).opted_out_at is not None}
