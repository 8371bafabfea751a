"""From an empty window to a connected mentorado, as staff do it, and what can go wrong on the way."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from itertools import pairwise

import psutil
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.settings import Settings
from app.text import status as status_text
from app.text.status import texts
from app.ui.theme.theme import Mode
from tests.conftest import OnQt
from tests.e2e.conftest import PHONE, TYPED, Session, conecta
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture(autouse=True)
def fresh_account(emulator: EmulatorProcess) -> None:
    emulator.control.add_account(PHONE)


async def connect_by_hand(session: Session, emulator: EmulatorProcess, phone: str = PHONE) -> None:
    """Add somebody and let the phone scan exactly what the window shows."""
    await session.fill_in("Ana Prates", TYPED, texts("dialog.add_and_connect"))
    mentorado = session.only()
    await session.until_state(mentorado, LinkState.QR_READY)
    code = await session.code_in_pixels()
    await emulator.control.off_loop(emulator.control.scan, phone, code)


def hosts() -> list[psutil.Process]:
    """The session hosts this process has started and that still live."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any("session_host" in word for word in child.cmdline())]


def test_staff_connect_a_mentorado_by_what_the_window_shows(
    on_qt: OnQt, settings: Settings, emulator: EmulatorProcess
) -> None:
    async def main() -> None:
        async with conecta(settings) as session:
            await connect_by_hand(session, emulator)
            ana = session.only()
            await session.until_state(ana, LinkState.CONNECTED)
            assert session.badges == ["connecting", "qr_ready", "connected"]
            await until(lambda: session.codes_in_pixels() == [])
        first = len(emulator.control.attempts())
        async with conecta(settings) as session:  # the same person comes back to work
            ana = session.only()
            await session.until_state(ana, LinkState.CONNECTED)
            assert session.badges == ["connecting", "connected"]
            assert [attempt.kind for attempt in emulator.control.attempts()[first:]] == ["login"]

    on_qt(main, within=60)
    assert hosts() == []
    with sqlite3.connect(settings.database) as raw:
        states = [row[0] for row in raw.execute("SELECT after_state FROM transition ORDER BY id")]
    raw.close()
    assert states == [*("connecting", "qr_ready", "qr_ready", "connected", "off"), *("connecting", "connected", "off")]


@pytest.mark.within(60)
@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
async def test_the_code_can_be_read_in_both_themes_and_a_cancelled_one_is_gone(settings: Settings, mode: Mode) -> None:
    async with conecta(settings) as session:
        session.window._theme.set_mode(mode)
        await session.fill_in("Ana Prates", TYPED, texts("dialog.add_and_connect"))
        ana = session.only()
        shown = await session.code_in_pixels()
        qr = session.status(ana).qr
        assert qr is not None
        assert shown == qr.text
        session.click(texts("qr.cancel"))
        await session.until_state(ana, LinkState.OFF)
        await until(lambda: session.codes_in_pixels() == [])
        await until(lambda: hosts() == [])
        session.click(status_text.action(ActionName.CONNECT)[0])
        again = await session.code_in_pixels()
        assert again != shown


@pytest.mark.within(60)
async def test_another_phone_than_the_mentorados_waits_for_a_person(
    settings: Settings, emulator: EmulatorProcess
) -> None:
    stranger = "5521912345678"
    emulator.control.add_account(stranger)
    async with conecta(settings) as session:
        await connect_by_hand(session, emulator, stranger)
        ana = session.only()
        await session.until_state(ana, LinkState.BLOCKED)
        assert session.status(ana).reason is Reason.WRONG_ACCOUNT
        session.click(status_text.action(ActionName.REJECT_ACCOUNT)[0])
        sheet = await session.sheet()
        assert len(emulator.control.devices(stranger)) == 1, "nothing is unlinked before a yes"
        session.click(status_text.texts("question.reject_account.confirm"), sheet)
        await session.until_state(ana, LinkState.OFF)
        assert emulator.control.devices(stranger) == []


@pytest.mark.within(60)
async def test_a_killed_host_costs_a_moment_and_never_the_window(settings: Settings, emulator: EmulatorProcess) -> None:
    async with conecta(settings) as session:
        await connect_by_hand(session, emulator)
        ana = session.only()
        await session.until_state(ana, LinkState.CONNECTED)
        beats: list[float] = []
        pulse = QTimer(interval=10)
        pulse.timeout.connect(lambda: beats.append(time.monotonic()))
        pulse.start()
        for host in hosts():
            host.kill()
        await session.until_state(ana, LinkState.RECONNECTING)
        assert session.status(ana).reason is Reason.HOST_CRASHED
        await session.until_state(ana, LinkState.CONNECTED)
        pulse.stop()
        longest = max(after - before for before, after in pairwise(beats))
        assert longest < 1.0, "the window stood still"


@pytest.mark.within(60)
async def test_closing_asks_once_while_a_link_is_live_and_staying_is_the_default(
    settings: Settings, emulator: EmulatorProcess
) -> None:
    async with conecta(settings) as session:
        await connect_by_hand(session, emulator)
        ana = session.only()
        await session.until_state(ana, LinkState.CONNECTED)
        session.window.close()
        sheet = await session.sheet()
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        await until(lambda: not session.dialogs())
        await asyncio.sleep(0.1)  # quicker than this nobody asks again
        assert session.window.isVisible()
        assert session.status(ana).state is LinkState.CONNECTED


@pytest.mark.within(30)
async def test_a_database_that_cannot_be_opened_is_said_and_tried_until_it_can(settings: Settings) -> None:
    settings.database.write_bytes(b"this is no database" * 100)
    async with conecta(settings, loaded=False) as session:
        await until(lambda: bool(session.window.banners.problems()))
        assert [problem.code for problem in session.window.banners.problems()] == ["database_corrupt"]
        settings.database.rename(settings.database.with_suffix(".aside"))
        await until(lambda: session.window.banners.problems() == [])
        await session.fill_in("Ana Prates", TYPED, texts("dialog.add"))
        assert session.only().name == "Ana Prates"
