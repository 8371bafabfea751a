"""A phone logs out while staff work elsewhere in the window: they are told, and are there with one click."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.domain.link_status import LinkState, Reason
from app.settings import Settings
from app.text.status import texts
from app.ui.widgets.toast import Toast
from tests.e2e.conftest import PHONE, TYPED, Session, conecta
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

BIA = "5521912345679"


def toast(session: Session) -> Toast | None:
    shown = [each for each in session.window.places.children() if isinstance(each, Toast) and each.isVisible()]
    return shown[0] if shown else None


def read_labels(session: Session) -> str:
    labels = session.window.findChildren(QLabel)
    return " | ".join(label.text() for label in labels if label.isVisible())


@pytest.mark.within(90)
async def test_a_phone_that_logs_out_is_announced_on_any_page_and_opened_with_one_click(
    settings: Settings, emulator: EmulatorProcess
) -> None:
    emulator.control.add_account(PHONE)
    emulator.control.add_account(BIA)
    async with conecta(settings) as session:
        await session.fill_in("Ana Prates", TYPED, texts("dialog.add_and_connect"))
        code = await session.code_in_pixels()
        linked = await emulator.control.off_loop(emulator.control.scan, PHONE, code)
        ana = session.only()
        await session.until_state(ana, LinkState.CONNECTED)
        await emulator.control.off_loop(emulator.control.send_text, BIA, PHONE, "Olá, começa quando?")
        await until(lambda: session.status(ana).evidence.last_inbound is not None, within=20)
    async with conecta(settings) as session:  # the next day nothing came yet, and the last message is known
        ana = session.only()
        await session.until_state(ana, LinkState.CONNECTED)
        session.window.choose(ana.id)
        assert session.status(ana).evidence.last_inbound is None
        pane = session.window._pane
        assert pane is not None
        values = pane._content.evidence._values
        await until(lambda: values["last_inbound"].text() == texts("age.now"), within=20)
        session.window.go("settings")
        assert await emulator.control.off_loop(emulator.control.remove_device, PHONE, linked.device)
        await session.until_state(ana, LinkState.BLOCKED)
        assert session.status(ana).reason is Reason.LOGGED_OUT
        await until(lambda: toast(session) is not None, within=20)
        assert "Ana Prates" in read_labels(session)
        assert session.window.windowTitle() == texts.plural("window.needing", 1, name="Conecta")
        session.actions = 0
        session.click(texts("fallen.show"), toast(session))
        assert session.window.shows(ana.id)
        assert session.actions == 1
        await until(lambda: toast(session) is None)
