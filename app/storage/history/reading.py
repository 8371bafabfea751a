"""Reads conversations as people see them: edits folded in, reactions collected, what is quoted beside the answer."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from json import dumps
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select

from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.messages import (
    Address,
    AddressKind,
    ContactId,
    Conversation,
    ConversationId,
    ConversationRef,
    Correspondent,
    DeliveryStatus,
    HistoryStats,
    LastMessages,
    Media,
    MessageKind,
    StoredMessage,
)
from app.storage.database import stored_address
from app.storage.history.contacts import address_rank, addresses_by_contact, display_name_from, json_list_param
from app.storage.prepared import PreparedSelect
from app.storage.rows import count, plain, readable
from app.storage.tables import contact, contact_address, conversation, link, message

# Statements of the hot path are made once: making them takes longer than executing them.
_PAGE = PreparedSelect(
    select(message)
    .where(
        message.c.conversation_id == bindparam("conversation_id"),
        message.c.shown,
        message.c.number < bindparam("before"),
    )
    .order_by(message.c.number.desc())
    .limit(bindparam("limit"))
)
_LIVING = PreparedSelect(select(conversation.c.merged_into).where(conversation.c.id == bindparam("conversation_id")))
_THOSE = json_list_param("those")
_NUMBERED = PreparedSelect(select(message).where(message.c.number.in_(_THOSE)).order_by(message.c.number.desc()))
_REACTING = PreparedSelect(
    select(message)
    .where(message.c.refers_to.in_(_THOSE), message.c.kind == MessageKind.REACTION.value)
    .order_by(message.c.sent_at, message.c.number)
)
_REVOKING = PreparedSelect(
    select(message.c.conversation_id, message.c.refers_to).where(
        message.c.refers_to.in_(_THOSE), message.c.kind == MessageKind.REVOCATION.value
    )
)
_END = 2**62
_KINDS = frozenset(MessageKind)
_DELIVERIES = frozenset(DeliveryStatus)
_CONFIRMED = [each.value for each in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ)]


def messages(
    connection: Connection, conversation_id: ConversationId, before: int | None, limit: int
) -> Sequence[StoredMessage]:
    there, upper = _current_id(connection, conversation_id), _END if before is None else before
    return _messages_from_rows(connection, _PAGE.rows(connection, conversation_id=there, before=upper, limit=limit))


def by_numbers(connection: Connection, numbers: Collection[int]) -> Sequence[StoredMessage]:
    """The newest first."""
    return _messages_from_rows(connection, _NUMBERED.rows(connection, those=dumps([*numbers])))


def export(
    connection: Connection, mentorado_id: MentoradoId, contact_id: ContactId | None, after: int, limit: int
) -> Sequence[StoredMessage]:
    """All that is kept, oldest first, and also the messages that only change others."""
    theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
    wanted: ColumnElement[bool]
    if contact_id is None:
        wanted = message.c.conversation_id.in_(theirs)
    else:
        merged = select(contact.c.merged_into).where(contact.c.id == contact_id, contact.c.mentorado_id == mentorado_id)
        who = connection.execute(merged).scalar() or contact_id
        wanted = message.c.conversation_id.in_(theirs.where(conversation.c.contact_id == who))
        wanted |= (message.c.sender_id == who) & message.c.conversation_id.in_(theirs)
    page = select(message).where(message.c.number > after, wanted).order_by(message.c.number).limit(limit)
    return _messages_from_rows(connection, connection.execute(page).all())


def conversations(connection: Connection, mentorado_id: MentoradoId) -> Sequence[Conversation]:
    living = (conversation.c.mentorado_id == mentorado_id) & conversation.c.merged_into.is_(None)
    counted = (
        select(message.c.conversation_id, func.count().label("messages"), func.max(message.c.number).label("last"))
        .where(message.c.conversation_id.in_(select(conversation.c.id).where(living)), message.c.shown)
        .group_by(message.c.conversation_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            conversation.c.id,
            conversation.c.contact_id,
            contact.c.name,
            contact.c.many,
            counted.c.messages,
            func.coalesce(message.c.edited_text, message.c.text).label("last_text"),
            message.c.revoked_at,
            message.c.sent_at,
        )
        .join(counted, counted.c.conversation_id == conversation.c.id)
        .join(message, message.c.number == counted.c.last)
        .join(contact, contact.c.id == conversation.c.contact_id)
        .order_by(counted.c.last.desc())
    ).all()
    addresses = addresses_by_contact(connection, mentorado_id)
    return [
        Conversation(
            id=row.id,
            mentorado_id=mentorado_id,
            title=plain(row.name) or next(map(display_name_from, addresses[row.contact_id]), ""),
            addresses=tuple(addresses[row.contact_id]),
            is_group=bool(row.many),
            messages=row.messages,
            last_text="" if row.revoked_at else plain(row.last_text),
            last_at=row.sent_at,
        )
        for row in rows
    ]


def extent(connection: Connection, mentorado_id: MentoradoId) -> HistoryStats:
    theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
    row = connection.execute(
        select(
            func.count().label("messages"),
            func.count(message.c.conversation_id.distinct()).label("conversations"),
            func.min(message.c.sent_at).label("since"),
        ).where(message.c.conversation_id.in_(theirs), message.c.shown)
    ).one()
    return HistoryStats(messages=row.messages, conversations=row.conversations, since=row.since)


def last_messages(connection: Connection, mentorado_id: MentoradoId) -> LastMessages:
    def newest(*which: ColumnElement[bool]) -> datetime | None:
        theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
        found = select(func.max(message.c.sent_at)).where(message.c.conversation_id.in_(theirs), *which)
        return connection.execute(found).scalar()

    return LastMessages(
        received=newest(~message.c.from_me, message.c.shown),
        confirmed=newest(message.c.from_me, message.c.delivery.in_(_CONFIRMED)),
    )


def total(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(message)).scalar_one()


def contacts(connection: Connection, mentorado_id: MentoradoId) -> int:
    theirs = select(func.count()).where(contact.c.mentorado_id == mentorado_id, contact.c.merged_into.is_(None))
    return connection.execute(theirs).scalar_one()


def _current_id(connection: Connection, conversation_id: ConversationId) -> ConversationId:
    """The conversation that *conversation_id* leads to since it was merged, or itself."""
    found = _LIVING.rows(connection, conversation_id=conversation_id)
    return ConversationId(found[0].merged_into) if found and found[0].merged_into else conversation_id


def correspondent(connection: Connection, conversation_id: ConversationId) -> Correspondent | None:
    """The mentorado of a conversation, and all addresses of the other side."""
    columns = (conversation.c.mentorado_id, conversation.c.contact_id, contact.c.many)
    known = select(*columns).join(contact, contact.c.id == conversation.c.contact_id)
    living = _current_id(connection, conversation_id)
    row = connection.execute(known.where(conversation.c.id == living)).one_or_none()
    if row is None:
        return None
    theirs = contact_address.select().where(contact_address.c.contact_id == row.contact_id)
    found = connection.execute(theirs.order_by(contact_address.c.key))
    made = readable("contact_address", found, lambda each: Address(AddressKind(each.kind), plain(each.value)))
    return Correspondent(mentorado_id=row.mentorado_id, addresses=tuple(made), is_group=bool(row.many))


def _messages_from_rows(connection: Connection, rows: Sequence[Row[Any]]) -> list[StoredMessage]:
    those = dumps([row.provider_id for row in rows], default=str)  # whatever is in a damaged file
    reactions = _reactions(connection, those)
    quoted = _quoted_texts(connection, rows)
    asked = {tuple(row) for row in _REVOKING.rows(connection, those=those)}

    def message_from_row(row: Row[Any]) -> StoredMessage:
        return StoredMessage(
            number=row.number,
            conversation_id=row.conversation_id,
            link_id=row.link_id,
            provider=ProviderKind(row.provider),
            provider_id=row.provider_id,
            from_me=row.from_me,
            sender_name=plain(row.sender_name),
            kind=MessageKind(row.kind) if row.kind in _KINDS else MessageKind.OTHER,
            text=plain(row.text if row.edited_text is None else row.edited_text),
            original_text=plain(row.text),
            media=_media(row),
            reactions=reactions.get((row.conversation_id, row.provider_id), ()),
            quoted_text=quoted.get(row.number),
            sent_at=row.sent_at,
            received_at=row.received_at,
            stored_at=row.stored_at,
            delivery=DeliveryStatus(row.delivery) if row.delivery in _DELIVERIES else None,
            failure=plain(row.failure) if row.delivery == DeliveryStatus.FAILED else "",
            edited_at=row.edited_at,
            revoked_at=row.revoked_at,
            revocation_asked=row.revoked_at is None and (row.conversation_id, row.provider_id) in asked,
        )

    return list(readable("message", rows, message_from_row))


def _media(row: Row[Any]) -> Media | None:
    if not row.has_media:
        return None
    size, seconds = count(row.media_size), count(row.media_seconds)
    return Media(mime=plain(row.media_mime), name=plain(row.media_name), size=size, seconds=seconds)


def _reactions(connection: Connection, those: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The last reaction of each sender that was not taken back."""
    last: defaultdict[tuple[str, str], dict[tuple[bool, str | None], str]] = defaultdict(dict)
    for row in _REACTING.rows(connection, those=those):
        signs = last[row.conversation_id, row.refers_to]
        reactor = (row.from_me, row.sender_id)
        signs.pop(reactor, None)  # so that the order is the one in which the signs were given
        signs[reactor] = plain(row.text)
    return {target: tuple(sign for sign in signs.values() if sign) for target, signs in last.items()}


def _quoted_texts(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """What each message answers to; it may be in another conversation of the same mentorado."""
    answers = [row for row in rows if row.refers_to and row.shown]
    if not answers:
        return {}
    sibling = link.alias()
    same = select(sibling.c.id).where(sibling.c.mentorado_id == link.c.mentorado_id)
    wanted = sorted({row.refers_to for row in answers})
    original = message.alias()
    found = (
        select(
            link.c.id.label("link_id"),
            original.c.provider_id,
            func.coalesce(original.c.edited_text, original.c.text).label("text"),
        )
        .join_from(link, original, original.c.link_id.in_(same))
        .where(link.c.id.in_({row.link_id for row in answers}), original.c.provider_id.in_(wanted))
    )
    texts = {(row.link_id, row.provider_id): row.text for row in connection.execute(found)}
    return {row.number: plain(texts[key]) for row in answers if (key := (row.link_id, row.refers_to)) in texts}


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
) -> dict[ConversationId, ConversationRef]:
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
        lambda row: (row.contact_id, stored_address(row)),
    )
    ranked = sorted(found, key=lambda one: address_rank(one[1]), reverse=True)
    best = {who: display_name_from(address) for who, address in ranked}
    return {
        row.id: ConversationRef(
            id=row.id,
            mentorado_id=row.mentorado_id,
            title=plain(row.name) or best.get(row.contact_id, ""),
            is_group=bool(row.many),
        )
        for row in rows
    }


_WORDS = "text, file, owner, content='', detail='none', tokenize='unicode61 remove_diacritics 2'"
"""What an entry of the index consists of, and how it is split into words."""

_AT_ONCE = 1_000
"""Messages in memory while what is not indexed yet is searched."""

_OWNER = "\ue000"  # as in the view `message_words`

_NO_LETTERS = frozenset(map(chr, (*range(0x19B0, 0x19CA), 0x1CF2, 0x1CF3)))
"""Letters to Python but not to SQLite's older table of signs; a word with one inside would be an error to it."""


def waiting(connection: Connection, most: int) -> int:
    """How many messages are not indexed yet; no more than *most* are counted."""
    behind = "SELECT count(*) FROM (SELECT 1 FROM message WHERE number > (SELECT number FROM search_mark) LIMIT ?)"
    return int(connection.exec_driver_sql(behind, (most,)).scalar_one())


def newest_number(connection: Connection) -> int:
    return connection.execute(select(func.max(message.c.number))).scalar() or 0


def index(connection: Connection, limit: int) -> int:
    """Take the next *limit* messages into the index and move the mark; returns up to where everything is indexed."""
    mark: int = connection.exec_driver_sql("SELECT number FROM search_mark").scalar_one()
    last: int | None = connection.exec_driver_sql(
        "SELECT max(number) FROM (SELECT number FROM message WHERE number > ? ORDER BY number LIMIT ?)", (mark, limit)
    ).scalar_one()
    if last is None:
        return _END
    connection.exec_driver_sql(
        "INSERT INTO message_fts (rowid, text, file, owner) SELECT number, text, file, owner FROM message_words"
        " WHERE number > ? AND number <= ?",
        (mark, last),
    )
    connection.exec_driver_sql("UPDATE search_mark SET number = ?", (last,))
    return last


def search(
    connection: Connection,
    text: str,
    mentorado_id: MentoradoId | None,
    before: int | None,
    limit: int,
    *,
    indexed: bool = True,
) -> Sequence[StoredMessage]:
    """Not *indexed*, all messages are searched as they are."""
    wanted = expression(text, mentorado_id)
    if wanted is None:
        return []
    upper = _END if before is None else before
    mark: int = connection.exec_driver_sql("SELECT number FROM search_mark").scalar_one() if indexed else -1
    numbers = _unindexed(connection, wanted, mark, upper, limit)  # they are newer than all that is indexed
    if indexed and len(numbers) < limit:
        found = "SELECT rowid FROM message_fts WHERE message_fts MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
        rest = connection.exec_driver_sql(found, (wanted, upper, limit - len(numbers)))
        numbers += rest.scalars().all()
    return by_numbers(connection, numbers)


def _unindexed(connection: Connection, wanted: str, mark: int, upper: int, limit: int) -> list[int]:
    """The newest messages above *mark* and below *upper* that match, by an index in memory like the file's."""
    found: list[int] = []
    later = (
        "SELECT number, text, file, owner FROM message_words WHERE number < ? AND number > ?"
        " ORDER BY number DESC LIMIT ?"
    )
    while len(found) < limit and (rows := connection.exec_driver_sql(later, (upper, mark, _AT_ONCE)).all()):
        with closing(sqlite3.connect(":memory:")) as memory:
            memory.execute(f"CREATE VIRTUAL TABLE word USING fts5({_WORDS})")
            memory.executemany("INSERT INTO word (rowid, text, file, owner) VALUES (?, ?, ?, ?)", map(tuple, rows))
            matching = "SELECT rowid FROM word WHERE word MATCH ? ORDER BY rowid DESC LIMIT ?"
            found += [number for (number,) in memory.execute(matching, (wanted, limit - len(found)))]
        upper = rows[-1].number
    return found


def expression(text: str, mentorado_id: MentoradoId | None = None) -> str | None:
    """What people typed, in the language of the index: all the words, the last perhaps unfinished.

    Nothing of it is taken for syntax: only letters and digits are left, in quotes. None when no word is left.
    """
    words = _words(text)
    if not words:
        return None
    terms = [f'"{word}"' for word in words]
    if text[-1:] == text[-1:].strip():  # a space after the last word ends it
        terms[-1] += " *"
    if mentorado_id is not None:
        terms.insert(0, f'"{_OWNER}{mentorado_id}"')
    return " AND ".join(terms)


def _words(text: str) -> list[str]:
    """Split as the index does: into letters and digits, whose accents it ignores."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not "\u0300" <= letter <= "\u036f")
    letters = unicodedata.normalize("NFC", plain)
    return "".join(letter if _is_indexed(letter) else " " for letter in letters).split()


def _is_indexed(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN" and letter not in _NO_LETTERS
