"""Made-up messages and receipts, and the history they are stored in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app.domain.mentorado import Link, Mentorado, ProviderKind, new_link_id
from app.domain.messages import Address, AddressKind, DeliveryReceipt, DeliveryStatus, MessageKind, ProviderMessage
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado


def phone(number: str) -> Address:
    return Address(AddressKind.PHONE, number)


def lid(digits: str) -> Address:
    return Address(AddressKind.LID, digits)


BIA, BIA_LID = phone("+5521987650001"), lid("200000000000001")
CAIO, CAIO_LID = phone("+5531987650002"), lid("200000000000002")
GROUP = Address(AddressKind.GROUP, "120363000000000001")


def minutes(count: float) -> datetime:
    return DAWN + timedelta(minutes=count)


def a_message(provider_id: str, text: str = "oi", *chat: Address, minute: float = 0, **details: Any) -> ProviderMessage:
    """A text from Bia, unless told otherwise."""
    chat = chat or (BIA,)
    several = any(address.kind in (AddressKind.GROUP, AddressKind.OTHER) for address in chat)
    values: dict[str, Any] = {"from_me": False, "sender": () if details.get("from_me") else (BIA,) if several else chat}
    values |= {"sent_at": minutes(minute), "received_at": minutes(minute)}
    return ProviderMessage(provider_id=provider_id, chat=chat, text=text, **(values | details))


def edit(provider_id: str, of: str, text: str, *chat: Address, **details: Any) -> ProviderMessage:
    return a_message(provider_id, text, *chat, kind=MessageKind.EDIT, refers_to=of, **details)


def reaction(provider_id: str, to: str, sign: str, *chat: Address, **details: Any) -> ProviderMessage:
    return a_message(provider_id, sign, *chat, kind=MessageKind.REACTION, refers_to=to, **details)


def revocation(provider_id: str, of: str, *chat: Address, **details: Any) -> ProviderMessage:
    return a_message(provider_id, "", *chat, kind=MessageKind.REVOCATION, refers_to=of, **details)


def receipt(delivery: DeliveryStatus, *provider_ids: str, minute: float = 0) -> DeliveryReceipt:
    return DeliveryReceipt(provider_ids=provider_ids, chat=(BIA,), delivery=delivery, at=minutes(minute))


async def add_mentorado(database: Database, name: str = "Ana Lima", number: str = "+5511987654321") -> Mentorado:
    mentorado = new_mentorado(name, number)
    await SqlMentoradoRepository(database).add(mentorado)
    return mentorado


async def switched(database: Database, mentorado: Mentorado, provider: ProviderKind) -> Mentorado:
    """The same mentorado with a new link through another provider, as a provider switch prepares it."""
    link = Link(id=new_link_id(), mentorado_id=mentorado.id, provider=provider)

    def add(connection: Connection) -> None:
        from app.storage.tables import link as table

        connection.execute(
            table.insert().values(
                id=link.id, mentorado_id=link.mentorado_id, provider=provider.value, active=False, wanted=False
            )
        )

    await database.run(add)
    return replace(mentorado, link=link)


async def rows(database: Database, sql: str, *values: object) -> Sequence[tuple[Any, ...]]:
    found = await database.read(lambda connection: connection.exec_driver_sql(sql, values).all())
    return [tuple(row) for row in found]


async def execute(database: Database, statement: str, **values: object) -> None:
    await database.run(lambda connection: connection.execute(text(statement), values))
