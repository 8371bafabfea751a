"""Takes messages out again: one contact's on request, old ones by a rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind, ContactId
from app.domain.trusted_time import MESSAGE_AHEAD
from app.storage import set_aside
from app.storage.history_contacts import Addresses
from app.storage.tables import contact, contact_address, conversation, early_receipt, message, setting, suppression

TRACES_LEFT: Final = "traces_left"
"""The setting that is there from an erasure until the file was written anew."""

_SUPPRESSED = suppression.select().where(suppression.c.mentorado_id == bindparam("mentorado_id"))


def erase(connection: Connection, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
    """Remove a contact with all they wrote and were written; returns how many messages that were.

    Their addresses stay as hashes: what is delivered again later but was sent before *at*, or before the last of what
    is erased now where our clock was behind the provider's, is not stored.
    """
    root = select(contact.c.merged_into).where(contact.c.id == contact_id, contact.c.mentorado_id == mentorado_id)
    found = connection.execute(root).one_or_none()
    if found is None:
        return 0
    erased: ContactId = found.merged_into or contact_id
    addresses = select(contact_address).where(contact_address.c.contact_id == erased)
    known = connection.execute(addresses).all()
    threads = select(conversation.c.id).where(conversation.c.contact_id == erased)
    theirs = message.c.conversation_id.in_(threads) | (message.c.sender_id == erased)
    counted = (theirs, message.c.sent_at <= at + MESSAGE_AHEAD)
    last: datetime | None = connection.execute(select(func.max(message.c.sent_at)).where(*counted)).scalar()
    for row in known:
        _suppress(connection, mentorado_id, row.key, max(at, last or at))

    set_aside.erase(connection, mentorado_id, [Address(AddressKind(row.kind), row.value) for row in known])
    count = connection.execute(delete(message).where(theirs)).rowcount
    connection.execute(delete(conversation).where(conversation.c.contact_id == erased))
    connection.execute(delete(contact_address).where(contact_address.c.contact_id == erased))
    connection.execute(delete(contact).where((contact.c.id == erased) | (contact.c.merged_into == erased)))
    # Until its parts are merged into one, the index keeps the words, and beside them that they do not count.
    connection.exec_driver_sql("INSERT INTO message_fts (message_fts) VALUES ('optimize')")
    connection.execute(setting.delete().where(setting.c.key == TRACES_LEFT))
    connection.execute(setting.insert().values(key=TRACES_LEFT, value="true", changed_at=at))
    return count


def addresses(connection: Connection, mentorado_id: MentoradoId, contact_id: ContactId) -> list[Address]:
    """Everything a contact is known by."""
    root = select(func.coalesce(contact.c.merged_into, contact.c.id)).where(
        contact.c.id == contact_id, contact.c.mentorado_id == mentorado_id
    )
    theirs = select(contact_address).where(contact_address.c.contact_id == root.scalar_subquery())
    return [Address(AddressKind(row.kind), row.value) for row in connection.execute(theirs)]


def was_erased(connection: Connection, mentorado_id: MentoradoId, address: Address) -> bool:
    hashes = [_hash(mentorado_id, key) for key in address.keys]
    theirs = (suppression.c.mentorado_id == mentorado_id) & suppression.c.hash.in_(hashes)
    return connection.execute(select(suppression.c.hash).where(theirs).limit(1)).first() is not None


def traces_left(connection: Connection) -> bool:
    """Whether something was erased since the file was written anew."""
    return connection.execute(select(setting.c.key).where(setting.c.key == TRACES_LEFT)).first() is not None


def no_traces_left(connection: Connection) -> None:
    connection.execute(setting.delete().where(setting.c.key == TRACES_LEFT))


def forget(
    connection: Connection, mentorado_id: MentoradoId | None, moment: datetime, *, start: int, limit: int, at_most: int
) -> tuple[int, int | None]:
    """Remove what was sent before *moment* among the next *limit* messages; returns how many, and where to go on."""
    following = select(message.c.number).where(message.c.number > start).order_by(message.c.number).limit(limit)
    numbers = connection.execute(following).scalars().all()
    if not numbers:
        connection.execute(delete(early_receipt).where(early_receipt.c.at < moment))
        set_aside.forget(connection, mentorado_id, moment)
        return 0, None
    old = (message.c.number > start) & (message.c.number <= numbers[-1]) & (message.c.sent_at < moment)
    if mentorado_id is not None:
        theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
        old &= message.c.conversation_id.in_(theirs)
    these = select(message.c.number).where(old).order_by(message.c.number).limit(at_most)
    return connection.execute(delete(message).where(message.c.number.in_(these))).rowcount, numbers[-1]


class Suppressed:
    """Whom nothing older than their erasure may be stored of."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId) -> None:
        rows = connection.execute(_SUPPRESSED, {"mentorado_id": mentorado_id})
        self._mentorado_id = mentorado_id
        self._since: dict[str, datetime] = {row.hash: row.erased_at for row in rows}

    def __bool__(self) -> bool:
        return bool(self._since)

    def __contains__(self, said: tuple[Addresses, datetime]) -> bool:
        addresses, sent_at = said
        return bool(self) and any(erased_at >= sent_at for erased_at in self._erasures(addresses))

    def _erasures(self, addresses: Iterable[Address]) -> Iterable[datetime]:
        hashes = (_hash(self._mentorado_id, key) for address in addresses for key in address.keys)
        return [self._since[hashed] for hashed in hashes if hashed in self._since]


def _suppress(connection: Connection, mentorado_id: MentoradoId, key: str, at: datetime) -> None:
    hashed = _hash(mentorado_id, key)
    this = (suppression.c.mentorado_id == mentorado_id) & (suppression.c.hash == hashed)
    if connection.execute(suppression.update().where(this).values(erased_at=at)).rowcount == 0:
        connection.execute(suppression.insert().values(mentorado_id=mentorado_id, hash=hashed, erased_at=at))


def _hash(mentorado_id: MentoradoId, key: str) -> str:
    # Salted with an id that is nowhere else, so that no table of all numbers fits. Who has the file can still test a
    # number they suspect: that is what such a list is for, and what it cannot be kept from.
    return sha256(f"{mentorado_id} {key}".encode()).hexdigest()
