"""Puts messages that were brought in where they belong: a message's number says when it was stored, and so where it is
shown. What was stored later but has a lower number gets a new one behind the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from app.domain.mentorado import MentoradoId
from app.storage.history_contacts import among
from app.storage.tables import conversation, message

_COLUMNS = [column for column in message.c if column.name != "number"]


def move_some(connection: Connection, mentorado_id: MentoradoId, limit: int) -> bool:
    """Move the next *limit* messages; returns whether there may be more. Interrupted, it goes on where it was."""
    rows = _out_of_place(connection, mentorado_id, limit)
    if not rows:
        return False
    # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
    numbers = dumps([row.number for row in rows])
    connection.execute(delete(message).where(message.c.number.in_(among("numbers"))), {"numbers": numbers})
    connection.execute(message.insert(), [{c.name: getattr(row, c.name) for c in _COLUMNS} for row in rows])
    return True


def _out_of_place(connection: Connection, mentorado_id: MentoradoId, limit: int) -> Sequence[Row[Any]]:
    theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
    follows = func.min(message.c.stored_at).over(order_by=message.c.number.desc(), rows=(None, -1))
    placed = select(message.c.number, message.c.stored_at, follows.label("follows"))
    placed = placed.where(message.c.conversation_id.in_(theirs))
    each = placed.subquery()
    first = select(func.min(each.c.stored_at)).where(each.c.follows < each.c.stored_at)
    since = connection.execute(first).scalar()
    if since is None:
        return []
    wrong = message.c.conversation_id.in_(theirs) & (message.c.stored_at >= since)
    times = select(message.c.stored_at).where(wrong).order_by(message.c.stored_at).limit(limit)
    up_to = max(connection.execute(times).scalars())  # what was stored together stays together
    some = message.select().where(wrong, message.c.stored_at <= up_to)
    return connection.execute(some.order_by(message.c.stored_at, message.c.number)).all()
