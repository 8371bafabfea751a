"""Brings messages and receipts in again.

A message is the same when mentorado, provider and the provider's id are: the link it came through may not be here any
more. Then it is kept as one of the link in use, so that what the provider repeats over that one is known, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from json import dumps
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, delete, select

from app.domain.messages import REFERRING, Delivery, MessageKind, forward
from app.storage.history_contacts import among, portions
from app.storage.history_merge import People
from app.storage.history_rows import ToldMessage, ToldReceipt
from app.storage.history_writing import latest_failure
from app.storage.tables import contact, conversation, early_receipt, link, message

_IDS: Final = among("provider_ids")
_KNOWN: Final = (
    select(
        message.c.number,
        message.c.provider,
        message.c.provider_id,
        message.c.kind,
        message.c.delivery,
        message.c.failure,
        message.c.stored_at,
    )
    .where(message.c.link_id.in_(select(link.c.id).where(link.c.mentorado_id == bindparam("mentorado_id"))))
    .where(message.c.provider_id.in_(_IDS))
)
_EARLY: Final = (
    select(early_receipt, link.c.provider)
    .join(link, link.c.id == early_receipt.c.link_id)
    .where(link.c.mentorado_id == bindparam("mentorado_id"), early_receipt.c.provider_id.in_(_IDS))
)
_STAYS: Final = frozenset({"link_id", "provider", "provider_id", "delivery", "failure", "received_at", "stored_at"})
"""What a message keeps that becomes readable only now."""

Key = tuple[str, str]


class Said:
    """The messages and receipts of one batch, once its people are here."""

    def __init__(self, connection: Connection, people: People) -> None:
        self._connection = connection
        self._people = people
        self._links: dict[Key, str] = {}  # by the link of the dump, and its provider
        self.targets: set[str] = set()
        """The provider ids of what may look different now."""

    def messages(self, told: Sequence[ToldMessage]) -> int:
        """Returns how many were new."""
        self._learn_links((said.link_id, said.columns["provider"]) for said in told)
        talks = self._people.all_here(conversation, (said.conversation_id for said in told))
        senders = self._people.all_here(contact, (said.sender_id for said in told if said.sender_id is not None))
        known = self._found(_KNOWN, [said.columns["provider_id"] for said in told])
        new: dict[Key, dict[str, Any]] = {}
        for said in told:
            talk = talks[said.conversation_id].root
            sender = None if said.sender_id is None else senders[said.sender_id].root
            if talk is None or (said.sender_id is not None and sender is None):
                self._people.left_out()
            elif said.key in known:
                self._again(said, known[said.key], talk, sender)
            elif said.key not in new and not self._suppressed(said, talk, sender):
                new[said.key] = self._row(said, talk, sender)
        self._take_early(new)
        if new:
            self._connection.execute(message.insert(), list(new.values()))
        return len(new)

    def early_receipts(self, told: Sequence[ToldReceipt]) -> None:
        """A receipt whose message is here now has reached it; the others go on waiting."""
        self._learn_links((each.link_id, each.provider) for each in told)
        latest: dict[Key, ToldReceipt] = {}
        for each in told:
            before = latest.get(each.key)
            latest[each.key] = each if before is None else _both(before, each)
        ids = [provider_id for _, provider_id in latest]
        known, waiting = self._found(_KNOWN, ids), self._found(_EARLY, ids)
        for key, each in latest.items():
            if key in known and known[key].delivery is not None:
                self._deliver(known[key], each.delivery, each.failure)
            elif key in waiting:
                now = _further(waiting[key], each.delivery, each.failure)
                self._connection.execute(early_receipt.update().where(_same(waiting[key])).values(**now))
            else:
                values: dict[str, Any] = {
                    "link_id": self._links[each.link_id, each.provider],
                    "provider_id": each.provider_id,
                }
                values |= {"delivery": each.delivery.value, "at": each.at, "failure": each.failure}
                self._connection.execute(early_receipt.insert().values(**values))

    def _row(self, said: ToldMessage, talk: str, sender: str | None) -> dict[str, Any]:
        refers_to = said.columns["refers_to"]
        self.targets |= {said.columns["provider_id"]} if refers_to is None else {said.columns["provider_id"], refers_to}
        return {
            **said.columns,
            "conversation_id": talk,
            "link_id": self._links[said.link_id, said.columns["provider"]],
            "sender_id": sender,
            "shown": said.kind not in REFERRING,
            "delivery": None if said.delivery is None else said.delivery.value,
        }

    def _again(self, said: ToldMessage, known: Row[Any], talk: str, sender: str | None) -> None:
        """It is here. It may have been readable then, have got further, or have come earlier."""
        if known.kind == MessageKind.UNREADABLE and said.kind is not MessageKind.UNREADABLE:
            row = self._row(said, talk, sender)
            readable = {name: value for name, value in row.items() if name not in _STAYS}
            self._connection.execute(message.update().where(message.c.number == known.number).values(**readable))
        if said.columns["stored_at"] < known.stored_at:
            came = {name: said.columns[name] for name in ("received_at", "stored_at")}
            self._connection.execute(message.update().where(message.c.number == known.number).values(**came))
        if said.delivery is not None:
            self._deliver(known, said.delivery, said.columns["failure"])

    def _deliver(self, known: Row[Any], delivery: Delivery, failure: str | None) -> None:
        if known.delivery is None:
            return
        now = _further(known, delivery, failure)
        if now != {name: getattr(known, name) for name in now}:
            self._connection.execute(message.update().where(message.c.number == known.number).values(**now))

    def _suppressed(self, said: ToldMessage, talk: str, sender: str | None) -> bool:
        if not self._people.suppressed:
            return False
        whose = select(conversation.c.contact_id).where(conversation.c.id == talk)
        people = [self._connection.execute(whose).scalar_one(), *([] if sender is None else [sender])]
        sent_at = said.columns["sent_at"]
        return any((self._people.addresses(each), sent_at) in self._people.suppressed for each in people)

    def _take_early(self, new: Mapping[Key, dict[str, Any]]) -> None:
        """Receipts that came here before their message did."""
        for key, waiting in self._found(_EARLY, [provider_id for _, provider_id in new]).items():
            if key in new and new[key]["delivery"] is not None:
                new[key] |= _further(waiting, Delivery(new[key]["delivery"]), new[key]["failure"])
                self._connection.execute(delete(early_receipt).where(_same(waiting)))

    def _found(self, query: Select[Any], provider_ids: Collection[str]) -> dict[Key, Row[Any]]:
        found: dict[Key, Row[Any]] = {}
        for some in portions(provider_ids):
            given = {"mentorado_id": self._people.mentorado_id, "provider_ids": dumps(some)}
            found |= {(row.provider, row.provider_id): row for row in self._connection.execute(query, given)}
        return found

    def _learn_links(self, told: Iterable[tuple[str, str]]) -> None:
        for link_id, provider in set(told) - self._links.keys():
            self._links[link_id, provider] = self._link(link_id, provider)

    def _link(self, link_id: str, provider: str) -> str:
        mine = (self._people.mentorado_id, provider)
        own = self._people.own(link_id)
        candidates = (link_id, own, self._people.own(f"{own} {provider}"))
        rows = {row.id: row for row in self._connection.execute(link.select().where(link.c.id.in_(candidates)))}
        if link_id in rows and (rows[link_id].mentorado_id, rows[link_id].provider) == mine:
            return link_id
        theirs = (link.c.mentorado_id == self._people.mentorado_id) & (link.c.provider == provider)
        in_use: str | None = self._connection.execute(select(link.c.id).where(theirs, link.c.active)).scalar()
        if in_use is not None:
            return in_use
        for each in candidates:
            if each not in rows:
                values = {"id": each, "mentorado_id": self._people.mentorado_id, "provider": provider}
                self._connection.execute(link.insert().values(**values, active=False, wanted=False))
                return each
            if (rows[each].mentorado_id, rows[each].provider) == mine:
                return each
        raise AssertionError("the last is this mentorado's and this provider's")


def _further(known: Row[Any], delivery: Delivery, failure: str | None) -> dict[str, str | None]:
    """How far *known* got with what else was reported, and why it failed where it did."""
    return {
        "delivery": forward(Delivery(known.delivery), delivery).value,
        "failure": latest_failure(known.failure, failure) or None,
    }


def _both(one: ToldReceipt, other: ToldReceipt) -> ToldReceipt:
    delivery = forward(one.delivery, other.delivery)
    return replace(other, delivery=delivery, failure=latest_failure(one.failure, other.failure) or None)


def _same(waiting: Row[Any]) -> ColumnElement[bool]:
    return and_(early_receipt.c.link_id == waiting.link_id, early_receipt.c.provider_id == waiting.provider_id)
