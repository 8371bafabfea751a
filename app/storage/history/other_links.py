"""Recognises messages that another link of the same mentorado reported before.

While a provider switch is under way, two links of one WhatsApp number are connected, and both tell of everything that
is said. A message stays stored as the first of them told of it, and the id under which the other tells of it is kept.

WhatsApp Web and Z-API name a message by the id that WhatsApp gave it. Meta gives it an id of its own, and tells nothing
else that identifies it: there, the same content in the same second of one conversation is taken for the same message.
That is a judgement and not a fact. It errs only where each side missed one of two equal messages of one second; what is
lost then is a repetition.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from datetime import datetime
from json import dumps
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select

from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.messages import REFERRING, MessageKind
from app.storage.columns import utc_text
from app.storage.history.contacts import chunks, json_list_param
from app.storage.prepared import PreparedSelect
from app.storage.tables import conversation, link, message, message_alias

_OUR_WORDS: Final = frozenset(
    {
        MessageKind.LOCATION,
        MessageKind.CONTACT,
        MessageKind.POLL,
        MessageKind.EVENT,
        MessageKind.PAYMENT,
        MessageKind.CALL,
        MessageKind.MISSED_CALL,
    }
)
"""Kinds whose text is put together here from what a provider tells, and differs between them."""

_CAME_BY: Final = "\n\u2197 "
"""Begins the line that says through which advertisement a person came, which every provider tells in its own way."""

STORED_COLUMNS: Final = (
    message.c.number,
    message.c.link_id,
    message.c.provider_id,
    message.c.conversation_id,
    message.c.kind,
    message.c.delivery,
    message.c.failure,
    message.c.from_me,
    message.c.sender_id,
    message.c.sent_at,
)
"""What is asked of a stored message when its provider tells of it again."""

_LINKS = PreparedSelect(select(link.c.id, link.c.provider).where(link.c.mentorado_id == bindparam("mentorado_id")))
_IDS = json_list_param("provider_ids")
_BY_ID = select(*STORED_COLUMNS).where(message.c.link_id.in_(json_list_param("links")), message.c.provider_id.in_(_IDS))
_BY_ALIAS = (
    select(message_alias.c.link_id.label("alias_link"), message_alias.c.provider_id.label("alias_id"), *STORED_COLUMNS)
    .join(
        message,
        and_(message.c.link_id == message_alias.c.of_link_id, message.c.provider_id == message_alias.c.of_provider_id),
    )
    .where(message_alias.c.link_id.in_(json_list_param("links")), message_alias.c.provider_id.in_(_IDS))
)
_KNOWN_TO_SIDE = select(message_alias.c.provider_id).where(
    message_alias.c.of_link_id == message.c.link_id,
    message_alias.c.of_provider_id == message.c.provider_id,
    message_alias.c.link_id.in_(json_list_param("side")),
)
# The links are compared outside: SQLite would go through all their messages instead of the conversations'.
_ALIKE = (
    select(*STORED_COLUMNS, message.c.text, message.c.has_media, message.c.refers_to, message.c.stored_at)
    .where(
        message.c.conversation_id.in_(json_list_param("conversations")),
        message.c.sent_at.between(bindparam("earliest", type_=message.c.sent_at.type), bindparam("latest")),
        func.substr(message.c.sent_at, 1, 19).in_(json_list_param("seconds")),
        ~_KNOWN_TO_SIDE.exists(),
    )
    .order_by(message.c.number)
)
_REFERRING_TO = message.update().where(
    message.c.refers_to == bindparam("alias_id"),
    message.c.conversation_id.in_(select(conversation.c.id).where(conversation.c.mentorado_id == bindparam("whose"))),
)


def second_of(moment: datetime) -> str:
    """The second of *moment*, as text: some providers report fractions of it, others none."""
    return utc_text(moment)[:19]


def is_meta(provider: str) -> bool:
    """Whether the ids of messages are Meta's, and not WhatsApp's own."""
    return provider == ProviderKind.META_CLOUD


class OtherLinks:
    """The links of a mentorado beside the one that reports something; false where there is none."""

    def __init__(self, connection: Connection, mentorado: Mentorado) -> None:
        self._connection = connection
        self._mentorado_id = mentorado.id
        self._own = mentorado.link.id
        providers = {row.id: row.provider for row in _LINKS.rows(connection, mentorado_id=mentorado.id)}
        self._others = [each for each in providers if each != self._own]
        meta = is_meta(mentorado.link.provider)
        self._side = [each for each, provider in providers.items() if is_meta(provider) is meta]
        self._other_side = {each for each in self._others if is_meta(providers[each]) is not meta}
        self._remembered: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._others)

    @property
    def ids(self) -> list[str]:
        return [self._own, *self._others]

    def is_remembered(self, provider_id: str) -> bool:
        """Whether it is stored already that this link reports that message under this id, too."""
        return provider_id in self._remembered

    def find(self, provider_ids: Collection[str]) -> dict[str, Row[Any]]:
        """Messages that were stored through other links, by the ids under which this link or another reports them."""
        if not self._others or not provider_ids:
            return {}
        found: dict[str, Row[Any]] = {}
        for some in chunks(provider_ids):
            given = {"links": dumps(self.ids), "provider_ids": dumps(some)}
            aliases = self._connection.execute(_BY_ALIAS, given).all()
            by_id = self._connection.execute(_BY_ID, {"links": dumps(self._others), "provider_ids": dumps(some)})
            found |= {row.alias_id: row for row in aliases if row.alias_link != self._own}
            found |= {row.provider_id: row for row in by_id}
            own = {row.alias_id: row for row in aliases if row.alias_link == self._own}
            self._remembered |= own.keys()
            found |= own
        return found

    def names_of(self, provider_ids: Collection[str]) -> dict[str, str]:
        """The ids under which messages are stored, by other ids under which they were reported."""
        found: dict[str, str] = {}
        for some in chunks(provider_ids):
            aliases = self._connection.execute(_BY_ALIAS, {"links": dumps(self.ids), "provider_ids": dumps(some)})
            for row in sorted(aliases, key=lambda row: row.alias_link == self._own):
                found[row.alias_id] = row.provider_id
        return found

    def alike(self, reported: Mapping[str, Mapping[str, Any]]) -> dict[str, Row[Any]]:
        """The stored messages that those *reported*, by their ids, are judged to be: across Meta and another one."""
        return alike(self._connection, reported, self._side, self._other_side)

    def remember(self, same: Mapping[str, Row[Any]], at: datetime) -> set[str]:
        """Store that this link reports those stored messages under these ids; returns their own ids.

        What already refers to one of them under its other id refers to it by its own from now on.
        """
        if same:
            rows = [
                {
                    "link_id": self._own,
                    "provider_id": each,
                    "of_link_id": row.link_id,
                    "of_provider_id": row.provider_id,
                    "stored_at": at,
                }
                for each, row in same.items()
            ]
            for some in chunks(same):  # there is one only where what it stood for is gone
                again = (message_alias.c.link_id == self._own) & message_alias.c.provider_id.in_(some)
                self._connection.execute(delete(message_alias).where(again))
            self._connection.execute(message_alias.insert(), rows)
        for each, row in same.items():
            refer_to(self._connection, self._mentorado_id, each, row.provider_id)
        self._remembered |= same.keys()
        return {row.provider_id for row in same.values()}

    def replace(self, placeholder: Row[Any], by: Row[Any], at: datetime) -> None:
        """Remove what could not be decrypted, once its readable form turned out to be stored already."""
        this = and_(
            message_alias.c.of_link_id == placeholder.link_id,
            message_alias.c.of_provider_id == placeholder.provider_id,
        )
        same = {"of_link_id": by.link_id, "of_provider_id": by.provider_id}
        self._connection.execute(message_alias.update().where(this).values(**same))
        self._connection.execute(delete(message).where(message.c.number == placeholder.number))
        alias = {"link_id": placeholder.link_id, "provider_id": placeholder.provider_id, "stored_at": at}
        self._connection.execute(message_alias.insert().values(**alias, **same))
        refer_to(self._connection, self._mentorado_id, placeholder.provider_id, by.provider_id)


def alike(
    connection: Connection,
    reported: Mapping[str, Mapping[str, Any]],
    side: Collection[str],
    other_side: Collection[str],
) -> dict[str, Row[Any]]:
    """The messages stored over the links *other_side* that those *reported* over the links *side* are judged to be.

    Each stands for one message of *side*, so that what was said twice in one second stays said twice.
    """
    reported = {each: row for each, row in reported.items() if row["kind"] != MessageKind.UNREADABLE}
    if not reported or not other_side:
        return {}
    moments = [row["sent_at"].replace(microsecond=0) for row in reported.values()]
    given = {
        "conversations": dumps(sorted({row["conversation_id"] for row in reported.values()})),
        "seconds": dumps(sorted({second_of(each) for each in moments})),
        "earliest": min(moments),
        "latest": max(moments).replace(microsecond=999_999),
        "side": dumps([*side]),
    }
    free: defaultdict[tuple[Any, ...], deque[Any]] = defaultdict(deque)
    for row in connection.execute(_ALIKE, given):
        if row.link_id in other_side:
            free[_content(dict(row._mapping))].append(row)  # noqa: SLF001 - public, in spite of its name
    same = {each: free[content] for each, row in reported.items() if (content := _content(row)) in free}
    return {each: rows.popleft() for each, rows in same.items() if rows}


def refer_to(connection: Connection, mentorado_id: MentoradoId, alias_id: str, stored_as: str) -> None:
    """Let what refers to a message by another of its ids refer to it by the one that it is stored under."""
    if alias_id != stored_as:
        given = {"alias_id": alias_id, "whose": mentorado_id}
        connection.execute(_REFERRING_TO.values(refers_to=stored_as), given)


def _content(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two providers report alike of one message."""
    referring = row["kind"] in REFERRING
    return (
        row["conversation_id"],
        bool(row["from_me"]),
        row["sender_id"],
        second_of(row["sent_at"]),
        row["kind"],
        None if row["kind"] in _OUR_WORDS else f"\n{row['text']}".partition(_CAME_BY)[0],
        bool(row["has_media"]),
        row["refers_to"] if referring else None,
    )


def forget_aliases(connection: Connection, mentorado_id: MentoradoId | None = None) -> None:
    """Remove the other ids of messages that are not stored any more: Meta's contain a phone number."""
    stored = select(message.c.number).where(
        message.c.link_id == message_alias.c.of_link_id, message.c.provider_id == message_alias.c.of_provider_id
    )
    gone = delete(message_alias).where(~stored.exists())
    if mentorado_id is not None:
        gone = gone.where(message_alias.c.link_id.in_(select(link.c.id).where(link.c.mentorado_id == mentorado_id)))
    connection.execute(gone)
