"""Stores what providers reported: each message once, each delivery forward, in whatever order they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from json import dumps
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Row, Select, bindparam, delete, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError

from app.domain.errors import Problem
from app.domain.mentorado import Enrolment, LinkId, ProviderKind
from app.domain.messages import (
    REFERRING,
    Address,
    AddressKind,
    ContactId,
    ConversationId,
    Delivery,
    MessageKind,
    WireFact,
    WireMessage,
    WireReceipt,
    WireUnknown,
    forward,
)
from app.domain.names import MOST_NAME
from app.domain.set_aside import NotStorable
from app.storage import set_aside
from app.storage.history_contacts import AddressBook, Addresses, among, call, find, is_many, portions
from app.storage.history_erasure import Suppressed
from app.storage.history_folding import fold, targets_in
from app.storage.history_lateness import put_backlog_in_place, put_in_place
from app.storage.tables import conversation, early_receipt, message, utc_text

_REFUSALS: Final = (DataError, IntegrityError, InterfaceError, ProgrammingError)
"""What SQLite says of a value or a row, not of the file."""

_LARGEST: Final = 2**63 - 1

_NOWHERE: Final = (Address(AddressKind.OTHER, ""),)
"""Where a message is kept whose provider did not say where it belongs."""

_IDS = among("provider_ids")
_COLUMNS = {column.name for column in message.c} - {"number", "edited_text", "edited_at", "revoked_at"}
_STORED = select(
    message.c.number,
    message.c.provider_id,
    message.c.conversation_id,
    message.c.kind,
    message.c.delivery,
    message.c.failure,
    message.c.from_me,
    message.c.sender_id,
    message.c.sent_at,
).where(message.c.link_id == bindparam("link_id"), message.c.provider_id.in_(_IDS))
_EARLY = select(early_receipt).where(
    early_receipt.c.link_id == bindparam("link_id"), early_receipt.c.provider_id.in_(_IDS)
)


def store(
    connection: Connection, enrolment: Enrolment, facts: Sequence[WireFact], at: datetime
) -> Sequence[ConversationId]:
    batch = _Batch(connection, enrolment, at)
    try:
        batch.messages([fact for fact in facts if isinstance(fact, WireMessage)])
        batch.receipts([fact for fact in facts if isinstance(fact, WireReceipt)])
        set_aside.add(connection, enrolment, [fact for fact in facts if isinstance(fact, WireUnknown)], at)
    except DBAPIError as error:
        if not isinstance(error, _REFUSALS):  # a lock, the disk, the file: no fault of what is stored
            raise
        raise NotStorable(type(error.orig).__name__) from None
    except (MemoryError, Problem):
        raise
    except Exception as error:  # noqa: BLE001 - values that no column takes, or that nobody here foresaw
        raise NotStorable(type(error).__name__) from None
    return sorted(batch.changed)


class _Batch:
    """What one transaction stores for one link."""

    def __init__(self, connection: Connection, enrolment: Enrolment, at: datetime) -> None:
        self._connection = connection
        self._link = enrolment.link
        self._mentorado_id = enrolment.mentorado.id
        self._at = at
        self.changed: set[ConversationId] = set()
        self._grown: Counter[ConversationId] = Counter()

    def messages(self, reported: Iterable[WireMessage]) -> None:
        told, known = self._told(reported)
        suppressed = Suppressed(self._connection, self._mentorado_id)
        new = [
            said
            for said in told.values()
            if (said.provider_id not in known or _heals(said, known[said.provider_id]))
            and (said.chat, said.sent_at) not in suppressed
            and (said.sender, said.sent_at) not in suppressed
        ]
        if not new:
            return
        new = self._referring(new, told)
        book = AddressBook(self._connection, self._mentorado_id, self._at)
        book.learn(list(dict.fromkeys(addresses for said in new for addresses in _people(said))))
        self._write(new, known, book)
        call(self._connection, _names(new, book))

        targets = {said.refers_to for said in new if said.refers_to and said.kind in REFERRING}
        targets |= {said.provider_id for said in new}
        if book.merged:
            self.changed |= book.merged
            targets |= targets_in(self._connection, book.merged)
        for some in portions(sorted(targets)):
            self.changed |= fold(self._connection, self._mentorado_id, some)
        if (
            self._link.provider is ProviderKind.WHATSAPP_WEB
        ):  # whose messages come in their order, but for a long backlog
            put_backlog_in_place(self._connection, self._link.id, self._grown, self._at)
        else:
            put_in_place(self._connection, self._link.id, self._grown.keys(), self._at)

    def _told(self, reported: Iterable[WireMessage]) -> tuple[dict[str, WireMessage], dict[str, Row[Any]]]:
        """What is reported, and what is stored of it, by the provider's id.

        Ids are chosen by who sends, so that two people may choose the same: the later message gets one of its own.
        """
        told = _once(reported)
        known = {row.provider_id: row for row in _rows(self._connection, _STORED, self._link.id, told)}
        others = [said for said in told.values() if said.provider_id in known and self._is_another(said, known)]
        if others:
            for said in others:
                own = told.pop(said.provider_id)
                told[_own_id(own)] = replace(own, provider_id=_own_id(own))
            own_ids = [_own_id(said) for said in others]
            known |= {row.provider_id: row for row in _rows(self._connection, _STORED, self._link.id, own_ids)}
        return told, known

    def _referring(self, new: list[WireMessage], told: Collection[str]) -> list[WireMessage]:
        """*new*, with edits and revocations of a message that has an id of its own referring to that."""
        changing = (MessageKind.EDIT, MessageKind.REVOCATION)
        own = {said.provider_id: _own_id(said, said.refers_to) for said in new if said.kind in changing}
        if not own:
            return new
        there = {row.provider_id for row in _rows(self._connection, _STORED, self._link.id, own.values())} | {*told}
        return [
            replace(said, refers_to=own[said.provider_id]) if own.get(said.provider_id) in there else said
            for said in new
        ]

    def _is_another(self, said: WireMessage, known: Mapping[str, Row[Any]]) -> bool:
        """Whether *said* is not the stored message with its id: sent at another time, by somebody else."""
        row = known[said.provider_id]
        if row.sent_at == said.sent_at or MessageKind.UNREADABLE in (row.kind, said.kind):
            return False  # what cannot be decrypted names neither its time nor its author as the message itself does
        if row.from_me or said.from_me:
            return bool(row.from_me != said.from_me)
        whose = select(conversation.c.contact_id).where(conversation.c.id == row.conversation_id)
        author = row.sender_id or self._connection.execute(whose).scalar_one()
        return all(find(self._connection, self._mentorado_id, address) != author for address in _author(said))

    def receipts(self, reported: Iterable[WireReceipt]) -> None:
        told: dict[str, tuple[Delivery, datetime, str]] = {}
        for receipt in reported:
            for provider_id in receipt.provider_ids:
                delivery, at, failure = receipt.delivery, receipt.at, _clean(receipt.failure)
                if (before := told.get(provider_id)) is not None:
                    delivery, at = forward(before[0], delivery), max(before[1], at)
                    failure = latest_failure(before[2], failure)
                told[provider_id] = delivery, at, failure
        for row in _rows(self._connection, _STORED, self._link.id, told):
            delivery, _, failure = told.pop(row.provider_id)
            if row.delivery is None:
                continue
            now = {
                "delivery": forward(Delivery(row.delivery), delivery).value,
                "failure": latest_failure(row.failure, failure) or None,
            }
            if now != {name: getattr(row, name) for name in now}:
                self._connection.execute(message.update().where(message.c.number == row.number).values(**now))
                self.changed.add(row.conversation_id)
        self._keep_early(told)

    def _keep_early(self, told: Mapping[str, tuple[Delivery, datetime, str]]) -> None:
        """Receipts whose message is not here yet wait for it."""
        kept = self._take_early(told)
        rows = []
        for provider_id, (delivery, at, failure) in told.items():
            before, why = kept.get(provider_id, (None, ""))
            rows.append(
                {
                    "link_id": self._link.id,
                    "provider_id": provider_id,
                    "delivery": forward(before, delivery).value,
                    "at": at,
                    "failure": latest_failure(why, failure) or None,
                }
            )
        if rows:
            self._connection.execute(early_receipt.insert(), rows)

    def _take_early(self, provider_ids: Collection[str]) -> dict[str, tuple[Delivery, str]]:
        rows = list(_rows(self._connection, _EARLY, self._link.id, provider_ids))
        for row in rows:
            this = (early_receipt.c.link_id == self._link.id) & (early_receipt.c.provider_id == row.provider_id)
            self._connection.execute(delete(early_receipt).where(this))
        return {row.provider_id: (Delivery(row.delivery), row.failure or "") for row in rows}

    def _write(self, new: Iterable[WireMessage], known: Mapping[str, Row[Any]], book: AddressBook) -> None:
        early = self._take_early([said.provider_id for said in new if said.from_me])
        inserted = []
        for said in new:
            row = self._row(said, book)
            self.changed.add(row["conversation_id"])
            if said.provider_id in known:
                for name in ("delivery", "failure", "received_at", "stored_at"):
                    del row[name]
                number = known[said.provider_id].number
                self._connection.execute(message.update().where(message.c.number == number).values(**row))
                continue
            if said.from_me:
                before, failure = early.get(said.provider_id, (None, ""))
                row |= {"delivery": forward(before, Delivery.ACCEPTED).value, "failure": failure or None}
            inserted.append(row)
            self._grown[row["conversation_id"]] += bool(row["shown"])
        if inserted:
            _insert(self._connection, inserted)

    def _row(self, said: WireMessage, book: AddressBook) -> dict[str, Any]:
        media, sent_by_another = said.media, said.sender and not said.from_me
        return {
            "conversation_id": book.conversation_of(said.chat),
            "link_id": self._link.id,
            "provider": self._link.provider.value,
            "provider_id": said.provider_id,
            "from_me": said.from_me,
            "sender_id": book.contact_of(said.sender) if sent_by_another and is_many(said.chat) else None,
            "sender_name": _clean(said.sender_name)[:MOST_NAME],
            "kind": said.kind.value,
            "shown": said.kind not in REFERRING,
            "text": _clean(said.text),
            "has_media": media is not None,
            "media_mime": "" if media is None else _clean(media.mime),
            "media_name": "" if media is None else _clean(media.name),
            "media_size": None if media is None else _amount(media.size),
            "media_seconds": None if media is None else _amount(media.seconds),
            "refers_to": said.refers_to,
            "sent_at": said.sent_at,
            "received_at": said.received_at,
            "stored_at": self._at,
            "delivery": None,
            "failure": None,
        }


def _once(reported: Iterable[WireMessage]) -> dict[str, WireMessage]:
    told: dict[str, WireMessage] = {}
    for each in reported:
        said, before = each, told.get(each.provider_id)
        if before is not None and _differ(said, before):
            said = replace(said, provider_id=_own_id(said))
            before = told.get(said.provider_id)
        if before is None or _heals(said, before):
            told[said.provider_id] = said if said.chat else replace(said, chat=said.sender or _NOWHERE)
    return told


def _author(said: WireMessage) -> Addresses:
    """Who wrote what came in: in a group the sender, in a talk between two the other, by all names that are told."""
    return said.sender if is_many(said.chat) else said.chat + said.sender


def _differ(one: WireMessage, other: WireMessage) -> bool:
    """Whether two messages with the same id are two: sent at different times, by people who share no address."""
    if one.sent_at == other.sent_at or MessageKind.UNREADABLE in (one.kind, other.kind):
        return False
    if one.from_me or other.from_me:
        return one.from_me != other.from_me
    return not {address.key for address in _author(one)} & {address.key for address in _author(other)}


def _own_id(said: WireMessage, provider_id: str | None = None) -> str:
    """An id for a message of *said*'s author whose provider's id is another's: the same one whenever it is told."""
    author = "" if said.from_me else min((address.key for address in _author(said)), default="")
    return f"{provider_id or said.provider_id}~{sha256(author.encode()).hexdigest()[:16]}"


def _heals(said: WireMessage, before: Row[Any] | WireMessage) -> bool:
    """Whether this is the readable form, sent again by its author, of what could not be decrypted."""
    return before.kind == MessageKind.UNREADABLE and said.kind is not MessageKind.UNREADABLE


def _people(said: WireMessage) -> Iterator[Addresses]:
    """The tuples of addresses that name one contact each."""
    yield said.chat
    if said.from_me or not said.sender or said.sender == said.chat:
        return
    # In a talk between two the sender is the chat by another name. A sender that shares nothing with it is not believed
    # to be: were it the mentorado's own number, all their contacts would become one.
    if is_many(said.chat) or {address.key for address in said.chat} & {address.key for address in said.sender}:
        yield said.sender


def _names(new: Iterable[WireMessage], book: AddressBook) -> dict[ContactId, tuple[datetime, str]]:
    names: dict[ContactId, tuple[datetime, str]] = {}
    for said in new:
        several = is_many(said.chat)
        if several and said.chat_name:
            contact_id, named = book.contact_of(said.chat), (said.sent_at, _clean(said.chat_name))
            names[contact_id] = max(named, names.get(contact_id, named))
        who = said.sender if several else said.chat
        if said.from_me or not said.sender_name or not who:
            continue
        contact_id, named = book.contact_of(who), (said.sent_at, _clean(said.sender_name)[:MOST_NAME])
        names[contact_id] = max(named, names.get(contact_id, named))
    return names


@cache
def _insertion(dialect: Dialect) -> tuple[str, Sequence[str]]:
    """SQL and its parameters' names: filling them in here takes a third of the time that SQLAlchemy takes."""
    compiled = message.insert().compile(dialect=dialect, column_keys=[*_COLUMNS])
    return str(compiled), compiled.positiontup or ()


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    sql, names = _insertion(connection.dialect)
    in_order = itemgetter(*names)
    for row in rows:
        for name in ("sent_at", "received_at", "stored_at"):
            row[name] = utc_text(row[name])
    connection.exec_driver_sql(sql, [in_order(row) for row in rows])


def _rows(
    connection: Connection, these: Select[Any], link_id: LinkId, provider_ids: Collection[str]
) -> Iterator[Row[Any]]:
    for some in portions(provider_ids):
        yield from connection.execute(these, {"link_id": link_id, "provider_ids": dumps(some)}).all()


def latest_failure(before: str | None, after: str | None) -> str:
    """Why a message failed, of two reports in whatever order they came; empty where neither says."""
    return max(before or "", after or "")


def _amount(value: int | None) -> int | None:
    """A size or length that is none, or that no column holds, is left out."""
    return value if value is not None and 0 <= value <= _LARGEST else None


def _clean(text: str) -> str:
    """Half characters, which broken clients send, cannot be stored: they become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
