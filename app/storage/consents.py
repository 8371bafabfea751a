"""The ledger of consent, on disk."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from app.domain.consent import ConsentEntry
from app.storage.database import Database
from app.storage.history.suppressions import hashed_key
from app.storage.tables import consent_contact, consent_entry


class SqlConsents:
    """Implements `ConsentRepository`. The ledger has hashes; whom they stand for is beside it, and can be erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entries: Sequence[ConsentEntry]) -> None:
        await self._database.run(lambda connection: _append(connection, entries), count=lambda _none: len(entries))


def _append(connection: Connection, entries: Sequence[ConsentEntry]) -> None:
    for entry in entries:
        contact = hashed_key(entry.mentorado_id, entry.contact.key)
        connection.execute(
            consent_entry.insert().values(
                mentorado_id=entry.mentorado_id,
                contact=contact,
                change=entry.change.value,
                purpose=None if entry.purpose is None else entry.purpose.value,
                source=entry.source.value,
                at=entry.at,
                recorded_by=entry.recorded_by,
                wording=entry.wording,
                version=entry.version,
            )
        )
        named = {"kind": entry.contact.kind.value, "value": entry.contact.value}
        stored = insert(consent_contact).values(mentorado_id=entry.mentorado_id, contact=contact, **named)
        connection.execute(stored.on_conflict_do_update(index_elements=["mentorado_id", "contact"], set_=named))
