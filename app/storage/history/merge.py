"""Brings a history in again: what is not there yet is stored, and nothing is ever there twice.

The people of a dump may be known here by other ids, because their addresses were learned again since. The id they had
then leads to the one they have now, so that whatever else is told of them finds its place, in this batch or in a later
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, bindparam, delete, select

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.messages import (
    REFERRING,
    ContactId,
    ConversationId,
    DeliveryStatus,
    MessageKind,
    merge_delivery,
)
from app.storage import notes
from app.storage.database import stored_address
from app.storage.history import ledger
from app.storage.history.contacts import (
    AddressBook,
    Addresses,
    add_address,
    chunks,
    json_list_param,
    update_names,
)
from app.storage.history.dump_rows import (
    WHERE,
    AliasRow,
    ContactRow,
    ConversationRow,
    FormerIdRow,
    MessageKey,
    MessageRow,
    ReceiptRow,
    message_key,
    read,
)
from app.storage.history.ordering import apply_edits, edited_ids
from app.storage.history.other_links import STORED_COLUMNS, alike, is_meta, refer_to
from app.storage.history.suppressions import Suppressed
from app.storage.history.writing import latest_failure
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


def merge(connection: Connection, mentorado_id: MentoradoId, rows: Iterable[Mapping[str, object]]) -> int:
    """Returns how many messages were new. Raises `Problem(BACKUP_ALTERED)`."""

    dumped_rows = read(rows)
    for each in dumped_rows.suppressions:
        _suppress(connection, mentorado_id, each.hash, each.erased_at)
    people = ContactMerger(connection, mentorado_id)
    for person in dumped_rows.contacts:
        people.contact(person)
    for former in dumped_rows.former_contacts:
        people.former(contact, former)
    for talk in dumped_rows.conversations:
        people.conversation(talk)
    for former in dumped_rows.former_conversations:
        people.former(conversation, former)
    merger = MessageMerger(connection, people)
    new = merger.messages(dumped_rows.messages)
    merger.early_receipts(dumped_rows.early_receipts)
    for some in chunks(sorted(merger.targets | edited_ids(connection, people.merged))):
        apply_edits(connection, mentorado_id, some)
    ledger.merge(connection, mentorado_id, dumped_rows.consents)
    notes.merge(connection, mentorado_id, dumped_rows.notes)
    return new


@dataclass(frozen=True, slots=True)
class ResolvedId:
    """The id here for an id of the dump: the same, unless another mentorado has it; and the id it leads to, if any."""

    id: str
    root: str | None


class ContactMerger:
    """Merges the contacts and conversations of one mentorado from a dump."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId) -> None:
        self._connection = connection
        self.mentorado_id = mentorado_id
        self.suppressed = Suppressed(connection, mentorado_id)
        self.merged: set[ConversationId] = set()
        """Where something else may be said by the same person now."""

    def contact(self, person: ContactRow) -> None:
        if (person.addresses, person.last_at or person.created_at) in self.suppressed:
            return  # all of it was said before they were erased
        here = self.resolve(contact, person.id)
        if here.root is None and not self._known(person.addresses):
            self._insert(person, here.id)
            return
        book = AddressBook(self._connection, self.mentorado_id, person.created_at)
        theirs = self.addresses(here.root)[:1] if here.root else ()
        book.learn([(*theirs, *person.addresses)])
        root = book.contact_of(person.addresses)
        self.merged |= book.merged
        if here.root is None:
            self._insert_former(contact, here.id, root, person.created_at)
        if person.named_at is not None:
            update_names(self._connection, {root: (person.named_at, person.name)})

    def conversation(self, talk: ConversationRow) -> None:
        here = self.resolve(conversation, talk.id)
        if here.root is not None:
            return
        contact_id = self.resolve(contact, talk.contact_id).root
        if contact_id is None:
            self.left_out()
            return
        living = conversation.c.merged_into.is_(None) & (conversation.c.contact_id == contact_id)
        goes_on_in = self._connection.execute(select(conversation.c.id).where(living)).scalar()
        self._connection.execute(
            conversation.insert().values(
                id=here.id,
                mentorado_id=self.mentorado_id,
                contact_id=contact_id,
                created_at=talk.created_at,
                merged_into=goes_on_in,
            )
        )

    def former(self, table: Table, row: FormerIdRow) -> None:
        here = self.resolve(table, row.id)
        if here.root is not None:
            return
        root = self.resolve(table, row.now).root
        if root is None:
            self.left_out()
            return
        self._insert_former(table, here.id, root, row.created_at)

    def resolve(self, table: Table, dumped_id: str) -> ResolvedId:
        return self.resolve_all(table, [dumped_id])[dumped_id]

    def resolve_all(self, table: Table, dumped_ids: Iterable[str]) -> dict[str, ResolvedId]:
        """Map each id to the one here. An id that another mentorado has (one added twice) gets a replacement."""
        ids = {each: each for each in dumped_ids}
        owners: dict[str, tuple[str, str]] = {}
        self._load_owners(table, ids.values(), owners)
        taken = {
            each: self.replacement_id(each)
            for each in ids
            if owners.get(each, (self.mentorado_id,))[0] != self.mentorado_id
        }
        self._load_owners(table, taken.values(), owners)
        ids |= taken
        return {each: ResolvedId(own, owners[own][1] if own in owners else None) for each, own in ids.items()}

    def replacement_id(self, dumped_id: str) -> str:
        """The id that *dumped_id* gets where another mentorado has it: the same one each time."""
        return sha256(f"{self.mentorado_id} {dumped_id}".encode()).hexdigest()[:32]

    def addresses(self, contact_id: str) -> Addresses:
        theirs = contact_address.select().where(contact_address.c.contact_id == contact_id)
        return tuple(stored_address(row) for row in self._connection.execute(theirs))

    def left_out(self) -> None:
        """Allow a row without an owner only where a contact was erased."""
        if not self.suppressed:
            raise Problem(ProblemCode.BACKUP_ALTERED, path="", detail=WHERE, why="a row without an owner")

    def _load_owners(self, table: Table, ids: Iterable[str], owners: dict[str, tuple[str, str]]) -> None:
        for some in chunks(list(ids)):
            found = select(table.c.id, table.c.mentorado_id, table.c.merged_into).where(table.c.id.in_(some))
            for row in self._connection.execute(found):
                owners[row.id] = row.mentorado_id, row.merged_into or row.id

    def _known(self, addresses: Addresses) -> bool:
        keys = {key for address in addresses for key in address.keys}
        for some in chunks(sorted(keys)):
            theirs = (contact_address.c.mentorado_id == self.mentorado_id) & contact_address.c.key.in_(some)
            if self._connection.execute(select(contact_address.c.key).where(theirs).limit(1)).first():
                return True
        return False

    def _insert(self, person: ContactRow, contact_id: str) -> None:
        values: dict[str, Any] = {"name": person.name, "named_at": person.named_at, "created_at": person.created_at}
        values |= {"id": contact_id, "mentorado_id": self.mentorado_id, "many": person.many}
        self._connection.execute(contact.insert().values(**values))
        for key, address in {address.key: address for address in person.addresses}.items():
            add_address(self._connection, self.mentorado_id, key, address, contact_id)

    def _insert_former(self, table: Table, former: str, root: str | ContactId, created_at: datetime) -> None:
        to = self._connection.execute(table.select().where(table.c.id == root)).one()
        values: dict[str, Any] = {"id": former, "mentorado_id": self.mentorado_id, "created_at": created_at}
        values |= {"many": to.many, "name": ""} if table is contact else {"contact_id": to.contact_id}
        self._connection.execute(table.insert().values(**values, merged_into=root))


def _suppress(connection: Connection, mentorado_id: MentoradoId, hashed: str, erased_at: datetime) -> None:
    """What was erased before the backup was taken stays erased when that is restored."""
    this = (suppression.c.mentorado_id == mentorado_id) & (suppression.c.hash == hashed)
    known = connection.execute(select(suppression.c.erased_at).where(this)).scalar()
    if known is None:
        connection.execute(suppression.insert().values(mentorado_id=mentorado_id, hash=hashed, erased_at=erased_at))
    elif known < erased_at:
        connection.execute(suppression.update().where(this).values(erased_at=erased_at))


_IDS: Final = json_list_param("provider_ids")
_THEIR_LINKS: Final = select(link.c.id).where(link.c.mentorado_id == bindparam("mentorado_id"))
_KNOWN: Final = (
    select(*STORED_COLUMNS, message.c.stored_at, message.c.provider, message.c.provider_id.label("known_as"))
    .where(message.c.link_id.in_(_THEIR_LINKS))
    .where(message.c.provider_id.in_(_IDS))
)
_KNOWN_ALIASES: Final = (
    select(*STORED_COLUMNS, message.c.stored_at, link.c.provider, message_alias.c.provider_id.label("known_as"))
    .join(
        message_alias,
        and_(message_alias.c.of_link_id == message.c.link_id, message_alias.c.of_provider_id == message.c.provider_id),
    )
    .join(link, link.c.id == message_alias.c.link_id)
    .where(message_alias.c.link_id.in_(_THEIR_LINKS))
    .where(message_alias.c.provider_id.in_(_IDS))
)
_EARLY: Final = (
    select(early_receipt, link.c.provider, early_receipt.c.provider_id.label("known_as"))
    .join(link, link.c.id == early_receipt.c.link_id)
    .where(link.c.mentorado_id == bindparam("mentorado_id"), early_receipt.c.provider_id.in_(_IDS))
)
_STAYS: Final = frozenset({"link_id", "provider", "provider_id", "delivery", "failure", "received_at", "stored_at"})
"""The columns a message keeps when it becomes readable later."""


class MessageMerger:
    """Merges the messages and receipts of one batch, whose contacts are merged already."""

    def __init__(self, connection: Connection, people: ContactMerger) -> None:
        self._connection = connection
        self._contact_merger = people
        self._links: dict[tuple[str, str], str] = {}  # by the link of the dump, and its provider
        self._deliveries: dict[int, tuple[str, str | None]] = {}  # as they are now, by the number of the message
        self.targets: set[str] = set()
        """The provider ids of messages that may have changed."""

    def messages(self, rows: Sequence[MessageRow]) -> int:
        """Returns how many were new."""
        self._learn_links((row.link_id, row.columns["provider"]) for row in rows)
        self._learn_links((each.link_id, each.provider) for row in rows for each in row.aliases)
        talks = self._contact_merger.resolve_all(conversation, (row.conversation_id for row in rows))
        senders = self._contact_merger.resolve_all(
            contact, (row.sender_id for row in rows if row.sender_id is not None)
        )
        provider_ids = [provider_id for row in rows for _, provider_id in row.keys]
        known = self._known(provider_ids)
        stored_as = self._stored_as(row.columns["refers_to"] for row in rows)
        new: dict[MessageKey, tuple[MessageRow, dict[str, Any]]] = {}
        merged: list[tuple[MessageRow, Row[Any]]] = []
        for row in rows:
            talk = talks[row.conversation_id].root
            sender = None if row.sender_id is None else senders[row.sender_id].root
            here = next((known[key] for key in row.keys if key in known), None)
            if talk is None or (row.sender_id is not None and sender is None):
                self._contact_merger.left_out()
            elif here is not None:
                self._merge_known(row, here, self._row(row, talk, sender, stored_as))
                merged.append((row, here))
            elif row.key not in new and not self._suppressed(row, talk, sender):
                new[row.key] = row, self._row(row, talk, sender, stored_as)
        for referring in (False, True):  # what refers, once it is known under which id the other is stored
            stored = {each: here.provider_id for row, here in merged for _, each in row.keys}
            some = {key: each for key, each in new.items() if (each[0].kind in REFERRING) is referring}
            for _, values in some.values():
                values["refers_to"] = stored.get(values["refers_to"], values["refers_to"])
            for key, here in self._alike(some).items():
                row, values = new.pop(key)
                self._merge_known(row, here, values)
                merged.append((row, here))
        self._take_early(new, merged, provider_ids)
        if new:
            self._connection.execute(message.insert(), [values for _, values in new.values()])
        self._remember(new, merged)
        return len(new)

    def _alike(self, new: Mapping[MessageKey, tuple[MessageRow, dict[str, Any]]]) -> dict[MessageKey, Row[Any]]:
        """Those of *new* that are here under another id; see `app.storage.history.other_links`."""
        theirs = link.select().where(link.c.mentorado_id == self._contact_merger.mentorado_id)
        links = {row.id: is_meta(row.provider) for row in self._connection.execute(theirs)}
        found: dict[MessageKey, Row[Any]] = {}
        for meta in set(links.values()) if len(set(links.values())) > 1 else ():
            reported = {provider_id: values for (side, provider_id), (_, values) in new.items() if side is meta}
            sides = [[each for each, other in links.items() if (other is meta) is same] for same in (True, False)]
            found |= {(meta, each): row for each, row in alike(self._connection, reported, *sides).items()}
        return found

    def _remember(
        self, new: Mapping[MessageKey, tuple[MessageRow, dict[str, Any]]], merged: Iterable[tuple[MessageRow, Row[Any]]]
    ) -> None:
        """Store the other ids under which these messages were reported."""
        stored = [(row, values["link_id"], values["provider_id"]) for row, values in new.values()]
        stored += [(row, here.link_id, here.provider_id) for row, here in merged]
        aliases: dict[tuple[str, str], dict[str, Any]] = {}
        for row, of_link_id, of_provider_id in stored:
            own = AliasRow(row.link_id, row.columns["provider"], row.columns["provider_id"], row.columns["stored_at"])
            for each in (own, *row.aliases):
                alias_link = self._links[each.link_id, each.provider]
                if (alias_link, each.provider_id) != (of_link_id, of_provider_id):
                    of = {"of_link_id": of_link_id, "of_provider_id": of_provider_id, "stored_at": each.stored_at}
                    aliases[alias_link, each.provider_id] = of
        if not aliases:
            return
        for some in chunks(list(aliases)):
            ids = dumps([provider_id for _, provider_id in some])
            for table in (message, message_alias):
                there = select(table.c.link_id, table.c.provider_id)
                there = there.where(table.c.link_id.in_(set(self._links.values())), table.c.provider_id.in_(_IDS))
                for known in self._connection.execute(there, {"provider_ids": ids}):
                    aliases.pop((known.link_id, known.provider_id), None)
        for (alias_link, alias_id), of in aliases.items():
            self._connection.execute(message_alias.insert().values(link_id=alias_link, provider_id=alias_id, **of))
            refer_to(self._connection, self._contact_merger.mentorado_id, alias_id, of["of_provider_id"])
            self.targets.add(of["of_provider_id"])

    def early_receipts(self, rows: Sequence[ReceiptRow]) -> None:
        """Apply receipts whose message is stored by now, and store the others."""
        self._learn_links((each.link_id, each.provider) for each in rows)
        latest: dict[MessageKey, ReceiptRow] = {}
        for each in rows:
            before = latest.get(each.key)
            latest[each.key] = each if before is None else _merge_receipts(before, each)
        ids = [provider_id for _, provider_id in latest]
        known, waiting = self._known(ids), self._found(_EARLY, ids)
        for key, each in latest.items():
            if key in known and known[key].delivery is not None:
                self._deliver(known[key], each.delivery, each.failure)
            elif key in waiting:
                now = _merge_delivery(waiting[key], each.delivery, each.failure)
                self._connection.execute(early_receipt.update().where(_same_receipt(waiting[key])).values(**now))
            else:
                values: dict[str, Any] = {
                    "link_id": self._links[each.link_id, each.provider],
                    "provider_id": each.provider_id,
                }
                values |= {"delivery": each.delivery.value, "at": each.at, "failure": each.failure}
                self._connection.execute(early_receipt.insert().values(**values))

    def _row(self, row: MessageRow, talk: str, sender: str | None, stored_as: Mapping[str, str]) -> dict[str, Any]:
        refers_to = row.columns["refers_to"]
        refers_to = stored_as.get(refers_to, refers_to)
        self.targets |= {row.columns["provider_id"]} if refers_to is None else {row.columns["provider_id"], refers_to}
        return {
            **row.columns,
            "refers_to": refers_to,
            "conversation_id": talk,
            "link_id": self._links[row.link_id, row.columns["provider"]],
            "sender_id": sender,
            "shown": row.kind not in REFERRING,
            "delivery": None if row.delivery is None else row.delivery.value,
        }

    def _merge_known(self, message_row: MessageRow, known: Row[Any], row: Mapping[str, Any]) -> None:
        """Merge into the stored message: the dumped one may be readable, delivered further, or older."""
        if known.kind == MessageKind.UNREADABLE and message_row.kind is not MessageKind.UNREADABLE:
            readable = {name: value for name, value in row.items() if name not in _STAYS}
            self._connection.execute(message.update().where(message.c.number == known.number).values(**readable))
        if message_row.columns["stored_at"] < known.stored_at:
            came = {name: message_row.columns[name] for name in ("received_at", "stored_at")}
            self._connection.execute(message.update().where(message.c.number == known.number).values(**came))
        if message_row.delivery is not None:
            self._deliver(known, message_row.delivery, message_row.columns["failure"])

    def _deliver(self, known: Row[Any], delivery: DeliveryStatus, failure: str | None) -> None:
        if known.delivery is None:
            return
        before, why = self._deliveries.get(known.number, (known.delivery, known.failure))
        now = {
            "delivery": merge_delivery(DeliveryStatus(before), delivery).value,
            "failure": latest_failure(why, failure) or None,
        }
        if now != {"delivery": before, "failure": why}:
            self._connection.execute(message.update().where(message.c.number == known.number).values(**now))
            self._deliveries[known.number] = now["delivery"] or before, now["failure"]

    def _suppressed(self, row: MessageRow, talk: str, sender: str | None) -> bool:
        if not self._contact_merger.suppressed:
            return False
        whose = select(conversation.c.contact_id).where(conversation.c.id == talk)
        people = [self._connection.execute(whose).scalar_one(), *([] if sender is None else [sender])]
        sent_at = row.columns["sent_at"]
        return any(
            (self._contact_merger.addresses(each), sent_at) in self._contact_merger.suppressed for each in people
        )

    def _take_early(
        self,
        new: Mapping[MessageKey, tuple[MessageRow, dict[str, Any]]],
        merged: Iterable[tuple[MessageRow, Row[Any]]],
        provider_ids: Collection[str],
    ) -> None:
        """Apply receipts that arrived before their message."""
        values_by_key = {key: values for row, values in new.values() for key in row.keys}
        here_by_key = {key: here for row, here in merged for key in row.keys}
        for key, waiting in self._found(_EARLY, provider_ids).items():
            values, here = values_by_key.get(key), here_by_key.get(key)
            if values is not None and values["delivery"] is not None:
                values |= _merge_delivery(waiting, DeliveryStatus(values["delivery"]), values["failure"])
            elif here is not None and here.delivery is not None:
                self._deliver(here, DeliveryStatus(waiting.delivery), waiting.failure)
            else:
                continue
            self._connection.execute(delete(early_receipt).where(_same_receipt(waiting)))

    def _known(self, provider_ids: Collection[str]) -> dict[MessageKey, Row[Any]]:
        """The stored messages by the ids under which any link reported them."""
        return self._found(_KNOWN_ALIASES, provider_ids) | self._found(_KNOWN, provider_ids)

    def _stored_as(self, provider_ids: Iterable[str | None]) -> dict[str, str]:
        """The ids under which messages are stored, by other ids under which they were reported."""
        wanted = {each for each in provider_ids if each is not None}
        return {key[1]: row.provider_id for key, row in self._found(_KNOWN_ALIASES, wanted).items()}

    def _found(self, query: Select[Any], provider_ids: Collection[str]) -> dict[MessageKey, Row[Any]]:
        found: dict[MessageKey, Row[Any]] = {}
        for some in chunks(provider_ids):
            given = {"mentorado_id": self._contact_merger.mentorado_id, "provider_ids": dumps(some)}
            rows = self._connection.execute(query, given)
            found |= {message_key(row.provider, row.known_as): row for row in rows}
        return found

    def _learn_links(self, pairs: Iterable[tuple[str, str]]) -> None:
        for link_id, provider in set(pairs) - self._links.keys():
            self._links[link_id, provider] = self._link(link_id, provider)

    def _link(self, link_id: str, provider: str) -> str:
        mine = (self._contact_merger.mentorado_id, provider)
        own = self._contact_merger.replacement_id(link_id)
        candidates = (link_id, own, self._contact_merger.replacement_id(f"{own} {provider}"))
        rows = {row.id: row for row in self._connection.execute(link.select().where(link.c.id.in_(candidates)))}
        if link_id in rows and (rows[link_id].mentorado_id, rows[link_id].provider) == mine:
            return link_id
        theirs = (link.c.mentorado_id == self._contact_merger.mentorado_id) & (link.c.provider == provider)
        in_use: str | None = self._connection.execute(select(link.c.id).where(theirs, link.c.active)).scalar()
        if in_use is not None:
            return in_use
        for each in candidates:
            if each not in rows:
                values = {"id": each, "mentorado_id": self._contact_merger.mentorado_id, "provider": provider}
                self._connection.execute(link.insert().values(**values, active=False, wanted=False))
                return each
            if (rows[each].mentorado_id, rows[each].provider) == mine:
                return each
        raise AssertionError("the last is this mentorado's and this provider's")


def _merge_delivery(known: Row[Any], delivery: DeliveryStatus, failure: str | None) -> dict[str, str | None]:
    """Combine the delivery of *known* with another report, and the reason of a failure."""
    return {
        "delivery": merge_delivery(DeliveryStatus(known.delivery), delivery).value,
        "failure": latest_failure(known.failure, failure) or None,
    }


def _merge_receipts(one: ReceiptRow, other: ReceiptRow) -> ReceiptRow:
    delivery = merge_delivery(one.delivery, other.delivery)
    return replace(other, delivery=delivery, failure=latest_failure(one.failure, other.failure) or None)


def _same_receipt(waiting: Row[Any]) -> ColumnElement[bool]:
    return and_(early_receipt.c.link_id == waiting.link_id, early_receipt.c.provider_id == waiting.provider_id)
