"""Dumps a history as plain rows: contacts before their messages, in the order of storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, func, select

from app.domain.mentorado import MentoradoId
from app.storage import notes
from app.storage.columns import utc_text
from app.storage.history import ledger
from app.storage.history.contacts import chunks
from app.storage.tables import (
    contact,
    contact_address,
    conversation,
    early_receipt,
    link,
    message,
    message_alias,
    suppression,
)

PlainRow = dict[str, object]

_MESSAGE_COLUMNS: Final = (
    "link_id",
    "provider",
    "provider_id",
    "from_me",
    "sender_id",
    "sender_name",
    "text",
    "refers_to",
)
_MEDIA: Final = ("mime", "name", "size", "seconds")
_TIMES: Final = ("sent_at", "received_at", "stored_at", "edited_at", "revoked_at")


def counts(connection: Connection, mentorado_id: MentoradoId) -> dict[str, int]:
    """The number of rows of each kind, without the former names of merged contacts."""
    theirs = select(conversation.c.id).where(conversation.c.mentorado_id == mentorado_id)
    links = select(link.c.id).where(link.c.mentorado_id == mentorado_id)
    these = {
        "contact": _living(contact, mentorado_id),
        "conversation": _living(conversation, mentorado_id),
        "message": select(message.c.number).where(message.c.conversation_id.in_(theirs)),
        "suppression": select(suppression.c.hash).where(suppression.c.mentorado_id == mentorado_id),
        "early_receipt": select(early_receipt.c.provider_id).where(early_receipt.c.link_id.in_(links)),
    }
    counted: dict[str, int] = {
        kind: connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
        for kind, rows in these.items()
    }
    return counted | {
        "consents": sum(1 for _ in ledger.dumped(connection, mentorado_id)),
        "note": len(notes.dumped(connection, mentorado_id)),
    }


class HistoryReader:
    """One way through a history. Each piece is read by itself, so that other work goes on in between.

    People are told when something they said is told, as they are at that moment: so it does no harm that two of them
    turn out to be one meanwhile. What arrives after the beginning is left out.
    """

    def __init__(self, mentorado_id: MentoradoId, size: int) -> None:
        self._mentorado_id = mentorado_id
        self._size = size
        self._after, self._up_to = 0, -1
        self._contact_ids: set[str] = set()  # that were told
        self._conversation_ids: set[str] = set()
        self._rest: list[Callable[[Connection], list[PlainRow]]] = [
            self._contacts_without_messages,
            partial(self._former_ids, table=contact, kind="former_contact"),
            partial(self._former_ids, table=conversation, kind="former_conversation"),
            self._suppressions,
            self._early_receipts,
            lambda connection: [*ledger.dumped(connection, mentorado_id)],
            lambda connection: notes.dumped(connection, mentorado_id),
        ]

    @property
    def ended(self) -> bool:
        return not self._rest

    def next_batch(self, connection: Connection) -> list[PlainRow]:
        """The next piece, in one transaction. It may be empty."""
        if self._up_to < 0:
            self._up_to = connection.execute(select(func.coalesce(func.max(message.c.number), 0))).scalar_one()
        if self._after < self._up_to:
            return self._messages(connection)
        return self._rest.pop(0)(connection)

    def _messages(self, connection: Connection) -> list[PlainRow]:
        theirs = select(conversation.c.id).where(conversation.c.mentorado_id == self._mentorado_id)
        piece = select(message).where(
            message.c.number > self._after, message.c.number <= self._up_to, message.c.conversation_id.in_(theirs)
        )
        rows = connection.execute(piece.order_by(message.c.number).limit(self._size)).all()
        self._after = rows[-1].number if len(rows) == self._size else self._up_to
        talks = _by_ids(connection, conversation, {row.conversation_id for row in rows} - self._conversation_ids)
        speakers = {row.sender_id for row in rows if row.sender_id is not None}
        people = self._contacts(connection, speakers | {talk.contact_id for talk in talks})
        aliases = _aliases(connection, rows)
        messages = (_message_row(row, aliases[row.link_id, row.provider_id]) for row in rows)
        return [*people, *self._conversations(talks), *messages]

    def _contacts_without_messages(self, connection: Connection) -> list[PlainRow]:
        """Contacts without messages, whose addresses are known."""
        people = connection.execute(_living(contact, self._mentorado_id)).scalars().all()
        talks = _by_ids(
            connection, conversation, connection.execute(_living(conversation, self._mentorado_id)).scalars()
        )
        return [*self._contacts(connection, people), *self._conversations(talks)]

    def _contacts(self, connection: Connection, contact_ids: Iterable[str]) -> list[PlainRow]:
        new = sorted(set(contact_ids) - self._contact_ids)
        self._contact_ids.update(new)
        people: list[PlainRow] = []
        for some in chunks(new):
            addresses: defaultdict[str, list[list[str]]] = defaultdict(list)
            theirs = contact_address.select().where(contact_address.c.contact_id.in_(some))
            for row in connection.execute(theirs.order_by(contact_address.c.key)):
                addresses[row.contact_id].append([row.kind, row.value])
            last = _last_seen(connection, some)
            people += [
                {
                    "kind": "contact",
                    "id": row.id,
                    "many": row.many,
                    "name": row.name,
                    "named_at": _id_text(row.named_at),
                    "created_at": _id_text(row.created_at),
                    "last_at": _id_text(last.get(row.id)),
                    "addresses": addresses[row.id],
                }
                for row in _by_ids(connection, contact, some)
            ]
        return people

    def _conversations(self, rows: Iterable[Row[Any]]) -> Iterator[PlainRow]:
        for row in rows:
            if row.id in self._conversation_ids:
                continue
            self._conversation_ids.add(row.id)
            created_at = _id_text(row.created_at)
            yield {"kind": "conversation", "id": row.id, "contact_id": row.contact_id, "created_at": created_at}

    def _former_ids(self, connection: Connection, *, table: Table, kind: str) -> list[PlainRow]:
        """Former ids that may still be in use, and the ids they lead to."""
        merged = table.select().where(table.c.mentorado_id == self._mentorado_id, table.c.merged_into.is_not(None))
        return [
            {"kind": kind, "id": row.id, "now": row.merged_into, "created_at": _id_text(row.created_at)}
            for row in connection.execute(merged.order_by(table.c.id))
        ]

    def _suppressions(self, connection: Connection) -> list[PlainRow]:
        theirs = suppression.select().where(suppression.c.mentorado_id == self._mentorado_id)
        return [
            {"kind": "suppression", "hash": row.hash, "erased_at": _id_text(row.erased_at)}
            for row in connection.execute(theirs.order_by(suppression.c.hash))
        ]

    def _early_receipts(self, connection: Connection) -> list[PlainRow]:
        theirs = (
            select(early_receipt, link.c.provider)
            .join(link, link.c.id == early_receipt.c.link_id)
            .where(link.c.mentorado_id == self._mentorado_id)
            .order_by(early_receipt.c.at, early_receipt.c.provider_id)
        )
        return [
            {
                "kind": "early_receipt",
                "link_id": row.link_id,
                "provider": row.provider,
                "provider_id": row.provider_id,
                "delivery": row.delivery,
                "at": _id_text(row.at),
                "failure": row.failure,
            }
            for row in connection.execute(theirs)
        ]


def _living(table: Table, mentorado_id: MentoradoId) -> Select[Any]:
    return select(table.c.id).where(table.c.mentorado_id == mentorado_id, table.c.merged_into.is_(None))


def _by_ids(connection: Connection, table: Table, ids: Iterable[str]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for some in chunks(sorted(ids)):
        found += connection.execute(table.select().where(table.c.id.in_(some)).order_by(table.c.id))
    return found


def _last_seen(connection: Connection, contact_ids: Collection[str]) -> Mapping[str, datetime]:
    """When the last message was sent that would go with each contact's erasure."""
    last_seen: dict[str, datetime] = {}
    talked = (
        select(conversation.c.contact_id, func.max(message.c.sent_at))
        .join(message, message.c.conversation_id == conversation.c.id)
        .where(conversation.c.contact_id.in_(contact_ids))
        .group_by(conversation.c.contact_id)
    )
    spoke = (
        select(message.c.sender_id, func.max(message.c.sent_at))
        .where(message.c.sender_id.in_(contact_ids))
        .group_by(message.c.sender_id)
    )
    for query in (talked, spoke):
        for contact_id, last in connection.execute(query):
            last_seen[contact_id] = max(last, last_seen.get(contact_id, last))
    return last_seen


def _aliases(connection: Connection, rows: Sequence[Row[Any]]) -> Mapping[tuple[str, str], Sequence[PlainRow]]:
    """The ids under which other links reported the messages in *rows*."""
    found: defaultdict[tuple[str, str], list[PlainRow]] = defaultdict(list)
    theirs = select(message_alias, link.c.provider).join(link, link.c.id == message_alias.c.link_id)
    theirs = theirs.where(message_alias.c.of_link_id.in_({row.link_id for row in rows}))
    for some in chunks([row.provider_id for row in rows]):
        these = theirs.where(message_alias.c.of_provider_id.in_(some))
        for row in connection.execute(these.order_by(message_alias.c.link_id, message_alias.c.provider_id)):
            values = {"link_id": row.link_id, "provider": row.provider, "provider_id": row.provider_id}
            found[row.of_link_id, row.of_provider_id].append({**values, "stored_at": _id_text(row.stored_at)})
    return found


def _message_row(row: Row[Any], aliases: Sequence[PlainRow]) -> PlainRow:
    return {
        **({"aliases": aliases} if aliases else {}),
        "kind": "message",
        "conversation_id": row.conversation_id,
        **{name: getattr(row, name) for name in _MESSAGE_COLUMNS},
        "type": row.kind,
        "media": {name: getattr(row, f"media_{name}") for name in _MEDIA} if row.has_media else None,
        "delivery": row.delivery,
        "failure": row.failure,
        "edited_text": row.edited_text,
        **{name: _id_text(getattr(row, name)) for name in _TIMES},
    }


def _id_text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
