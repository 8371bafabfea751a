"""The ledger of consent, on disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select, text
from sqlalchemy.dialects.sqlite import insert

from app.domain.consent import (
    ConsentChange,
    ConsentEntry,
    ConsentSource,
    ContactConsents,
    OptOut,
    Purpose,
    undoing,
)
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.storage.database import Database, stored_address
from app.storage.history.suppressions import hashed_key
from app.storage.rows import plain
from app.storage.tables import consent_contact, consent_entry, contact_address, opt_out_confirmation, setting

Check = Callable[[ConsentEntry, Sequence[ConsentEntry]], None]

NOBODY = Address(AddressKind.OTHER, "")
"""Stands for a contact of whom only a hash is left."""

_BEST = tuple(AddressKind)


class SqlConsents:
    """Implements `ConsentRepository`. The ledger has hashes; the addresses are stored beside it and can be erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entries: Sequence[ConsentEntry]) -> None:
        await self._database.run(append, entries, count=lambda _none: len(entries))

    async def append_checked(self, entries: Sequence[ConsentEntry], check: Check) -> None:
        def work(connection: Connection) -> None:
            for mentorado_id in {each.mentorado_id for each in entries}:
                theirs = [each for each in entries if each.mentorado_id == mentorado_id]
                known = ledgers(connection, mentorado_id, [each.contact for each in theirs])
                for entry, ledger in zip(theirs, known, strict=True):
                    check(entry, ledger)
            append(connection, entries)

        await self._database.run(work, count=lambda _none: len(entries))

    async def ledgers(self, mentorado_id: MentoradoId, contacts: Sequence[Address]) -> Sequence[Sequence[ConsentEntry]]:
        return await self._database.read(ledgers, mentorado_id, contacts)

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
        return await self._database.read(contacts_of, mentorado_id)

    async def undo_import(self, mentorado_id: MentoradoId, import_id: str, at: datetime, recorded_by: str) -> int:
        def work(connection: Connection) -> int:
            made = [
                (reference, each)
                for reference, entries in Ledger(connection, mentorado_id).by_contact.items()
                for each in undoing(entries, import_id, at, recorded_by)
            ]
            add_entries(connection, made)
            return len(made)

        return await self._database.run(work, count=lambda made: made)

    async def unconfirmed(self) -> Sequence[OptOut]:
        return await self._database.read(_unconfirmed)

    async def claim_confirmation(self, number: int) -> bool:
        def work(connection: Connection) -> bool:
            return (
                connection.execute(
                    opt_out_confirmation.delete().where(opt_out_confirmation.c.number == number)
                ).rowcount
                > 0
            )

        return await self._database.run(work, count=int)

    async def return_confirmation(self, number: int) -> None:
        await self._database.run(await_confirmation, number)


def append(connection: Connection, entries: Sequence[ConsentEntry], *, named: bool = True) -> int:
    """Store *entries* in their order, and with *named* whom their hashes stand for; returns the last one's number."""
    hashed = [(hashed_key(each.mentorado_id, each.contact.key), each) for each in entries]
    number = add_entries(connection, hashed)
    if named:
        add_names(connection, hashed)
    return number


RESTORED: Final = "ledger_restored_"
"""Begins the settings that say from which entry (the key) to which one (the value) the ledger came out of a backup."""


def mark_restored(connection: Connection, entries: Collection[tuple[str, ConsentEntry]], last: int) -> None:
    """Remember that *entries*, which end with the number *last*, came out of a backup."""
    if entries:
        at = max(each.at for _, each in entries)
        key = f"{RESTORED}{last - len(entries) + 1}"
        connection.execute(setting.insert().values(key=key, value=str(last), changed_at=at))


def restored_numbers(connection: Connection) -> list[range]:
    """Which entries came out of a backup: nobody has to look after what they say once more."""
    rows = connection.execute(setting.select().where(setting.c.key.startswith(RESTORED, autoescape=True)))
    pairs = [(row.key.removeprefix(RESTORED), row.value) for row in rows]
    return [range(int(first), int(last) + 1) for first, last in pairs if first.isdecimal() and last.isdecimal()]


def add_names(connection: Connection, hashed: Collection[tuple[str, ConsentEntry]]) -> None:
    """Store whom the hashes stand for."""
    if hashed:
        stored = insert(consent_contact)
        stored = stored.on_conflict_do_update(
            index_elements=["mentorado_id", "contact"],
            set_={"kind": stored.excluded.kind, "value": stored.excluded.value},
        )
        contacts = [
            {
                "mentorado_id": each.mentorado_id,
                "contact": contact,
                "kind": each.contact.kind.value,
                "value": each.contact.value,
            }
            for contact, each in hashed
        ]
        connection.execute(stored, contacts)


def await_confirmation(connection: Connection, number: int) -> None:
    """Have the opt-out with *number* confirmed to its contact, once."""
    connection.execute(opt_out_confirmation.insert().values(number=number))


def ledgers(
    connection: Connection, mentorado_id: MentoradoId, contacts: Sequence[Address]
) -> list[Sequence[ConsentEntry]]:
    """What the ledger has of each of *contacts*, by whichever address of theirs it was recorded."""
    if len(contacts) > _MANY:
        return Ledger(connection, mentorado_id).entries_of(contacts)
    return [ledger_of(connection, mentorado_id, [contact]) for contact in contacts]


def contacts_of(connection: Connection, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
    """Everybody in the ledger of a mentorado, who was recorded first coming first."""
    return Ledger(connection, mentorado_id).contacts()


def in_order(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """The best first."""
    return tuple(sorted(addresses, key=lambda each: (_BEST.index(each.kind), each.value)))


_MANY = 20
"""From here on the whole ledger is read at once."""


def ledger_of(
    connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address]
) -> Sequence[ConsentEntry]:
    """What the ledger has of one contact, who has *addresses* and those that the history knows beside them."""
    keys = _keys(addresses)
    this = (contact_address.c.mentorado_id == mentorado_id) & contact_address.c.key.in_(keys)
    named = select(contact_address.c.contact_id).where(this)
    known = connection.execute(contact_address.select().where(contact_address.c.contact_id.in_(named)))
    keys |= {key for row in known for key in (row.key, *stored_address(row).keys)}
    return _recorded(connection, mentorado_id, keys, addresses[0])


def recorded_for(connection: Connection, mentorado_id: MentoradoId, address: Address) -> Sequence[ConsentEntry]:
    """What was recorded under this *address* alone."""
    return _recorded(connection, mentorado_id, _keys([address]), address)


def recorded_addresses(connection: Connection, mentorado_id: MentoradoId, address: Address) -> list[Address]:
    """Whom the ledger names by *address*, in any form of its number."""
    hashes = [hashed_key(mentorado_id, key) for key in address.keys]
    theirs = (consent_contact.c.mentorado_id == mentorado_id) & consent_contact.c.contact.in_(hashes)
    return [stored_address(row) for row in connection.execute(consent_contact.select().where(theirs))]


def leave_hashes(connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address], at: datetime) -> None:
    """Of an erased contact, keep hashes and what proves a consent: neither names nor what was written freely.

    Where something was recorded, the ledger says that nothing agreed to before counts.
    """
    keys = _keys(addresses)
    under = _recorded_under(mentorado_id, keys)
    rows = connection.execute(consent_entry.select().where(under)).all()
    hashes = [hashed_key(mentorado_id, key) for key in keys]
    named = (consent_contact.c.mentorado_id == mentorado_id) & consent_contact.c.contact.in_(hashes)
    connection.execute(consent_contact.delete().where(named))
    guard = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'consent_no_update'")
    trigger: str = connection.execute(guard).scalar_one()
    connection.exec_driver_sql("DROP TRIGGER consent_no_update")  # the only exception, and within this transaction
    for row in rows:
        bare = entry_of(row, NOBODY).without_words()
        this = consent_entry.update().where(consent_entry.c.number == row.number)
        connection.execute(this.values(wording=bare.wording, note=None))
    connection.exec_driver_sql(trigger)
    erased = [
        ConsentEntry(
            mentorado_id=mentorado_id,
            contact=NOBODY,
            change=ConsentChange.ERASED,
            purpose=None,
            source=ConsentSource.ERASURE,
            at=at,
        )
    ]
    add_entries(connection, [(contact, each) for contact in sorted({row.contact for row in rows}) for each in erased])


def forget_confirmations(connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address]) -> None:
    """Confirm no opt-out of a contact any more."""
    theirs = select(consent_entry.c.number).where(_recorded_under(mentorado_id, _keys(addresses)))
    connection.execute(opt_out_confirmation.delete().where(opt_out_confirmation.c.number.in_(theirs)))


def _keys(addresses: Iterable[Address]) -> set[str]:
    return {key for address in addresses for key in address.keys}


def _recorded_under(mentorado_id: MentoradoId, keys: Iterable[str]) -> ColumnElement[bool]:
    hashes = [hashed_key(mentorado_id, key) for key in keys]
    return (consent_entry.c.mentorado_id == mentorado_id) & consent_entry.c.contact.in_(hashes)


def _recorded(
    connection: Connection, mentorado_id: MentoradoId, keys: Iterable[str], contact: Address
) -> Sequence[ConsentEntry]:
    rows = consent_entry.select().where(_recorded_under(mentorado_id, keys))
    return _read(connection.execute(rows.order_by(consent_entry.c.number)), contact)


class Ledger:
    """The whole ledger of one mentorado, by contact."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId) -> None:
        self._mentorado_id = mentorado_id
        theirs = contact_address.select().where(contact_address.c.mentorado_id == mentorado_id)
        self._contact_of: dict[str, str] = {}  # the id of a contact, by the hash of each of their addresses
        for row in connection.execute(theirs):
            for key in {row.key, *stored_address(row).keys}:
                self._contact_of[hashed_key(mentorado_id, key)] = row.contact_id
        ledger = consent_entry.select().where(consent_entry.c.mentorado_id == mentorado_id)
        self.rows = defaultdict[str, list[Any]](list)
        """By contact, in the order of recording; see `group`."""
        for row in connection.execute(ledger.order_by(consent_entry.c.number)):
            self.rows[self.group(row.contact)].append(row)
        names = connection.execute(consent_contact.select().where(consent_contact.c.mentorado_id == mentorado_id))
        self._addresses = defaultdict[str, list[Address]](list)
        self.name_of: dict[str, Address] = {}
        """By hash; who was erased has none."""
        for row in names:
            self.name_of[row.contact] = stored_address(row)
            self._addresses[self.group(row.contact)].append(self.name_of[row.contact])
        for addresses in self._addresses.values():
            addresses[:] = in_order(addresses)
        self._references = {group: some[0].contact for group, some in self.rows.items()}
        self._grouped = {group: _read(some, self._best(group)) for group, some in self.rows.items()}
        self.by_contact = {self._references[group]: entries for group, entries in self._grouped.items()}
        """By the hash under which something was recorded first."""

    def entries_of(self, contacts: Sequence[Address]) -> list[Sequence[ConsentEntry]]:
        found: list[Sequence[ConsentEntry]] = []
        for contact in contacts:
            groups = dict.fromkeys(self.group(hashed_key(self._mentorado_id, key)) for key in contact.keys)
            entries = next((self._grouped[group] for group in groups if group in self._grouped), ())
            found.append([replace(each, contact=contact) for each in entries])
        return found

    def contacts(self) -> list[ContactConsents]:
        return [
            ContactConsents(
                reference=self._references[group], addresses=tuple(self._addresses.get(group, ())), entries=entries
            )
            for group, entries in self._grouped.items()
        ]

    def group(self, hashed: str) -> str:
        """What is the same for every hash of one contact."""
        return self._contact_of.get(hashed, hashed)

    def _best(self, group: str) -> Address:
        return next(iter(self._addresses.get(group, ())), NOBODY)


def _read(rows: Iterable[Row[Any]], contact: Address) -> list[ConsentEntry]:
    """Entries in their order; what was recorded for several addresses of one contact at once is one of them."""
    entries = [entry_of(row, contact) for row in rows]
    return [each for place, each in enumerate(entries) if place == 0 or each != entries[place - 1]]


def entry_of(row: Row[Any], contact: Address) -> ConsentEntry:
    """A line that no version writes counts as an opt-out: what cannot be read never allows anything."""
    try:
        change, source = ConsentChange(row.change), ConsentSource(row.source)
        purpose = None if row.purpose is None else Purpose(row.purpose)
    except ValueError:
        change, source, purpose = ConsentChange.OPTED_OUT, ConsentSource.TYPED, None
    return ConsentEntry(
        mentorado_id=MentoradoId(row.mentorado_id),
        contact=contact,
        change=change,
        purpose=purpose,
        source=source,
        at=row.at,
        recorded_by=plain(row.recorded_by),
        wording=plain(row.wording),
        version=plain(row.version),
        note=plain(row.note),
        import_id=plain(row.import_id),
    )


def add_entries(connection: Connection, entries: Collection[tuple[str, ConsentEntry]]) -> int:
    """Store entries, each with the hash of its contact; returns the number of the last one in the ledger."""
    rows = [
        {
            "mentorado_id": entry.mentorado_id,
            "contact": contact,
            "change": entry.change.value,
            "purpose": None if entry.purpose is None else entry.purpose.value,
            "source": entry.source.value,
            "at": entry.at,
            "recorded_by": entry.recorded_by,
            "wording": entry.wording,
            "version": entry.version,
            "note": entry.note or None,
            "import_id": entry.import_id or None,
        }
        for contact, entry in entries
    ]
    if rows:
        connection.execute(consent_entry.insert(), rows)
    return int(connection.execute(select(func.max(consent_entry.c.number))).scalar() or 0)


def _unconfirmed(connection: Connection) -> list[OptOut]:
    entry, named = consent_entry.c, consent_contact.c
    rows = (
        select(entry.number, entry.mentorado_id, entry.at, named.kind, named.value)
        .join(opt_out_confirmation, opt_out_confirmation.c.number == entry.number)
        .join(consent_contact, (named.mentorado_id == entry.mentorado_id) & (named.contact == entry.contact))
        .order_by(entry.number)
    )
    return [
        OptOut(
            number=row.number,
            mentorado_id=MentoradoId(row.mentorado_id),
            contact=stored_address(row),
            at=row.at,
        )
        for row in connection.execute(rows)
    ]
