"""Stores what providers reported: each message once, each delivery forward, in whatever order they come."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from json import dumps
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Row, bindparam, delete, select
from sqlalchemy.exc import DBAPIError

from app.domain.errors import Problem
from app.domain.mentorado import LinkId, Mentorado
from app.domain.messages import (
    REFERRING,
    Address,
    AddressKind,
    ContactId,
    ConversationId,
    DeliveryReceipt,
    DeliveryStatus,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
    WirePreference,
    WireUnknown,
    merge_delivery,
)
from app.domain.names import MOST_NAME
from app.domain.provider_descriptor import DESCRIPTORS
from app.domain.set_aside import NotStorable
from app.storage import set_aside
from app.storage.columns import utc_text
from app.storage.history import opt_outs
from app.storage.history.contacts import (
    AddressBook,
    Addresses,
    chunks,
    find,
    is_group_kind,
    json_list_param,
    update_names,
)
from app.storage.history.ordering import (
    apply_edits,
    edited_ids,
    late_conversations,
    put_backlog_in_place,
    put_links_in_place,
    reorder_tail,
)
from app.storage.history.other_links import STORED_COLUMNS, OtherLinks, second_of
from app.storage.history.suppressions import Suppressed
from app.storage.prepared import PreparedSelect, insert_many
from app.storage.tables import conversation, early_receipt, message

_REFUSALS: Final = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""SQLite errors about a value or a row, not the file."""

_LARGEST: Final = 2**63 - 1

_STAYS: Final = ("link_id", "provider", "provider_id", "delivery", "failure", "received_at", "stored_at")
"""The columns a message keeps when it becomes readable later."""

_NOWHERE: Final = (Address(AddressKind.OTHER, ""),)
"""The chat of messages whose provider named none."""

_IDS = json_list_param("provider_ids")
_COLUMNS = {column.name for column in message.c} - {"number", "edited_text", "edited_at", "revoked_at"}
_STORED = PreparedSelect(
    select(*STORED_COLUMNS).where(message.c.link_id == bindparam("link_id"), message.c.provider_id.in_(_IDS))
)
_EARLY = PreparedSelect(
    select(early_receipt).where(early_receipt.c.link_id == bindparam("link_id"), early_receipt.c.provider_id.in_(_IDS))
)


def store(
    connection: Connection, mentorado: Mentorado, facts: Sequence[MessageUpdate], at: datetime, words: Sequence[str]
) -> Sequence[ConversationId]:
    """Implements `MessageWriter.store`; who writes one of *words* to us opts out, in the same transaction."""
    batch = _Batch(connection, mentorado, at)
    try:
        batch.messages([fact for fact in facts if isinstance(fact, ProviderMessage)])
        batch.receipts([fact for fact in facts if isinstance(fact, DeliveryReceipt)])
        preferences = [fact for fact in facts if isinstance(fact, WirePreference)]
        opt_outs.record(connection, mentorado, [*batch.arrived, *preferences], words, at)
        set_aside.add(connection, mentorado, [fact for fact in facts if isinstance(fact, WireUnknown)], at)
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, _REFUSALS):  # a lock, the disk, the file: no fault of what is stored
            raise
        raise NotStorable(type(cause).__name__) from None
    except (MemoryError, Problem):
        raise
    except Exception as error:  # noqa: BLE001 - values that no column takes, or that nobody here foresaw
        raise NotStorable(type(error).__name__) from None
    return sorted(batch.changed)


class _Batch:
    """Stores the messages of one link in one transaction."""

    def __init__(self, connection: Connection, mentorado: Mentorado, at: datetime) -> None:
        self._connection = connection
        self._link = mentorado.link
        self._provider = mentorado.link.provider.value
        self._mentorado_id = mentorado.id
        self._at = at
        self._others = OtherLinks(connection, mentorado)
        self._in_order = DESCRIPTORS[mentorado.link.provider].delivers_in_order
        self.changed: set[ConversationId] = set()
        self.arrived: list[ProviderMessage] = []  # what was not stored before
        self._added: defaultdict[ConversationId, list[str]] = defaultdict(list)  # when what is shown was sent
        self._late: dict[ConversationId, int] = {}  # how many messages were added where they do not follow the others

    def messages(self, reported: Iterable[ProviderMessage]) -> None:
        incoming_by_id, known = self._stored_and_reported(reported)
        suppressed = Suppressed(self._connection, self._mentorado_id)
        self.arrived = [
            incoming
            for incoming in incoming_by_id.values()
            if incoming.provider_id not in known or _is_readable_retry(incoming, known[incoming.provider_id])
        ]
        new = self.arrived
        if suppressed:
            new = [incoming for incoming in new if not _is_suppressed(incoming, suppressed)]
        repeated = self._repeated_from_others(incoming_by_id, known, suppressed) if self._others else {}
        if not new and not repeated:
            return
        learned = [*new, *repeated.values()]
        new = self._resolve_references(new, incoming_by_id)
        book = AddressBook(self._connection, self._mentorado_id, self._at)
        named = {addresses: None for incoming in learned for addresses in _address_groups(incoming)}
        book.learn([*named])
        targets: set[str] = set()
        if self._others:
            new, targets = self._without_repeated(new, repeated, known, book)
        self._write(new, known, book)
        update_names(self._connection, _names(learned, book))

        targets |= {incoming.refers_to for incoming in new if incoming.refers_to and incoming.kind in REFERRING}
        targets |= {incoming.provider_id for incoming in new}
        if book.merged:
            self.changed |= book.merged
            targets |= edited_ids(self._connection, book.merged)
        for some in chunks(sorted(targets)):
            self.changed |= apply_edits(self._connection, self._mentorado_id, some)
        if self._others:
            grown = {each: len(moments) for each, moments in self._added.items()}
            put_links_in_place(self._connection, grown, self._at, None if self._in_order else self._link.id)
        elif self._in_order:
            put_backlog_in_place(self._connection, self._link.id, self._late, self._at)
        else:
            reorder_tail(self._connection, self._link.id, self._added, self._at)

    def _repeated_from_others(
        self, incoming_by_id: Mapping[str, ProviderMessage], known: Mapping[str, Row[Any]], suppressed: Suppressed
    ) -> dict[str, ProviderMessage]:
        """What was stored under the same id through another link, and this one reports for the first time."""
        return {
            provider_id: incoming
            for provider_id, incoming in incoming_by_id.items()
            if provider_id in known
            and known[provider_id].link_id != self._link.id
            and not self._others.is_remembered(provider_id)
            and not _is_suppressed(incoming, suppressed)
        }

    def _without_repeated(
        self,
        new: Sequence[ProviderMessage],
        repeated: Mapping[str, ProviderMessage],
        known: Mapping[str, Row[Any]],
        book: AddressBook,
    ) -> tuple[list[ProviderMessage], set[str]]:
        """*new* without what another link reported under an id of its own; and the stored ids of all that one did."""
        same = {each: known[each] for each in repeated}
        targets = self._remember(same, known)
        reported = dict(repeated)
        for referring in (False, True):  # what refers, once the ids that it refers to are known
            if referring:
                stored_as = self._others.names_of([each.refers_to for each in new if each.refers_to])
                new = [replace(each, refers_to=stored_as.get(each.refers_to or "", each.refers_to)) for each in new]
            rows = {each.provider_id: self._row(each, book) for each in new if (each.kind in REFERRING) is referring}
            alike = self._others.alike(rows)
            targets |= self._remember(alike, known)
            reported |= {each.provider_id: each for each in new if each.provider_id in alike}
            same |= alike
            new = [each for each in new if each.provider_id not in alike]
            self.arrived = [each for each in self.arrived if each.provider_id not in alike]
        early = self._take_early([each.provider_id for each in reported.values() if each.from_me])
        for provider_id, (delivery, failure) in early.items():
            self._deliver(same[provider_id], delivery, failure)
        return [*new], targets

    def _remember(self, same: Mapping[str, Row[Any]], known: Mapping[str, Row[Any]]) -> set[str]:
        """Store the ids under which this link reports the messages *same*; returns the stored ones."""
        unreadable = {each: row for each, row in same.items() if each in known and known[each].number != row.number}
        targets = self._others.remember({each: row for each, row in same.items() if each not in unreadable}, self._at)
        for provider_id, row in unreadable.items():
            self._others.replace(known[provider_id], row, self._at)
            self.changed.add(row.conversation_id)
        return targets | {row.provider_id for row in unreadable.values()}

    def _stored_and_reported(
        self, reported: Iterable[ProviderMessage]
    ) -> tuple[dict[str, ProviderMessage], dict[str, Row[Any]]]:
        """What is reported, and what is stored of it, by the provider's id.

        Ids are chosen by who sends, so that two people may choose the same: the later message gets one of its own.
        """
        incoming_by_id = _merge_reported(reported)
        known = self._stored(incoming_by_id)
        others = [
            incoming
            for incoming in incoming_by_id.values()
            if incoming.provider_id in known and self._is_another(incoming, known)
        ]
        if others:
            for incoming in others:
                own = incoming_by_id.pop(incoming.provider_id)
                incoming_by_id[_own_id(own)] = replace(own, provider_id=_own_id(own))
            known |= self._stored([_own_id(incoming) for incoming in others])
        return incoming_by_id, known

    def _stored(self, provider_ids: Collection[str]) -> dict[str, Row[Any]]:
        """What is stored by these ids: through this link, or else through another one of the mentorado."""
        known = {row.provider_id: row for row in _rows(self._connection, _STORED, self._link.id, provider_ids)}
        if self._others:
            known |= self._others.find([each for each in provider_ids if each not in known])
        return known

    def _resolve_references(self, new: list[ProviderMessage], targets: Collection[str]) -> list[ProviderMessage]:
        """*new*, with edits and revocations of a message that has an id of its own referring to that."""
        changing = (MessageKind.EDIT, MessageKind.REVOCATION)
        own = {
            incoming.provider_id: _own_id(incoming, incoming.refers_to) for incoming in new if incoming.kind in changing
        }
        if not own:
            return new
        there = {*self._stored(list(own.values())), *targets}
        return [
            replace(incoming, refers_to=own[incoming.provider_id])
            if own.get(incoming.provider_id) in there
            else incoming
            for incoming in new
        ]

    def _is_another(self, incoming: ProviderMessage, known: Mapping[str, Row[Any]]) -> bool:
        """Whether *incoming* is another message than the stored one with its id: another time, another sender."""
        row = known[incoming.provider_id]
        if MessageKind.UNREADABLE in (row.kind, incoming.kind):
            return False  # what cannot be decrypted names neither its time nor its author as the message itself does
        elsewhere = row.link_id != self._link.id
        if elsewhere and row.from_me != incoming.from_me:
            return True
        if row.sent_at == incoming.sent_at or (elsewhere and second_of(row.sent_at) == second_of(incoming.sent_at)):
            return False
        if row.from_me or incoming.from_me:
            return bool(row.from_me != incoming.from_me)
        whose = select(conversation.c.contact_id).where(conversation.c.id == row.conversation_id)
        author = row.sender_id or self._connection.execute(whose).scalar_one()
        return all(find(self._connection, self._mentorado_id, address) != author for address in _author(incoming))

    def receipts(self, reported: Iterable[DeliveryReceipt]) -> None:
        incoming_by_id: dict[str, tuple[DeliveryStatus, datetime, str]] = {}
        for receipt in reported:
            for provider_id in receipt.provider_ids:
                delivery, at, failure = receipt.delivery, receipt.at, _clean(receipt.failure)
                if (before := incoming_by_id.get(provider_id)) is not None:
                    delivery, at = merge_delivery(before[0], delivery), max(before[1], at)
                    failure = latest_failure(before[2], failure)
                incoming_by_id[provider_id] = delivery, at, failure
        for provider_id, row in self._stored(incoming_by_id).items():
            if row.delivery is None and row.link_id != self._link.id:
                continue  # another's message, whose id is the same
            delivery, _, failure = incoming_by_id.pop(provider_id)
            self._deliver(row, delivery, failure)
        self._keep_early(incoming_by_id)

    def _deliver(self, row: Row[Any], delivery: DeliveryStatus, failure: str) -> None:
        if row.delivery is None:
            return
        now = {
            "delivery": merge_delivery(DeliveryStatus(row.delivery), delivery).value,
            "failure": latest_failure(row.failure, failure) or None,
        }
        if now != {name: getattr(row, name) for name in now}:
            self._connection.execute(message.update().where(message.c.number == row.number).values(**now))
            self.changed.add(row.conversation_id)

    def _keep_early(self, reported: Mapping[str, tuple[DeliveryStatus, datetime, str]]) -> None:
        """Store receipts that arrived before their message."""
        kept = self._take_early(reported)
        rows = []
        for provider_id, (delivery, at, failure) in reported.items():
            before, why = kept.get(provider_id, (None, ""))
            rows.append(
                {
                    "link_id": self._link.id,
                    "provider_id": provider_id,
                    "delivery": merge_delivery(before, delivery).value,
                    "at": at,
                    "failure": latest_failure(why, failure) or None,
                }
            )
        if rows:
            self._connection.execute(early_receipt.insert(), rows)

    def _take_early(self, provider_ids: Collection[str]) -> dict[str, tuple[DeliveryStatus, str]]:
        """The receipts that came before their message, through any link of the mentorado; they wait no longer."""
        taken: dict[str, tuple[DeliveryStatus, str]] = {}
        for link_id in self._others.ids if self._others else [self._link.id]:
            for row in list(_rows(self._connection, _EARLY, LinkId(link_id), provider_ids)):
                this = (early_receipt.c.link_id == link_id) & (early_receipt.c.provider_id == row.provider_id)
                self._connection.execute(delete(early_receipt).where(this))
                before, failure = taken.get(row.provider_id, (None, ""))
                delivery = merge_delivery(before, DeliveryStatus(row.delivery))
                taken[row.provider_id] = delivery, latest_failure(failure, row.failure)
        return taken

    def _write(self, new: Iterable[ProviderMessage], known: Mapping[str, Row[Any]], book: AddressBook) -> None:
        early = self._take_early([incoming.provider_id for incoming in new if incoming.from_me])
        inserted = []
        for incoming in new:
            row = self._row(incoming, book)
            self.changed.add(row["conversation_id"])
            if incoming.provider_id in known:
                for name in _STAYS:
                    del row[name]
                number = known[incoming.provider_id].number
                self._connection.execute(message.update().where(message.c.number == number).values(**row))
                continue
            if incoming.from_me:
                before, failure = early.get(incoming.provider_id, (None, ""))
                row["delivery"] = merge_delivery(before, DeliveryStatus.ACCEPTED).value
                row["failure"] = failure or None
            inserted.append(row)
        if inserted:
            self._insert(inserted)

    def _insert(self, rows: Sequence[dict[str, Any]]) -> None:
        sql, names = _insertion(self._connection.dialect)
        stored_at = utc_text(self._at)
        for row in rows:
            row["sent_at"], row["received_at"] = utc_text(row["sent_at"]), utc_text(row["received_at"])
            row["stored_at"] = stored_at
            if row["shown"]:
                self._added[row["conversation_id"]].append(row["sent_at"])
        if self._in_order and self._added and not self._others:
            self._late = late_conversations(self._connection, self._added)
        in_order = itemgetter(*names)
        insert_many(self._connection, sql, [in_order(row) for row in rows])

    def _row(self, incoming: ProviderMessage, book: AddressBook) -> dict[str, Any]:
        media, sent_by_another = incoming.media, incoming.sender and not incoming.from_me
        return {
            "conversation_id": book.conversation_of(incoming.chat),
            "link_id": self._link.id,
            "provider": self._provider,
            "provider_id": incoming.provider_id,
            "from_me": incoming.from_me,
            "sender_id": book.contact_of(incoming.sender) if sent_by_another and is_group_kind(incoming.chat) else None,
            "sender_name": _clean(incoming.sender_name)[:MOST_NAME],
            "kind": incoming.kind.value,
            "shown": incoming.kind not in REFERRING,
            "text": _clean(incoming.text),
            "has_media": media is not None,
            "media_mime": "" if media is None else _clean(media.mime),
            "media_name": "" if media is None else _clean(media.name),
            "media_size": None if media is None else _amount(media.size),
            "media_seconds": None if media is None else _amount(media.seconds),
            "refers_to": incoming.refers_to,
            "sent_at": incoming.sent_at,
            "received_at": incoming.received_at,
            "stored_at": self._at,
            "delivery": None,
            "failure": None,
        }


def _is_suppressed(incoming: ProviderMessage, suppressed: Suppressed) -> bool:
    """Whether it was sent before its contact or its author was erased."""
    return (incoming.chat, incoming.sent_at) in suppressed or (incoming.sender, incoming.sent_at) in suppressed


def _merge_reported(reported: Iterable[ProviderMessage]) -> dict[str, ProviderMessage]:
    incoming_by_id: dict[str, ProviderMessage] = {}
    for each in reported:
        incoming, before = each, incoming_by_id.get(each.provider_id)
        if before is not None and _are_different(incoming, before):
            incoming = replace(incoming, provider_id=_own_id(incoming))
            before = incoming_by_id.get(incoming.provider_id)
        if before is None or _is_readable_retry(incoming, before):
            incoming_by_id[incoming.provider_id] = (
                incoming if incoming.chat else replace(incoming, chat=incoming.sender or _NOWHERE)
            )
    return incoming_by_id


def _author(incoming: ProviderMessage) -> Addresses:
    """The author's addresses: the sender in a group, otherwise the other side."""
    return incoming.sender if is_group_kind(incoming.chat) else incoming.chat + incoming.sender


def _are_different(one: ProviderMessage, other: ProviderMessage) -> bool:
    """Whether two messages with the same id are two: sent at different times, by people who share no address."""
    if one.sent_at == other.sent_at or MessageKind.UNREADABLE in (one.kind, other.kind):
        return False
    if one.from_me or other.from_me:
        return one.from_me != other.from_me
    return not {address.key for address in _author(one)} & {address.key for address in _author(other)}


def _own_id(incoming: ProviderMessage, provider_id: str | None = None) -> str:
    """An id for a message whose provider's id another message has: the same one whenever it is reported."""
    author = "" if incoming.from_me else min((address.key for address in _author(incoming)), default="")
    return f"{provider_id or incoming.provider_id}~{sha256(author.encode()).hexdigest()[:16]}"


def _is_readable_retry(incoming: ProviderMessage, before: Row[Any] | ProviderMessage) -> bool:
    """Whether this is the readable form, sent again by its author, of what could not be decrypted."""
    return before.kind == MessageKind.UNREADABLE and incoming.kind is not MessageKind.UNREADABLE


def _address_groups(incoming: ProviderMessage) -> tuple[Addresses, ...]:
    """The tuples of addresses that name one contact each."""
    if incoming.from_me or not incoming.sender or incoming.sender == incoming.chat:
        return (incoming.chat,)
    # In a talk between two the sender is the chat by another name. A sender that shares nothing with it is not believed
    # to be: were it the mentorado's own number, all their contacts would become one.
    if is_group_kind(incoming.chat) or {address.key for address in incoming.chat} & {
        address.key for address in incoming.sender
    }:
        return (incoming.chat, incoming.sender)
    return (incoming.chat,)


def _names(new: Iterable[ProviderMessage], book: AddressBook) -> dict[ContactId, tuple[datetime, str]]:
    names: dict[ContactId, tuple[datetime, str]] = {}
    for incoming in new:
        if not incoming.sender_name and not incoming.chat_name:
            continue
        several = is_group_kind(incoming.chat)
        if several and incoming.chat_name:
            contact_id, named = book.contact_of(incoming.chat), (incoming.sent_at, _clean(incoming.chat_name))
            names[contact_id] = max(named, names.get(contact_id, named))
        who = incoming.sender if several else incoming.chat
        if incoming.from_me or not incoming.sender_name or not who:
            continue
        contact_id, named = book.contact_of(who), (incoming.sent_at, _clean(incoming.sender_name)[:MOST_NAME])
        names[contact_id] = max(named, names.get(contact_id, named))
    return names


@cache
def _insertion(dialect: Dialect) -> tuple[str, Sequence[str]]:
    """SQL and its parameters' names: filling them in here takes a third of the time that SQLAlchemy takes."""
    compiled = message.insert().compile(dialect=dialect, column_keys=[*_COLUMNS])
    return str(compiled), compiled.positiontup or ()


def _rows(
    connection: Connection, these: PreparedSelect, link_id: LinkId, provider_ids: Collection[str]
) -> Iterator[Row[Any]]:
    for some in chunks(provider_ids):
        yield from these.rows(connection, link_id=link_id, provider_ids=dumps(some))


def latest_failure(before: str | None, after: str | None) -> str:
    """The reason of a failure, from two reports in any order; empty when neither has one."""
    return max(before or "", after or "")


def _amount(value: int | None) -> int | None:
    """A size or length, or None when it is invalid or too large for the column."""
    return value if value is not None and 0 <= value <= _LARGEST else None


def _clean(text: str) -> str:
    """Half characters, which broken clients send, cannot be stored: they become question marks."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
