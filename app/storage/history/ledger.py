"""Takes the ledger of consent out with the history, and brings it in again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, merging
from app.domain.mentorado import MentoradoId
from app.storage.columns import utc_text
from app.storage.consents import NOBODY, Ledger, add_entries, add_names, entry_of, mark_restored
from app.storage.history.dump_rows import ConsentsRow, DumpedEntry
from app.storage.history.suppressions import Suppressed, hashed_key

Hashed = tuple[str, ConsentEntry]

_AT_ONCE: Final = 50
"""Entries of one contact in a row of a backup, which may only be so long; hardly anybody has as many."""


def dumped(connection: Connection, mentorado_id: MentoradoId) -> Iterator[dict[str, object]]:
    """A row for each contact of the ledger, with every entry in the order of recording."""
    ledger = Ledger(connection, mentorado_id)
    for rows in ledger.rows.values():
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            entries = [_dumped(row.contact, entry_of(row, ledger.name_of.get(row.contact, NOBODY))) for row in some]
            yield {"kind": "consents", "entries": entries}


def _dumped(hashed: str, entry: ConsentEntry) -> dict[str, object]:
    return {
        "hash": hashed,
        "address": None if entry.contact == NOBODY else [entry.contact.kind.value, entry.contact.value],
        "change": entry.change.value,
        "purpose": None if entry.purpose is None else entry.purpose.value,
        "source": entry.source.value,
        "at": utc_text(entry.at),
        **{name: getattr(entry, name) for name in ("recorded_by", "wording", "version", "note", "import_id")},
    }


def merge(connection: Connection, mentorado_id: MentoradoId, rows: Sequence[ConsentsRow]) -> None:
    """Append what is missing here. The addresses of contacts that were erased since are not stored again."""
    if not rows:
        return
    erased, ledger = Suppressed(connection, mentorado_id), Ledger(connection, mentorado_id)
    made: list[Hashed] = []
    named: list[Hashed] = []
    touched: set[str] = set()
    for row in rows:
        pairs = [_hashed(mentorado_id, each) for each in row.entries]
        hashes = {hashed for hashed, _ in pairs}
        groups = {ledger.group(hashed) for hashed in hashes}
        if groups & touched:  # what was made of it is looked at, too
            _add(connection, made)
            made, ledger = [], Ledger(connection, mentorado_id)
        touched |= groups
        added = _missing(mentorado_id, pairs, _recorded(ledger, groups), erased)
        named += [each for each in pairs if each[1].contact != NOBODY and not _was_erased(erased, each)]
        made += added
    _add(connection, made)
    add_names(connection, named)


def _add(connection: Connection, made: Sequence[Hashed]) -> None:
    mark_restored(connection, made, add_entries(connection, made))


def _hashed(mentorado_id: MentoradoId, row: DumpedEntry) -> Hashed:
    """The mentorado may have another id here than in the backup, and with it every hash of a known address."""
    address = row.address or NOBODY
    hashed = row.hash if row.address is None else hashed_key(mentorado_id, row.address.key)
    return hashed, ConsentEntry(mentorado_id=mentorado_id, contact=address, **row.values)


def _recorded(ledger: Ledger, groups: Collection[str]) -> list[ConsentEntry]:
    """What is recorded here of one contact, which the ledger may hold under several hashes."""
    rows = sorted((row for group in groups for row in ledger.rows.get(group, ())), key=lambda row: row.number)
    return [entry_of(row, NOBODY) for row in rows]


def _was_erased(erased: Suppressed, each: Hashed) -> bool:
    hashed, entry = each
    since = erased.since(hashed)
    return since is not None and entry.at <= since


def _missing(
    mentorado_id: MentoradoId, pairs: Sequence[Hashed], here: Sequence[ConsentEntry], erased: Suppressed
) -> list[Hashed]:
    """What is appended, each with the hash under which it is stored."""
    pairs = [(each[0], each[1].without_words()) if _was_erased(erased, each) else each for each in pairs]
    since = max((each for hashed, _ in pairs if (each := erased.since(hashed)) is not None), default=None)
    other = [entry for _, entry in pairs]
    if since is not None and not any(each.change is ConsentChange.ERASED for each in (*here, *other)):
        other.append(_erased(mentorado_id, since))  # by a version that did not say so in the ledger
    hashes = sorted({hashed for hashed, _ in pairs})
    made: list[Hashed] = []
    for entry in merging(here, other):
        under = [hashed for hashed, each in pairs if each.identity == entry.identity] or hashes
        made += [(hashed, entry) for hashed in dict.fromkeys(under)]
    return made


def _erased(mentorado_id: MentoradoId, at: datetime) -> ConsentEntry:
    return ConsentEntry(
        mentorado_id=mentorado_id,
        contact=NOBODY,
        change=ConsentChange.ERASED,
        purpose=None,
        source=ConsentSource.ERASURE,
        at=at,
    )
