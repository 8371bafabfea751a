"""What staff do most often takes few clicks and keys; each story counts them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.settings import Settings
from app.text.status import action, texts
from app.ui.procedures.panel import ProcedurePanel
from app.ui.widgets.toast import Toast
from tests.e2e.conftest import PHONE, TYPED, Session, conecta
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("on_qt"), pytest.mark.within(90)]  # coroutines run on the loop of Qt

COHORT = 25


@pytest.fixture(autouse=True)
def fresh_account(emulator: EmulatorProcess) -> None:
    emulator.control.add_account(PHONE)


async def test_the_first_mentorado_is_connected_in_four_actions(settings: Settings, emulator: EmulatorProcess) -> None:
    async with conecta(settings) as session:
        session.press(Qt.Key.Key_Space)  # the keyboard is on "Add" already
        await session.sheet()
        session.write("Ana Prates")
        assert isinstance(session.focused, QLineEdit), "the number comes next"
        session.write(TYPED)
        session.click(texts("dialog.add_and_connect"), await session.sheet())
        await emulator.control.off_loop(emulator.control.scan, PHONE, await session.code_in_pixels())
        await session.until_state(session.only(), LinkState.CONNECTED)
        assert session.actions <= 4


async def test_one_who_logged_out_is_recovered_in_five_clicks(settings: Settings, emulator: EmulatorProcess) -> None:
    async with conecta(settings) as session:
        await session.fill_in("Ana Prates", TYPED, texts("dialog.add_and_connect"))
        code = await session.code_in_pixels()
        linked = await emulator.control.off_loop(emulator.control.scan, PHONE, code)
        ana = session.only()
        await session.until_state(ana, LinkState.CONNECTED)
        session.window.go("settings")
        assert await emulator.control.off_loop(emulator.control.remove_device, PHONE, linked.device)
        await until(lambda: session.status(ana).reason is Reason.LOGGED_OUT, within=20)
        session.actions = 0
        session.click(texts("fallen.show"), await announced(session))
        session.click(action(ActionName.REAUTHENTICATE)[0], pane(session))
        await offered(session, texts("begin.reauthentication.confirm"))
        session.click(texts("begin.reauthentication.confirm"), panel(session))
        await offered(session, texts("procedure.confirm.reauthentication"))
        session.click(texts("procedure.confirm.reauthentication"), panel(session))
        await session.until_state(ana, LinkState.QR_READY)
        await emulator.control.off_loop(emulator.control.scan, PHONE, await session.code_in_pixels())
        await session.until_state(ana, LinkState.CONNECTED)
        await offered(session, texts("procedure.close"))
        session.click(texts("procedure.close"), panel(session))
        assert session.actions <= 5


async def test_a_whole_cohort_is_archived_in_four_actions(settings: Settings) -> None:
    async with conecta(settings) as session:
        for number in range(COHORT):
            await session.core.mentorados.add(f"Pessoa {number:02}", f"+55419000001{number:02}", "Turma 12")
        await until(lambda: session.window._model.rowCount() == COHORT)
        session.click(texts("ticks.begin"))
        session.click(texts("ticks.all", count=COHORT))
        session.click(texts("ticks.archive"))
        sheet = await session.sheet()
        session.click(texts.plural("many.archive.confirm", COHORT), sheet)
        await until(lambda: all(each.archived for each in session.core.mentorados.all()), within=20)
        assert session.actions <= 4
        session.click(texts("many.close"), sheet)


def pane(session: Session) -> QWidget:
    shown = session.window._pane
    assert shown is not None
    return shown


def panel(session: Session) -> ProcedurePanel:
    (shown,) = [each for each in session.window.findChildren(ProcedurePanel) if each.isVisible()]
    return shown


async def announced(session: Session) -> Toast:
    """The toast over whatever page is on show, once it is there."""

    def shown() -> list[Toast]:
        return [each for each in session.window.places.children() if isinstance(each, Toast) and each.isVisible()]

    await until(lambda: bool(shown()), within=20)
    return shown()[0]


async def offered(session: Session, words: str) -> None:
    """Wait until the procedure offers the button *words*."""

    def is_there() -> bool:
        try:
            return session.button(words, panel(session)).isEnabled()
        except (AssertionError, ValueError):
            return False

    await until(is_there, within=20)
