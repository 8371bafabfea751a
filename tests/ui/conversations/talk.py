"""Conversations made up for tests and pictures, stored by the real history in a real file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.domain.events import MessagesStored
from app.domain.mentorado import Mentorado
from app.domain.messages import (
    Address,
    AddressKind,
    ConversationId,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageKind,
    MessageUpdate,
    ProviderMessage,
)
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import StillClock
from tests.fake_audit import FakeAuditLog, audit_service_of
from tests.storage.people import new_mentorado

NOW = datetime(2026, 5, 12, 17, 40, tzinfo=UTC)


def phone(number: str) -> Address:
    return Address(AddressKind.PHONE, number)


BIA, CAIO, DORA = phone("+5521900000001"), phone("+5531900000002"), phone("+5541900000003")
TEAM = Address(AddressKind.GROUP, "120363000000000009")


@dataclass
class HistoryHarness:
    """A history over a file, who is in it, and the bus that tells of it."""

    database: Database
    clock: StillClock = field(default_factory=lambda: StillClock(NOW))
    bus: EventBus = field(default_factory=EventBus)

    def __post_init__(self) -> None:
        self.history = SqlMessageRepository(self.database)
        self.mentorado_repository = SqlMentoradoRepository(self.database)
        self.mentorados = MentoradoService(
            bus=self.bus,
            mentorado_repository=self.mentorado_repository,
            clock=self.clock,
            audit_service=audit_service_of(FakeAuditLog()),
        )

    async def add_mentorado(self, name: str, number: str) -> Mentorado:
        await self.mentorado_repository.add(one := new_mentorado(name, number))
        await self.mentorados.load()
        return one

    async def tell(self, whose: Mentorado, *facts: MessageUpdate) -> Sequence[ConversationId]:
        """Store *facts*, and tell everybody, as the core does."""
        changed = await self.history.store(whose, facts, self.clock.now())
        if changed:
            self.bus.publish(MessagesStored(whose.id, tuple(changed)))
        return changed

    async def chat(self, whose: Mentorado) -> ConversationId:
        """The conversation that was talked in last."""
        return (await self.history.conversations(whose.id))[0].id


@asynccontextmanager
async def library(path: Path) -> AsyncIterator[HistoryHarness]:
    async with Database(path) as database:
        yield HistoryHarness(database)


def a_message(
    provider_id: str, text: str = "oi", chat: Address = BIA, *, ago: float = 0, **details: Any
) -> ProviderMessage:
    """A message, so many minutes *ago*; from the other side unless told otherwise."""
    sender = () if details.get("from_me") else (chat,)
    at = NOW - timedelta(minutes=ago)
    values: dict[str, Any] = {"from_me": False, "sender": sender, "sent_at": at, "received_at": at}
    return ProviderMessage(provider_id=provider_id, chat=(chat,), text=text, **(values | details))


def many(count: int, chat: Address = BIA, *, minutes: float = 7) -> list[ProviderMessage]:
    """A long talk, the oldest first, in turns."""
    return [
        a_message(
            f"N{number}",
            f"mensagem {number}" + " com mais algumas palavras" * (number % 7),
            chat,
            ago=minutes * (count - number),
            from_me=number % 3 == 1,
            sender_name="" if number % 3 == 1 else "Bia",
        )
        for number in range(count)
    ]


def received(delivery: DeliveryStatus, *provider_ids: str) -> DeliveryReceipt:
    return DeliveryReceipt(provider_ids=provider_ids, chat=(BIA,), delivery=delivery, at=NOW)


def changed(kind: MessageKind, provider_id: str, of: str, text: str = "", **details: Any) -> ProviderMessage:
    """A reaction to, an edit or a revocation of another message."""
    return a_message(provider_id, text, kind=kind, refers_to=of, **details)


def vivid() -> list[MessageUpdate]:
    """Everything a conversation can show, in a few screens."""
    day = 24 * 60
    me: dict[str, Any] = {"from_me": True}
    bia: dict[str, Any] = {"sender_name": "Beatriz Nóbrega"}
    kind, photo = MessageKind, Media(mime="image/jpeg", size=482_113)
    return [
        a_message(
            "A1", "Oi, tudo bem? Vi o seu anúncio da mentoria e fiquei com algumas dúvidas.", ago=3 * day + 90, **bia
        ),
        a_message("A2", "Oi Beatriz! Tudo ótimo, e com você?", ago=3 * day + 80, **me),
        a_message("A3", "Pode perguntar à vontade.", ago=3 * day + 80, **me),
        a_message("A4", "Quanto tempo dura?", ago=3 * day + 70, **bia),
        a_message("A5", "São 12 encontros, um por semana, sempre às terças.", ago=3 * day + 60, refers_to="A4", **me),
        a_message("A6", kind=kind.VOICE, text="", media=Media(seconds=72), ago=day + 400, **bia),
        a_message(
            "A7",
            "Segue a proposta com os valores e as datas.",
            kind=kind.DOCUMENT,
            ago=day + 390,
            **me,
            media=Media(mime="application/pdf", name="Proposta – Mentoria Turma 12 (versão final).pdf", size=1_290_000),
        ),
        a_message("A8", "Esta é a sala nova!", kind=kind.IMAGE, media=photo, ago=day + 380, **me),
        a_message("A9", "Que lugar lindo 😍", ago=day + 300, **bia),
        a_message("A10", "", kind=kind.LOCATION, ago=day + 200, **bia),
        a_message("A11", "Meu cartão é 4111 1111 1111 1111", ago=day + 190, **bia),
        changed(kind.REVOCATION, "R11", "A11", ago=day + 188, **bia),
        a_message("B1", "Bom dia! Consegue me confirmar até as 18h?", ago=190, **me),
        a_message(
            "B2",
            "Consigo sim, só falta falar com o meu sócio sobre a data de início. Ele volta de viagem hoje à"
            " tarde e eu te chamo assim que a gente conversar, pode ser?",
            ago=150,
            **bia,
        ),
        a_message("B3", "Perfeito, fico no aguardo.", ago=140, **me),
        changed(kind.EDIT, "E3", "B3", "Perfeito, fico no aguardo. Qualquer coisa me liga.", ago=139, **me),
        changed(kind.REACTION, "X1", "B3", "👍", ago=130),
        changed(kind.REACTION, "X2", "B2", "❤", ago=130, **me),
        a_message("B4", "", kind=kind.UNREADABLE, ago=100, **bia),
        a_message("B5", "Fechado! Pode mandar o contrato.", ago=12, **bia),
        a_message("B6", "Ótima notícia! Mando agora.", ago=10, **me),
        a_message("B7", "https://conecta.example/contrato/5f0c9a7e21d84b6fa3c1e88d7b90412e0f6a7c55", ago=9, **me),
        a_message("B8", "Chegou?", ago=4, **me),
        received(DeliveryStatus.READ, "A2", "A3", "A5", "A7", "A8", "B1", "B3"),
        received(DeliveryStatus.DELIVERED, "B6"),
        received(DeliveryStatus.SENT, "B7"),
        replace(
            received(DeliveryStatus.FAILED, "B8"), code="131049", detail="Not delivered to keep the ecosystem healthy"
        ),
    ]


def grouped() -> list[MessageUpdate]:
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
        a_message(
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
