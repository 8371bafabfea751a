"""What edits and revocations make of a message.

It is worked out anew from all stored rows whenever one of them, or what is known of their senders, changes: so it does
not matter what came first, but for edits of which nobody says which was sent first: of those the last stored counts.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from json import dumps
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, func, literal, or_, select

from app.domain.mentorado import LinkId, MentoradoId
from app.domain.messages import ConversationId, MessageKind
from app.storage.history.contacts import json_list_param
from app.storage.prepared import PreparedSelect
from app.storage.tables import contact, conversation, link, message

# Not with IN: what stands in it would be written into the statement anew whenever it is executed.
_CHANGING = or_(message.c.kind == MessageKind.EDIT.value, message.c.kind == MessageKind.REVOCATION.value)
_CHANGING &= ~message.c.shown
_THOSE = json_list_param("targets")
# By the index on `refers_to` alone: the conversation tells apart what belongs to whom.
_CHANGES = PreparedSelect(select(message).where(message.c.refers_to.in_(_THOSE), _CHANGING))
_THEIR_LINKS = select(link.c.id).where(link.c.mentorado_id == bindparam("mentorado_id"))
_TARGETS = (
    select(message, contact.c.many)
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .join(contact, contact.c.id == conversation.c.contact_id)
    .where(message.c.link_id.in_(_THEIR_LINKS), message.c.provider_id.in_(_THOSE), message.c.shown)
)


def edited_ids(connection: Connection, conversations: Collection[ConversationId]) -> set[str]:
    """The provider ids of edited or revoked messages there."""
    there = message.c.conversation_id.in_(conversations)
    found = select(message.c.refers_to).where(there, _CHANGING, message.c.refers_to.is_not(None))
    return set(connection.execute(found).scalars())


def apply_edits(connection: Connection, mentorado_id: MentoradoId, targets: Collection[str]) -> set[ConversationId]:
    """Bring the messages with the provider ids *targets* up to date; returns the conversations that changed."""
    changes: defaultdict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in _CHANGES.rows(connection, targets=dumps(list(targets))):
        changes[row.conversation_id, row.refers_to].append(row)
    if not changes:
        return set()
    changed = set()
    wanted = sorted({provider_id for _, provider_id in changes})
    for row in connection.execute(_TARGETS, {"mentorado_id": mentorado_id, "targets": dumps(wanted)}).all():
        is_now = _outcome(row, changes.get((row.conversation_id, row.provider_id), ()))
        if is_now != {name: getattr(row, name) for name in is_now}:
            connection.execute(message.update().where(message.c.number == row.number).values(**is_now))
            changed.add(row.conversation_id)
    return changed


def _outcome(target: Row[Any], changes: Iterable[Row[Any]]) -> dict[str, Any]:
    allowed = [change for change in changes if _is_permitted(change, target)]
    edits = [change for change in allowed if change.kind == MessageKind.EDIT]
    edit = max(edits, key=lambda change: (change.sent_at, change.number), default=None)
    revocations = [change.sent_at for change in allowed if change.kind == MessageKind.REVOCATION]
    return {
        "edited_text": None if edit is None else edit.text,
        "edited_at": None if edit is None else edit.sent_at,
        "revoked_at": min(revocations, default=None),
    }


def _is_permitted(change: Row[Any], target: Row[Any]) -> bool:
    """Authors change what they wrote. In a group its admins may revoke what others wrote: who is one is not known here,
    except that the mentorado's own phone offers it to admins only."""
    if change.from_me or target.from_me:
        admin = bool(target.many) and change.kind == MessageKind.REVOCATION
        return bool(change.from_me and (target.from_me or admin))
    return bool(change.sender_id == target.sender_id and (change.sender_id or not target.many))


END: Final = 200  # messages
BACKLOG: Final = 10_000
"""Messages of one conversation over WhatsApp Web that can be put in order; more wait at the server for nobody."""

_ORDER: Final = ("sent_at", "provider_id")
_ORDER_COLUMNS: Final = [column for column in message.c if column.name != "number"]
_END_OF_IT = (
    select(message.c.number, message.c.link_id, message.c.sent_at, message.c.provider_id)
    .where(message.c.conversation_id == bindparam("conversation_id"), message.c.shown)
    .order_by(message.c.number.desc())
    .limit(END)
    .subquery()
)
_TAIL = select(_END_OF_IT).where(_END_OF_IT.c.link_id == bindparam("link_id")).order_by(_END_OF_IT.c.number)
_LATE_ROWS = message.c.number.in_(json_list_param("numbers"))


def _out_of_order() -> Select[int]:
    """A row that was sent before the one above it: the database finds out, and hands nothing over otherwise."""
    tail = _TAIL.subquery()
    above = (func.lag(tail.c[name]).over(order_by=tail.c.number).label(f"{name}_above") for name in _ORDER)
    each = select(*(tail.c[name] for name in _ORDER), *above).subquery()
    earlier = each.c.sent_at < each.c.sent_at_above
    same_time = each.c.sent_at == each.c.sent_at_above
    return select(literal(1)).where(earlier | (same_time & (each.c.provider_id < each.c.provider_id_above))).limit(1)


_DISORDER: Final = _out_of_order()


def reorder_tail(
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


_ARRIVING = func.json_each(bindparam("arriving")).table_valued("key", "value")
_LAST_SENT = (
    select(message.c.sent_at)
    .where(message.c.conversation_id == _ARRIVING.c.key, message.c.shown)
    .order_by(message.c.number.desc())
    .limit(1)
    .scalar_subquery()
)
_LATE = PreparedSelect(select(_ARRIVING.c.key).where(_ARRIVING.c.value < _LAST_SENT))


def late_conversations(
    connection: Connection, arriving: Mapping[ConversationId, Sequence[str]]
) -> dict[ConversationId, int]:
    """How many messages each conversation of an only link is about to get, if they do not all follow what is there.

    *arriving* tells when they were sent, as `UtcTime` stores it, in the order in which they will be stored.
    """
    first = {conversation_id: moments[0] for conversation_id, moments in arriving.items()}
    late = {row.key for row in _LATE.rows(connection, arriving=dumps(first))}
    return {
        conversation_id: len(moments)
        for conversation_id, moments in arriving.items()
        if conversation_id in late or (len(moments) > 1 and moments != sorted(moments))
    }


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


_ENDS = (
    select(message.c.number, message.c.link_id, message.c.sent_at, message.c.provider_id)
    .where(message.c.conversation_id == bindparam("conversation_id"), message.c.shown)
    .order_by(message.c.number.desc())
    .limit(bindparam("most"))
)


def put_links_in_place(
    connection: Connection, grown: Mapping[ConversationId, int], at: datetime, unordered: LinkId | None
) -> None:
    """Order what came over several links by when it was sent, and within a second by when it came.

    What came over the link *unordered* is ordered by its ids within a second. *grown* is as above.
    """
    for conversation_id, count in sorted(grown.items()):
        most = max(END, count + 1)
        moved = _misplaced(connection, conversation_id, most, unordered)
        if len(moved) == most and unordered is None:  # it may belong further up
            moved = _misplaced(connection, conversation_id, max(BACKLOG, count + 1), unordered)
        if moved:
            _move(connection, moved, at)


def _misplaced(
    connection: Connection, conversation_id: ConversationId, most: int, unordered: LinkId | None
) -> list[int]:
    """The messages at the end of a conversation from the first that is not in its place, in the right order."""
    rows = connection.execute(_ENDS, {"conversation_id": conversation_id, "most": most}).all()[::-1]
    is_now = [row.number for row in rows]
    right = [row.number for row in _in_order(rows, unordered)]
    place = next((place for place, number in enumerate(is_now) if number != right[place]), len(right))
    return right[place:]


def _in_order(rows: Sequence[Any], unordered: LinkId | None) -> list[Any]:
    ordered = sorted(rows, key=lambda row: (row.sent_at, row.number))
    theirs = [place for place, row in enumerate(ordered) if row.link_id == unordered]
    by_id = sorted((ordered[place] for place in theirs), key=lambda row: (row.sent_at, row.provider_id))
    for place, row in zip(theirs, by_id, strict=True):
        ordered[place] = row
    return ordered


def _move(connection: Connection, moved: Sequence[int], at: datetime) -> None:
    """Store the messages with the numbers *moved* anew, in this order, behind all others."""
    numbers = {"numbers": dumps(moved)}
    rows = {row.number: row for row in connection.execute(message.select().where(_LATE_ROWS), numbers)}
    # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
    connection.execute(delete(message).where(_LATE_ROWS), numbers)
    again = [{column.name: getattr(rows[number], column.name) for column in _ORDER_COLUMNS} for number in moved]
    connection.execute(message.insert(), [{**each, "stored_at": at} for each in again])


_AT_ONCE = 1_000
"""Messages in memory, however many were stored in the same moment."""

_COLUMNS = [column for column in message.c if column.name != "number"]


def put_in_order(connection: Connection, mentorado_id: MentoradoId) -> None:
    """Renumber what is out of its place, in the caller's transaction. Repeated, it changes nothing."""
    numbers = _out_of_place(connection, mentorado_id)
    for start in range(0, len(numbers), _AT_ONCE):
        these = dumps(numbers[start : start + _AT_ONCE].tolist())
        moved = message.c.number.in_(json_list_param("numbers"))
        some = message.select().where(moved).order_by(message.c.stored_at, message.c.number)
        rows = connection.execute(some, {"numbers": these}).all()
        # Deleting takes them out of the search, too; under their new numbers they are waiting for it.
        connection.execute(delete(message).where(moved), {"numbers": these})
        connection.execute(message.insert(), [{c.name: getattr(row, c.name) for c in _COLUMNS} for row in rows])


def _out_of_place(connection: Connection, mentorado_id: MentoradoId) -> array[int]:
    """The numbers of the messages to move, in storage order."""
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
