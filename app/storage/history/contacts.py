"""Contacts: addresses are aliases of a contact, and contacts found to be the same are merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from json import dumps
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select

from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind, ContactId, ConversationId
from app.storage.database import stored_address
from app.storage.prepared import PreparedSelect
from app.storage.tables import contact, contact_address, conversation, message

_BY_MEANING = tuple(AddressKind)

Addresses = tuple[Address, ...]
T = TypeVar("T")


def is_group_kind(addresses: Addresses) -> bool:
    """Whether several people speak behind such an address."""
    return any(address.kind is AddressKind.GROUP or address.kind is AddressKind.OTHER for address in addresses)


def chunks(values: Collection[T]) -> Iterator[Sequence[T]]:
    """Split *values* into as many at a time as a statement may carry."""
    left = iter(values)
    while some := list(islice(left, 500)):
        yield some


def json_list_param(name: str) -> Select[str]:
    """The values of a JSON list given as the parameter *name*: one parameter is bound faster than hundreds."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def find(connection: Connection, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
    theirs = (contact_address.c.mentorado_id == mentorado_id) & contact_address.c.key.in_(address.keys)
    found: ContactId | None = connection.execute(select(contact_address.c.contact_id).where(theirs)).scalar()
    return found


# Statements of the hot path are made once: making them takes longer than executing them.
_KNOWN = PreparedSelect(
    select(contact_address.c.key, contact_address.c.contact_id, conversation.c.id)
    .outerjoin(
        conversation,
        (conversation.c.contact_id == contact_address.c.contact_id) & conversation.c.merged_into.is_(None),
    )
    .where(
        contact_address.c.mentorado_id == bindparam("mentorado_id"),
        contact_address.c.key.in_(json_list_param("keys")),
    )
)


def addresses_by_contact(connection: Connection, mentorado_id: MentoradoId) -> defaultdict[ContactId, list[Address]]:
    """The addresses of each contact, the most recognisable first."""
    found: defaultdict[ContactId, list[Address]] = defaultdict(list)
    theirs = contact_address.select().where(contact_address.c.mentorado_id == mentorado_id)
    for row in connection.execute(theirs):
        with suppress(ValueError):  # a kind that no version knows
            found[row.contact_id].append(stored_address(row))
    for addresses in found.values():
        addresses.sort(key=address_rank)
    return found


def add_address(connection: Connection, mentorado_id: MentoradoId, key: str, address: Address, contact_id: str) -> None:
    values = {"kind": address.kind.value, "value": address.value, "contact_id": contact_id}
    connection.execute(contact_address.insert().values(mentorado_id=mentorado_id, key=key, **values))


class AddressBook:
    """The contacts and conversations of one mentorado, as far as one batch of messages is concerned with them."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId, at: datetime) -> None:
        self._connection = connection
        self._mentorado_id = mentorado_id
        self._at = at
        self._contacts: dict[str, ContactId] = {}  # by the key of an address
        self._conversations: dict[ContactId, ConversationId] = {}
        self._placed: dict[Addresses, ConversationId] = {}
        self.merged: set[ConversationId] = set()
        """Conversations in which something else may be said by the same person now: both of a pair that was merged."""

    def learn(self, named: Sequence[Addresses]) -> None:
        """Make every tuple of addresses one contact, new or known or merged from several."""
        for some in chunks(sorted({key for addresses in named for address in addresses for key in address.keys})):
            known = _KNOWN.rows(self._connection, mentorado_id=self._mentorado_id, keys=dumps(some))
            for key, contact_id, conversation_id in known:
                self._contacts[key] = contact_id
                if conversation_id is not None:
                    self._conversations[contact_id] = conversation_id
        for addresses in named:
            self._learn(addresses)

    def contact_of(self, addresses: Addresses) -> ContactId:
        return self._contacts[addresses[0].key]

    def conversation_of(self, addresses: Addresses) -> ConversationId:
        found = self._placed.get(addresses)
        if found is None:
            found = self._placed[addresses] = self._conversation(self.contact_of(addresses))
        return found

    def _conversation(self, contact_id: ContactId) -> ConversationId:
        found = self._conversations.get(contact_id)
        if found is None:
            found = self._conversations[contact_id] = ConversationId(uuid4().hex)
            self._connection.execute(
                conversation.insert().values(
                    id=found, mentorado_id=self._mentorado_id, contact_id=contact_id, created_at=self._at
                )
            )
        return found

    def _learn(self, addresses: Addresses) -> None:
        every = [key for address in addresses for key in address.keys]
        if len(every) == 1 and every[0] in self._contacts:
            return
        known = list(dict.fromkeys([self._contacts[key] for key in every if key in self._contacts]))
        if not known:
            contact_id = self._add(addresses)
        elif len(known) == 1:
            contact_id = known[0]
        else:
            contact_id = self._merge(known)
        for address in addresses:
            key = address.key
            if key in self._contacts:
                continue
            self._contacts[key] = contact_id
            add_address(self._connection, self._mentorado_id, key, address, contact_id)

    def _add(self, addresses: Addresses) -> ContactId:
        contact_id = ContactId(uuid4().hex)
        self._connection.execute(
            contact.insert().values(
                id=contact_id,
                mentorado_id=self._mentorado_id,
                many=is_group_kind(addresses),
                name="",
                created_at=self._at,
            )
        )
        return contact_id

    def _merge(self, contact_ids: Sequence[ContactId]) -> ContactId:
        """The contact with the oldest conversation stays; ids that people or programs may hold lead to it."""
        ranked = sorted((self._rank(contact_id) for contact_id in contact_ids), key=lambda rank: rank[:-1])
        stays: ContactId = ranked[0][-1]
        for *_, goes in ranked[1:]:
            self._merge_conversations(stays, goes)
            self._merge_contacts(stays, goes)
            for key, contact_id in self._contacts.items():
                if contact_id == goes:
                    self._contacts[key] = stays
        return stays

    def _rank(self, contact_id: ContactId) -> tuple[Any, ...]:
        first = select(func.min(message.c.number)).where(message.c.conversation_id == conversation.c.id)
        began = select(conversation.c.created_at, first.scalar_subquery().label("first")).where(
            conversation.c.contact_id == contact_id, conversation.c.merged_into.is_(None)
        )
        row = self._connection.execute(began).one_or_none()
        created: datetime = self._connection.execute(
            select(contact.c.created_at).where(contact.c.id == contact_id)
        ).scalar_one()
        if row is None:
            return (True, created, 0, contact_id)
        return (False, row.created_at, float("inf") if row.first is None else row.first, contact_id)

    def _merge_conversations(self, stays: ContactId, goes: ContactId) -> None:
        kept, gone = self._conversations.get(stays), self._conversations.pop(goes, None)
        # Redirects go along, those that lead to the one that goes now too.
        theirs = conversation.c.contact_id == goes
        self._connection.execute(conversation.update().where(theirs).values(contact_id=stays))
        if gone is None:
            return
        if kept is None:
            self._conversations[stays] = gone
            return
        led_there = (conversation.c.id == gone) | (conversation.c.merged_into == gone)
        led_there &= conversation.c.mentorado_id == self._mentorado_id
        self._connection.execute(conversation.update().where(led_there).values(merged_into=kept))
        moved = message.update().where(message.c.conversation_id == gone).values(conversation_id=kept)
        self._connection.execute(moved)
        self.merged |= {kept, gone}

    def _merge_contacts(self, stays: ContactId, goes: ContactId) -> None:
        execute = self._connection.execute
        spoken = select(message.c.conversation_id).where(message.c.sender_id == goes).distinct()
        self.merged.update(execute(spoken).scalars())
        execute(message.update().where(message.c.sender_id == goes).values(sender_id=stays))
        execute(contact_address.update().where(contact_address.c.contact_id == goes).values(contact_id=stays))
        led_there = (contact.c.id == goes) | (contact.c.merged_into == goes)
        led_there &= contact.c.mentorado_id == self._mentorado_id
        execute(contact.update().where(led_there).values(merged_into=stays))
        name = execute(select(contact.c.name, contact.c.named_at).where(contact.c.id == goes)).one()
        if name.named_at is not None:
            update_names(self._connection, {stays: (name.named_at, name.name)})


_NEW_NAME: BindParameter[str] = bindparam("new_name")
_NAMED_AT: BindParameter[Any] = bindparam("moment", type_=contact.c.named_at.type)
_NAMED = (
    contact.update()
    .where(
        contact.c.id == bindparam("who"),
        or_(
            contact.c.named_at.is_(None),
            contact.c.named_at < _NAMED_AT,
            and_(contact.c.named_at == _NAMED_AT, contact.c.name < _NEW_NAME),
        ),
    )
    .values(name=_NEW_NAME, named_at=_NAMED_AT)
)


def update_names(connection: Connection, names: dict[ContactId, tuple[datetime, str]]) -> None:
    """Store the latest name of each contact, whatever the order of arrival."""
    if names:
        given = [{"who": who, "moment": named_at, "new_name": name} for who, (named_at, name) in names.items()]
        connection.execute(_NAMED, given)


def display_name_from(address: Address) -> str:
    """The display name of a contact without one; empty for the id of a group."""
    return "" if address.kind is AddressKind.GROUP and not address.value.isdigit() else address.value


def address_rank(address: Address) -> tuple[int, str]:
    """Sort key that puts the most recognisable address first."""
    return _BY_MEANING.index(address.kind), address.value
