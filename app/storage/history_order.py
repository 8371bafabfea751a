"""Puts messages that were brought in where they belong: a message's number says when it was stored, and so where it is
shown. What was stored later but has a lower number gets a new one behind the rest.
"""

from __future__ import annotations

from array import array
from json import dumps

from sqlalchemy import ColumnElement, Connection, delete, func, select

from app.domain.mentorado import MentoradoId
from app.storage.history_contacts import among
from app.storage.tables import conversation, message

_AT_ONCE = 1_000
"""Messages in memory, however many were stored in the same moment."""

_COLUMNS = [column for column in message.c if column.name != "number"]


def put_in_order(connection: Connection, mentorado_id: MentoradoId) -> None:
    """Renumber what is out of its place, in the caller's transaction. Repeated, it changes nothing."""
    numbers = _out_of_place(connection, mentorado_id)
    for start in range(0, len(numbers), _AT_ONCE):
        these = dumps(numbers[start : start + _AT_ONCE].tolist())
        moved = message.c.number.in_(among("numbers"))
        some = message.select().where(moved).order_by(message.c.stored_at, message.c.number)
        rows = connection.execute(some, {"numbers": these}).all()
        # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
        connection.execute(delete(message).where(moved), {"numbers": these})
        connection.execute(message.insert(), [{c.name: getattr(row, c.name) for c in _COLUMNS} for row in rows])


def _out_of_place(connection: Connection, mentorado_id: MentoradoId) -> array[int]:
    """The numbers of what is moved, in the order in which it was stored."""
    theirs: ColumnElement[bool] = message.c.conversation_id.in_(
        select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
    )
    follows = func.min(message.c.stored_at).over(order_by=message.c.number.desc(), rows=(None, -1))
    each = select(message.c.number, message.c.stored_at, follows.label("follows")).where(theirs).subquery()
    since = connection.execute(select(func.min(each.c.stored_at)).where(each.c.follows < each.c.stored_at)).scalar()
    if since is None:
        return array("q")
    wrong = select(message.c.number).where(theirs, message.c.stored_at >= since)
    return array("q", connection.execute(wrong.order_by(message.c.stored_at, message.c.number)).scalars())
