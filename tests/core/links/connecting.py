"""Steps of a connection that several tests take."""

from __future__ import annotations

from app.domain.actions import ActionName
from app.domain.link_status import (
    LinkState,
)
from app.domain.mentorado import Mentorado
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, QrIssued, QrScanned
from tests.clock import settle
from tests.services import Core

ANA = PhoneNumber("+5511987654321")


def code(number: int = 1) -> QrIssued:
    return QrIssued("https://example.invalid/code", number, 6, 60.0 if number == 1 else 20.0)


async def connected(core: Core, name: str = "Ana", phone: str = "11 98765-4321") -> Mentorado:
    mentorado = await core.add(name, phone)
    await core.do(ActionName.CONNECT, mentorado)
    core.provider.line.say(code(), QrScanned(mentorado.phone), Connected(mentorado.phone))
    await settle()
    assert core.status(mentorado).state is LinkState.CONNECTED
    return mentorado
