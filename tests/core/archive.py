"""A history of made-up messages, in memory: what personal data is read from and removed from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.domain.consent import ConsentEntry, ContactConsents
from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import Problem
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.messages import (
    Address,
    AddressKind,
    ContactId,
    Conversation,
    ConversationId,
    HistoryStats,
    MessageKind,
    StoredMessage,
)
from tests.clock import DAWN
from tests.fake_audit import counted

BIA = Address(AddressKind.PHONE, "+5521987650001")
CAIO = Address(AddressKind.PHONE, "+5531987650002")
GROUP = Address(AddressKind.GROUP, "120363000000000001")


def stored_message(number: int, text: str = "oi", talk: str = "bia", **details: Any) -> StoredMessage:
    """A text from Bia, unless told otherwise."""
    at = DAWN + timedelta(minutes=number)
    values: dict[str, Any] = {
        "number": number,
        "conversation_id": ConversationId(talk),
        "link_id": LinkId("a" * 32),
        "provider": ProviderKind.WHATSAPP_WEB,
        "provider_id": f"ID{number}",
        "from_me": False,
        "sender_name": "Bia",
        "kind": MessageKind.TEXT,
        "text": text,
        "original_text": text,
        "media": None,
        "reactions": (),
        "quoted_text": None,
        "sent_at": at,
        "received_at": at,
        "stored_at": at,
        "delivery": None,
        "edited_at": None,
        "revoked_at": None,
    }
    return StoredMessage(**(values | details))


def talk(name: str, title: str, *addresses: Address) -> Conversation:
    return Conversation(
        id=ConversationId(name),
        mentorado_id=MentoradoId(""),
        title=title,
        addresses=addresses,
        is_group=any(address.kind is AddressKind.GROUP for address in addresses),
        messages=1,
        last_text="",
        last_at=DAWN,
    )


class FakeArchive:
    """Implements `PersonalDataRepository`. Bia can be found; what is said is said in batches."""

    def __init__(self, *batches: Sequence[StoredMessage], talks: Sequence[Conversation] = ()) -> None:
        self.batches = batches
        self.talks = talks or [talk("group", "Turma", GROUP), talk("bia", "Bia", BIA)]
        self.asked_for: list[ContactId | None] = []
        self.erased: list[tuple[ContactId, datetime]] = []
        self.problem: Problem | None = None
        self.unknown = False
        self.closed = False
        self.no_room: Problem | None = None  # raised by writing the file anew while set
        self.overwritten = 0

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        return self.talks

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats:
        return HistoryStats(messages=sum(map(len, self.batches)), conversations=len(self.talks), since=DAWN)

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        return len(self.talks)

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        return ContactId("b" * 32) if address.key == BIA.key and not self.unknown else None

    async def export(
        self, mentorado_id: MentoradoId, *, contact_id: ContactId | None = None
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        self.asked_for.append(contact_id)
        try:
            for batch in self.batches:
                yield batch
            if self.problem is not None:
                raise self.problem
        finally:
            self.closed = True

    async def erase(self, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
        if self.problem is not None:
            raise self.problem
        self.erased.append((contact_id, at))
        self.unknown = True
        return counted(12)

    async def erase_recorded(self, mentorado_id: MentoradoId, address: Address, at: datetime) -> int:
        raise NotImplementedError

    async def recorded(self, mentorado_id: MentoradoId, address: Address) -> Sequence[Address]:
        return ()

    async def addresses(self, mentorado_id: MentoradoId, contact_id: ContactId) -> Sequence[Address]:
        return [BIA]

    async def was_erased(self, mentorado_id: MentoradoId, address: Address) -> bool:
        return bool(self.erased) and address.key == BIA.key

    async def traces_left(self) -> bool:
        return bool(self.erased) and not self.overwritten

    async def overwrite(self) -> None:
        if self.no_room is not None:
            raise self.no_room
        self.overwritten += 1

    async def total(self) -> int:
        return 0

    async def delete_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        raise NotImplementedError


class FakeConsents:
    """Implements `ConsentReader`. Nothing was recorded of anybody."""

    async def ledgers(self, mentorado_id: MentoradoId, contacts: Sequence[Address]) -> Sequence[Sequence[ConsentEntry]]:
        return [() for _ in contacts]

    async def contacts(self, mentorado_id: MentoradoId) -> Sequence[ContactConsents]:
        return ()


COPY = OldCopy(kind=CopyKind.BACKUP, path=Path("Conecta Ana.conecta"), at=DAWN)


class FakeLeftovers:
    """A place with copies in it."""

    def __init__(self, held: Sequence[OldCopy] = (COPY,)) -> None:
        self.wiped: list[bytes] = []
        self.held = list(held)
        self.problem: Problem | None = None

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        self.wiped += traces
        if self.problem is not None:
            raise self.problem
        return 1

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return self.held

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        if self.problem is not None:
            raise self.problem
        self.held = [each for each in self.held if each not in copies]
