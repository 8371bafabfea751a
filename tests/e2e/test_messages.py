"""From a phone far away to the page that staff read, through the real wire, spool, database and window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabBar

from app.domain.link_status import LinkState
from app.settings import Settings
from app.text.status import texts
from tests.e2e.conftest import PHONE, TYPED, Session, conecta
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

BIA = "5521912345678"


async def connected(session: Session, emulator: EmulatorProcess) -> None:
    await session.fill_in("Ana Prates", TYPED, texts("dialog.add_and_connect"))
    code = await session.code_in_pixels()
    await emulator.control.off_loop(emulator.control.scan, PHONE, code)
    await session.until_state(session.only(), LinkState.CONNECTED)


@pytest.mark.within(60)
async def test_what_somebody_writes_is_read_in_the_window_and_kept_for_the_next_day(
    settings: Settings, emulator: EmulatorProcess
) -> None:
    emulator.control.add_account(PHONE)
    emulator.control.add_account(BIA)
    async with conecta(settings) as session:
        await connected(session, emulator)
        ana = session.only()
        (tabs,) = [bar for bar in session.window.findChildren(QTabBar) if bar.isVisible()]
        QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(1).center())
        await emulator.control.off_loop(emulator.control.send_text, BIA, PHONE, "Olá, começa quando?")
        await until(lambda: session.status(ana).evidence.last_inbound is not None)
        await until(lambda: "Olá, começa quando?" in session.spoken_rows())
        extent = await session.core.history.extent(ana.id)
        assert (extent.messages, extent.conversations) == (1, 1)
    async with conecta(settings) as session:
        found = await session.core.history.search("comeca")
        assert [message.text for message in found] == ["Olá, começa quando?"]
