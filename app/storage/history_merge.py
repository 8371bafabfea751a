"""Brings a history in again: what is not there yet is stored, and nothing is ever there twice.

The people of a dump may be known here by other ids, because their addresses were learned again since. The id they had
then leads to the one they have now, so that whatever else is told of them finds its place, in this batch or in a later
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, select

from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind, ContactId, ConversationId
from app.storage.history_contacts import AddressBook, Addresses, call, portions
from app.storage.history_erasure import Suppressed
from app.storage.history_folding import fold, targets_in
from app.storage.history_rows import WHERE, ToldContact, ToldConversation, ToldFormer, read
from app.storage.tables import contact, contact_address, conversation, suppression


def merge(connection: Connection, mentorado_id: MentoradoId, rows: Iterable[Mapping[str, object]]) -> int:
    """Returns how many messages were new. Raises `Problem(BACKUP_ALTERED)`."""
    from app.storage.history_merge_said import Said

    told = read(rows)
    for each in told.suppressions:
        _suppress(connection, mentorado_id, each.hash, each.erased_at)
    people = People(connection, mentorado_id)
    for person in told.contacts:
        people.contact(person)
    for former in told.former_contacts:
        people.former(contact, former)
    for talk in told.conversations:
        people.conversation(talk)
    for former in told.former_conversations:
        people.former(conversation, former)
    said = Said(connection, people)
    new = said.messages(told.messages)
    said.early_receipts(told.early_receipts)
    for some in portions(sorted(said.targets | targets_in(connection, people.merged))):
        fold(connection, mentorado_id, some)
    return new


@dataclass(frozen=True, slots=True)
class Here:
    """What an id of the dump is here: itself, unless somebody else's has it; and the one it leads to, if any."""

    id: str
    root: str | None


class People:
    """The contacts and conversations of one mentorado that a dump may speak of."""

    def __init__(self, connection: Connection, mentorado_id: MentoradoId) -> None:
        self._connection = connection
        self.mentorado_id = mentorado_id
        self.suppressed = Suppressed(connection, mentorado_id)
        self.merged: set[ConversationId] = set()
        """Where something else may be said by the same person now."""

    def contact(self, person: ToldContact) -> None:
        if (person.addresses, person.last_at or person.created_at) in self.suppressed:
            return  # all of it was said before they were erased
        here = self.here(contact, person.id)
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
            call(self._connection, {root: (person.named_at, person.name)})

    def conversation(self, talk: ToldConversation) -> None:
        here = self.here(conversation, talk.id)
        if here.root is not None:
            return
        contact_id = self.here(contact, talk.contact_id).root
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

    def former(self, table: Table, told: ToldFormer) -> None:
        here = self.here(table, told.id)
        if here.root is not None:
            return
        root = self.here(table, told.now).root
        if root is None:
            self.left_out()
            return
        self._insert_former(table, here.id, root, told.created_at)

    def here(self, table: Table, told: str) -> Here:
        return self.all_here(table, [told])[told]

    def all_here(self, table: Table, told: Iterable[str]) -> dict[str, Here]:
        """What each of the ids is here. One that another mentorado has (who was enrolled twice) gets one of its own."""
        ids = {each: each for each in told}
        owners: dict[str, tuple[str, str]] = {}
        self._look(table, ids.values(), owners)
        taken = {each: self.own(each) for each in ids if owners.get(each, (self.mentorado_id,))[0] != self.mentorado_id}
        self._look(table, taken.values(), owners)
        ids |= taken
        return {each: Here(own, owners[own][1] if own in owners else None) for each, own in ids.items()}

    def own(self, told: str) -> str:
        """The id that *told* gets where another mentorado has it: the same one each time."""
        return sha256(f"{self.mentorado_id} {told}".encode()).hexdigest()[:32]

    def addresses(self, contact_id: str) -> Addresses:
        theirs = contact_address.select().where(contact_address.c.contact_id == contact_id)
        return tuple(Address(AddressKind(row.kind), row.value) for row in self._connection.execute(theirs))

    def left_out(self) -> None:
        """Something belongs to nobody. That is right only where somebody was erased."""
        if not self.suppressed:
            raise Problem(Code.BACKUP_ALTERED, path="", detail=WHERE, why="it belongs to nobody")

    def _look(self, table: Table, ids: Iterable[str], owners: dict[str, tuple[str, str]]) -> None:
        for some in portions(list(ids)):
            found = select(table.c.id, table.c.mentorado_id, table.c.merged_into).where(table.c.id.in_(some))
            for row in self._connection.execute(found):
                owners[row.id] = row.mentorado_id, row.merged_into or row.id

    def _known(self, addresses: Addresses) -> bool:
        keys = {key for address in addresses for key in address.keys}
        for some in portions(sorted(keys)):
            theirs = (contact_address.c.mentorado_id == self.mentorado_id) & contact_address.c.key.in_(some)
            if self._connection.execute(select(contact_address.c.key).where(theirs).limit(1)).first():
                return True
        return False

    def _insert(self, person: ToldContact, contact_id: str) -> None:
        values: dict[str, Any] = {"name": person.name, "named_at": person.named_at, "created_at": person.created_at}
        values |= {"id": contact_id, "mentorado_id": self.mentorado_id, "many": person.many}
        self._connection.execute(contact.insert().values(**values))
        for key, address in {address.key: address for address in person.addresses}.items():
            self._connection.execute(
                contact_address.insert().values(
                    mentorado_id=self.mentorado_id,
                    key=key,
                    kind=address.kind.value,
                    value=address.value,
                    contact_id=contact_id,
                )
            )

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
