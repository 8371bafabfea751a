"""Leads from a message that was found to its place: whose conversation it is in, and what follows there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from app.domain.messages import Address, AddressKind, ConversationId, ConversationName, StoredMessage
from app.storage.history_contacts import named_after, recognised
from app.storage.history_reading import by_numbers
from app.storage.readable import plain, readable
from app.storage.tables import contact, contact_address, conversation, message


def messages_after(
    connection: Connection, conversation_id: ConversationId, number: int, limit: int
) -> Sequence[StoredMessage]:
    """The oldest first."""
    merged = select(conversation.c.merged_into).where(conversation.c.id == conversation_id).scalar_subquery()
    following = (
        select(message.c.number)
        .where(message.c.conversation_id == func.coalesce(merged, conversation_id))
        .where(message.c.shown, message.c.number > number)
        .order_by(message.c.number)
        .limit(limit)
    )
    return by_numbers(connection, connection.execute(following).scalars().all())[::-1]


def names(
    connection: Connection, conversation_ids: Collection[ConversationId]
) -> dict[ConversationId, ConversationName]:
    columns = (
        conversation.c.id,
        conversation.c.mentorado_id,
        conversation.c.contact_id,
        contact.c.name,
        contact.c.many,
    )
    known = select(*columns).join(contact, contact.c.id == conversation.c.contact_id)
    rows = connection.execute(known.where(conversation.c.id.in_(conversation_ids))).all()
    nameless = [row.contact_id for row in rows if not row.name]
    addressed = contact_address.select().where(contact_address.c.contact_id.in_(nameless))
    found = readable(
        "contact_address",
        connection.execute(addressed),
        lambda row: (row.contact_id, Address(AddressKind(row.kind), plain(row.value))),
    )
    ranked = sorted(found, key=lambda one: recognised(one[1]), reverse=True)
    best = {who: named_after(address) for who, address in ranked}
    return {
        row.id: ConversationName(
            id=row.id,
            mentorado_id=row.mentorado_id,
            title=plain(row.name) or best.get(row.contact_id, ""),
            is_group=bool(row.many),
        )
        for row in rows
    }
