"""Conversations made up for tests and pictures, stored by the real history in a real file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.domain.events import HistoryGrew
from app.domain.mentorado import Enrolment
from app.domain.messages import (
    Address,
    AddressKind,
    ConversationId,
    Delivery,
    Media,
    MessageKind,
    WireFact,
    WireMessage,
    WireReceipt,
)
from app.storage.database import Database
from app.storage.history import SqlHistory
from app.storage.roster import SqlRoster
from tests.clock import StillClock
from tests.played import PlayedAudit, witness_of
from tests.storage.people import enrolled

NOW = datetime(2026, 5, 12, 17, 40, tzinfo=UTC)


def phone(number: str) -> Address:
    return Address(AddressKind.PHONE, number)


BIA, CAIO, DORA = phone("+5521900000001"), phone("+5531900000002"), phone("+5541900000003")
TEAM = Address(AddressKind.GROUP, "120363000000000009")


@dataclass
class Library:
    """A history over a file, who is in it, and the bus that tells of it."""

    database: Database
    clock: StillClock = field(default_factory=lambda: StillClock(NOW))
    bus: Bus = field(default_factory=Bus)

    def __post_init__(self) -> None:
        self.history = SqlHistory(self.database)
        self.roster = SqlRoster(self.database)
        self.enrolments = Enrolments(
            bus=self.bus, roster=self.roster, clock=self.clock, witness=witness_of(PlayedAudit())
        )

    async def enrol(self, name: str, number: str) -> Enrolment:
        await self.roster.add(one := enrolled(name, number))
        await self.enrolments.load()
        return one

    async def tell(self, whose: Enrolment, *facts: WireFact) -> Sequence[ConversationId]:
        """Store *facts*, and tell everybody, as the core does."""
        changed = await self.history.store(whose, facts, self.clock.now())
        if changed:
            self.bus.publish(HistoryGrew(whose.mentorado.id, tuple(changed)))
        return changed

    async def chat(self, whose: Enrolment) -> ConversationId:
        """The conversation that was talked in last."""
        return (await self.history.conversations(whose.mentorado.id))[0].id


@asynccontextmanager
async def library(path: Path) -> AsyncIterator[Library]:
    async with Database(path) as database:
        yield Library(database)


def said(provider_id: str, text: str = "oi", chat: Address = BIA, *, ago: float = 0, **details: Any) -> WireMessage:
    """A message, so many minutes *ago*; from the other side unless told otherwise."""
    sender = () if details.get("from_me") else (chat,)
    at = NOW - timedelta(minutes=ago)
    values: dict[str, Any] = {"from_me": False, "sender": sender, "sent_at": at, "received_at": at}
    return WireMessage(provider_id=provider_id, chat=(chat,), text=text, **(values | details))


def many(count: int, chat: Address = BIA, *, minutes: float = 7) -> list[WireMessage]:
    """A long talk, the oldest first, in turns."""
    return [
        said(
            f"N{number}",
            f"mensagem {number}" + " com mais algumas palavras" * (number % 7),
            chat,
            ago=minutes * (count - number),
            from_me=number % 3 == 1,
            sender_name="" if number % 3 == 1 else "Bia",
        )
        for number in range(count)
    ]


def received(delivery: Delivery, *provider_ids: str) -> WireReceipt:
    return WireReceipt(provider_ids=provider_ids, chat=(BIA,), delivery=delivery, at=NOW)


def changed(kind: MessageKind, provider_id: str, of: str, text: str = "", **details: Any) -> WireMessage:
    """A reaction to, an edit or a revocation of another message."""
    return said(provider_id, text, kind=kind, refers_to=of, **details)


def vivid() -> list[WireFact]:
    """Everything a conversation can show, in a few screens."""
    day = 24 * 60
    me: dict[str, Any] = {"from_me": True}
    bia: dict[str, Any] = {"sender_name": "Beatriz Nóbrega"}
    kind, photo = MessageKind, Media(mime="image/jpeg", size=482_113)
    return [
        said("A1", "Oi, tudo bem? Vi o seu anúncio da mentoria e fiquei com algumas dúvidas.", ago=3 * day + 90, **bia),
        said("A2", "Oi Beatriz! Tudo ótimo, e com você?", ago=3 * day + 80, **me),
        said("A3", "Pode perguntar à vontade.", ago=3 * day + 80, **me),
        said("A4", "Quanto tempo dura?", ago=3 * day + 70, **bia),
        said("A5", "São 12 encontros, um por semana, sempre às terças.", ago=3 * day + 60, refers_to="A4", **me),
        said("A6", kind=kind.VOICE, text="", media=Media(seconds=72), ago=day + 400, **bia),
        said(
            "A7",
            "Segue a proposta com os valores e as datas.",
            kind=kind.DOCUMENT,
            ago=day + 390,
            **me,
            media=Media(mime="application/pdf", name="Proposta – Mentoria Turma 12 (versão final).pdf", size=1_290_000),
        ),
        said("A8", "Esta é a sala nova!", kind=kind.IMAGE, media=photo, ago=day + 380, **me),
        said("A9", "Que lugar lindo 😍", ago=day + 300, **bia),
        said("A10", "", kind=kind.LOCATION, ago=day + 200, **bia),
        said("A11", "Meu cartão é 4111 1111 1111 1111", ago=day + 190, **bia),
        changed(kind.REVOCATION, "R11", "A11", ago=day + 188, **bia),
        said("B1", "Bom dia! Consegue me confirmar até as 18h?", ago=190, **me),
        said(
            "B2",
            "Consigo sim, só falta falar com o meu sócio sobre a data de início. Ele volta de viagem hoje à"
            " tarde e eu te chamo assim que a gente conversar, pode ser?",
            ago=150,
            **bia,
        ),
        said("B3", "Perfeito, fico no aguardo.", ago=140, **me),
        changed(kind.EDIT, "E3", "B3", "Perfeito, fico no aguardo. Qualquer coisa me liga.", ago=139, **me),
        changed(kind.REACTION, "X1", "B3", "👍", ago=130),
        changed(kind.REACTION, "X2", "B2", "❤", ago=130, **me),
        said("B4", "", kind=kind.UNREADABLE, ago=100, **bia),
        said("B5", "Fechado! Pode mandar o contrato.", ago=12, **bia),
        said("B6", "Ótima notícia! Mando agora.", ago=10, **me),
        said("B7", "https://conecta.example/contrato/5f0c9a7e21d84b6fa3c1e88d7b90412e0f6a7c55", ago=9, **me),
        said("B8", "Chegou?", ago=4, **me),
        received(Delivery.READ, "A2", "A3", "A5", "A7", "A8", "B1", "B3"),
        received(Delivery.DELIVERED, "B6"),
        received(Delivery.SENT, "B7"),
        replace(received(Delivery.FAILED, "B8"), code="131049", detail="Not delivered to keep the ecosystem healthy"),
    ]


def grouped() -> list[WireFact]:
    """Several people in a group."""
    names = {BIA: "Beatriz Nóbrega", CAIO: "Caio Figueirêdo", DORA: "Dora"}
    lines = (
        (BIA, "Alguém anotou a data do próximo encontro?"),
        (CAIO, "Terça, dia 19, às 19h."),
        (CAIO, "Online."),
        (DORA, "Obrigada!"),
        (None, "Isso mesmo, mando o link no dia."),
    )
    return [
        said(
            f"G{number}",
            text,
            TEAM,
            ago=600 - number * 4,
            from_me=who is None,
            sender=(who,) if who else (),
            sender_name=names.get(who, "") if who else "",
        )
        for number, (who, text) in enumerate(lines)
    ]
