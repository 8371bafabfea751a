"""Takes messages out again: one contact's on request, old ones by a rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, ContactId
from app.domain.trusted_time import MESSAGE_AHEAD
from app.storage import notes, set_aside
from app.storage.consents import leave_hashes, recorded_addresses
from app.storage.database import stored_address
from app.storage.history import opt_outs
from app.storage.history.other_links import forget_aliases
from app.storage.history.suppressions import add_suppression, hashed_key
from app.storage.repair import TRACES_LEFT
from app.storage.tables import (
    campaign_recipient,
    contact,
    contact_address,
    conversation,
    early_receipt,
    message,
    setting,
    suppression,
)


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
    named = [stored_address(row) for row in known]
    _leave_hashes(connection, mentorado_id, named, at, max(at, last or at))
    count = connection.execute(delete(message).where(theirs)).rowcount
    forget_aliases(connection, mentorado_id)
    connection.execute(delete(conversation).where(conversation.c.contact_id == erased))
    connection.execute(delete(contact_address).where(contact_address.c.contact_id == erased))
    connection.execute(delete(contact).where((contact.c.id == erased) | (contact.c.merged_into == erased)))
    # Until its parts are merged into one, the index keeps the words, and beside them that they do not count.
    connection.exec_driver_sql("INSERT INTO message_fts (message_fts) VALUES ('optimize')")
    return count


def erase_recorded(connection: Connection, mentorado_id: MentoradoId, address: Address, at: datetime) -> int:
    """Remove a contact whom only the ledger of consent knows; their hash stays. There are no messages to count."""
    named = [address, *recorded_addresses(connection, mentorado_id, address)]
    _leave_hashes(connection, mentorado_id, named, at, at)
    return 0


def _leave_hashes(
    connection: Connection, mentorado_id: MentoradoId, named: Sequence[Address], at: datetime, until: datetime
) -> None:
    """Remove what the tables beside the history have of *named*. What was sent *until* then is not stored again."""
    for key in {address.key: None for address in named}:
        add_suppression(connection, mentorado_id, key, until)
    # The ledger of consent goes on with their hash, so that an opt-out is kept; whom it stands for is not.
    opt_outs.keep(connection, mentorado_id, named)
    leave_hashes(connection, mentorado_id, named, at)
    hashes = {hashed_key(mentorado_id, key) for address in named for key in address.keys}
    in_campaign = (campaign_recipient.c.mentorado_id == mentorado_id) & campaign_recipient.c.contact.in_(hashes)
    connection.execute(campaign_recipient.update().where(in_campaign).values(value="", name=""))
    set_aside.erase(connection, mentorado_id, named)
    notes.erase(connection, mentorado_id, named)
    connection.execute(setting.delete().where(setting.c.key == TRACES_LEFT))
    connection.execute(setting.insert().values(key=TRACES_LEFT, value="true", changed_at=at))


def addresses(connection: Connection, mentorado_id: MentoradoId, contact_id: ContactId) -> list[Address]:
    """All addresses of a contact."""
    root = select(func.coalesce(contact.c.merged_into, contact.c.id)).where(
        contact.c.id == contact_id, contact.c.mentorado_id == mentorado_id
    )
    theirs = select(contact_address).where(contact_address.c.contact_id == root.scalar_subquery())
    return [stored_address(row) for row in connection.execute(theirs)]


def was_erased(connection: Connection, mentorado_id: MentoradoId, address: Address) -> bool:
    hashes = [hashed_key(mentorado_id, key) for key in address.keys]
    theirs = (suppression.c.mentorado_id == mentorado_id) & suppression.c.hash.in_(hashes)
    return connection.execute(select(suppression.c.hash).where(theirs).limit(1)).first() is not None


def traces_left(connection: Connection) -> bool:
    """Whether something was erased since the file was last rewritten."""
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
        forget_aliases(connection)
        connection.execute(delete(early_receipt).where(early_receipt.c.at < moment))
        set_aside.forget(connection, mentorado_id, moment)
        return 0, None
    old = (message.c.number > start) & (message.c.number <= numbers[-1]) & (message.c.sent_at < moment)
    if mentorado_id is not None:
        theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
        old &= message.c.conversation_id.in_(theirs)
    these = select(message.c.number).where(old).order_by(message.c.number).limit(at_most)
    return connection.execute(delete(message).where(message.c.number.in_(these))).rowcount, numbers[-1]
