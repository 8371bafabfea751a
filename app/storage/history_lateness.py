"""Puts what was told late where it was said: webhooks come in any order, and a message's number says where it is shown.

What was said after it gets new numbers behind it, as in `app.storage.history_order`. Only the end of a conversation is
looked at: a provider that tells something days later tells it at the end.
"""

from __future__ import annotations

from collections.abc import Collection
from json import dumps
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from app.domain.messages import ConversationId
from app.storage.history_contacts import among
from app.storage.tables import message

END: Final = 200  # messages

_COLUMNS = [column for column in message.c if column.name != "number"]
_TAIL = (
    select(message.c.number, message.c.sent_at, message.c.provider_id)
    .where(message.c.conversation_id == bindparam("conversation_id"), message.c.shown)
    .order_by(message.c.number.desc())
    .limit(END)
)


def put_in_place(connection: Connection, conversations: Collection[ConversationId]) -> None:
    """Order the ends of *conversations* by when their messages were sent.

    Meta tells whole seconds, and nothing about the order within one: the ids decide, so that it is always the same.
    """
    for conversation_id in sorted(conversations):
        shown = connection.execute(_TAIL, {"conversation_id": conversation_id}).all()[::-1]
        right = sorted(shown, key=lambda row: (row.sent_at, row.provider_id))
        in_place = next((place for place, (is_, be) in enumerate(zip(shown, right, strict=True)) if is_ != be), None)
        if in_place is None:
            continue
        moved = [row.number for row in right[in_place:]]
        those = message.c.number.in_(among("numbers"))
        numbers = {"numbers": dumps(moved)}
        rows = {row.number: row for row in connection.execute(message.select().where(those), numbers)}
        # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
        connection.execute(delete(message).where(those), numbers)
        again = [{column.name: getattr(rows[number], column.name) for column in _COLUMNS} for number in moved]
        connection.execute(message.insert(), again)
