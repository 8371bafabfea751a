"""Suppressions: contacts of whom nothing older than their erasure may be stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, bindparam

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.storage.history.contacts import Addresses
from app.storage.prepared import PreparedSelect
from app.storage.tables import suppression

_SUPPRESSED = PreparedSelect(suppression.select().where(suppression.c.mentorado_id == bindparam("mentorado_id")))


class Suppressed:
    """The suppressed contacts, and the time of each erasure."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId) -> None:
        rows = _SUPPRESSED.rows(connection, mentorado_id=mentorado_id)
        self._mentorado_id = mentorado_id
        self._since: dict[str, datetime] = {row.hash: row.erased_at for row in rows}

    def __bool__(self) -> bool:
        return bool(self._since)

    def __contains__(self, item: tuple[Addresses, datetime]) -> bool:
        addresses, sent_at = item
        return bool(self) and any(erased_at >= sent_at for erased_at in self._erasures(addresses))

    def since(self, hashed: str) -> datetime | None:
        """When the contact with that hash was erased."""
        return self._since.get(hashed)

    def _erasures(self, addresses: Iterable[Address]) -> Iterable[datetime]:
        hashes = (hashed_key(self._mentorado_id, key) for address in addresses for key in address.keys)
        return [self._since[hashed] for hashed in hashes if hashed in self._since]


def add_suppression(connection: Connection, mentorado_id: MentoradoId, key: str, at: datetime) -> None:
    hashed = hashed_key(mentorado_id, key)
    this = (suppression.c.mentorado_id == mentorado_id) & (suppression.c.hash == hashed)
    if connection.execute(suppression.update().where(this).values(erased_at=at)).rowcount == 0:
        connection.execute(suppression.insert().values(mentorado_id=mentorado_id, hash=hashed, erased_at=at))


def hashed_key(mentorado_id: MentoradoId, key: str) -> str:
    # Salted with an id that is nowhere else, so that no table of all numbers fits. Who has the file can still test a
    # number they suspect: that is what such a list is for, and what it cannot be kept from.
    return sha256(f"{mentorado_id} {key}".encode()).hexdigest()
