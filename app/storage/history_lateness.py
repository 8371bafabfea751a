"""Puts what was told late where it was said, because a message's number says where it is shown: webhooks come in any
order, and a long backlog of WhatsApp Web does, because whatsmeow keeps no order beyond the 2,048 stanzas of its queue.

What was said after it, over the same link, is stored anew behind it, and counts as stored at that moment from then on:
that is also how `app.storage.history_order` knows where it belongs. Only the end of a conversation is looked at: what a
provider tells days later is shown at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from json import dumps
from typing import Final

from sqlalchemy import Connection, Select, bindparam, delete, func, literal, select

from app.domain.mentorado import LinkId
from app.domain.messages import ConversationId
from app.storage.history_contacts import among
from app.storage.tables import message

END: Final = 200  # messages
BACKLOG: Final = 10_000
"""Messages of one conversation over WhatsApp Web that can be put in order; more wait at the server for nobody."""

_ORDER: Final = ("sent_at", "provider_id")
_COLUMNS: Final = [column for column in message.c if column.name != "number"]
_END_OF_IT = (
    select(message.c.number, message.c.link_id, message.c.sent_at, message.c.provider_id)
    .where(message.c.conversation_id == bindparam("conversation_id"), message.c.shown)
    .order_by(message.c.number.desc())
    .limit(END)
    .subquery()
)
_TAIL = select(_END_OF_IT).where(_END_OF_IT.c.link_id == bindparam("link_id")).order_by(_END_OF_IT.c.number)
_THOSE = message.c.number.in_(among("numbers"))


def _disorder() -> Select[int]:
    """A row that was sent before the one above it: the database finds out, and hands nothing over otherwise."""
    tail = _TAIL.subquery()
    above = (func.lag(tail.c[name]).over(order_by=tail.c.number).label(f"{name}_above") for name in _ORDER)
    each = select(*(tail.c[name] for name in _ORDER), *above).subquery()
    earlier = each.c.sent_at < each.c.sent_at_above
    same_time = each.c.sent_at == each.c.sent_at_above
    return select(literal(1)).where(earlier | (same_time & (each.c.provider_id < each.c.provider_id_above))).limit(1)


_DISORDER: Final = _disorder()


def put_in_place(
    connection: Connection, link_id: LinkId, conversations: Collection[ConversationId], at: datetime
) -> None:
    """Order what came over *link_id* at the ends of *conversations* by when it was sent.

    Meta tells whole seconds, and nothing about the order within one: the ids decide, so that it is always the same.
    """
    for conversation_id in sorted(conversations):
        where = {"conversation_id": conversation_id, "link_id": link_id}
        if connection.execute(_DISORDER, where).first() is None:
            continue
        shown = connection.execute(_TAIL, where).all()
        right = sorted(shown, key=lambda row: (row.sent_at, row.provider_id))
        in_place = next(place for place, (is_, be) in enumerate(zip(shown, right, strict=True)) if is_ != be)
        _move(connection, [row.number for row in right[in_place:]], at)


_NEWEST = (
    select(message.c.number, message.c.sent_at)
    .where(
        message.c.conversation_id == bindparam("conversation_id"),
        message.c.link_id == bindparam("link_id"),
        message.c.shown,
    )
    .order_by(message.c.number.desc())
    .limit(bindparam("most"))
)
_LAST = _NEWEST.subquery()
_FIRST_LATER = select(func.min(_LAST.c.number)).where(
    _LAST.c.sent_at > bindparam("moment", type_=message.c.sent_at.type)
)


def put_backlog_in_place(
    connection: Connection, link_id: LinkId, grown: Mapping[ConversationId, int], at: datetime
) -> None:
    """Order what came over *link_id* by when it was sent, and within a second by when it came.

    *grown* tells how many messages each conversation has just got. What was there before is in order.
    """
    for conversation_id, count in sorted(grown.items()):
        where = {"conversation_id": conversation_id, "link_id": link_id}
        newest = connection.execute(_NEWEST, {**where, "most": count + 1}).all()[::-1]
        if all(before.sent_at <= after.sent_at for before, after in pairwise(newest)):
            continue
        earliest, most = min(row.sent_at for row in newest[-count:]), max(BACKLOG, count + 1)
        first = connection.execute(_FIRST_LATER, {**where, "most": most, "moment": earliest}).scalar_one()
        end = connection.execute(_NEWEST, {**where, "most": most}).all()
        tail = sorted((row.sent_at, row.number) for row in end if row.number >= first)
        _move(connection, [number for _, number in tail], at)


def _move(connection: Connection, moved: Sequence[int], at: datetime) -> None:
    """Store the messages with the numbers *moved* anew, in this order, behind all others."""
    numbers = {"numbers": dumps(moved)}
    rows = {row.number: row for row in connection.execute(message.select().where(_THOSE), numbers)}
    # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
    connection.execute(delete(message).where(_THOSE), numbers)
    again = [{column.name: getattr(rows[number], column.name) for column in _COLUMNS} for number in moved]
    connection.execute(message.insert(), [{**each, "stored_at": at} for each in again])
