"""What is done from the pane: actions, their questions, and problems."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QScrollArea, QToolTip

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import (
    LinkState,
    Reason,
)
from app.text.signs import ACTION_ICON
from app.text.status import refusal, texts
from app.ui.async_slots import show_error
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import plain_tip
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach, read_aloud, spoken
from tests.ui.detail_pane.harness import LUIZA, OTHER_NUMBER, THIAGO, PaneHarness, pane_harness
from tests.ui.detail_pane.pane_controls import PAIRS, card, open_pane, words

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def press(harness: PaneHarness, text: str) -> None:
    (found,) = [each for each in harness.pane.findChildren(QAbstractButton) if each.isVisible() and each.text() == text]
    scrolled: QObject | None = found.parent()
    while scrolled is not None and not isinstance(scrolled, QScrollArea):
        scrolled = scrolled.parent()
    if scrolled is not None:
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)  # what was folded out has its place now
        scrolled.ensureWidgetVisible(found)  # a click below the pane's edge meets nothing
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


async def question(harness: PaneHarness) -> ConfirmDialog:
    await settle()
    (sheet,) = harness.pane.findChildren(ConfirmDialog)
    return sheet


@pytest.mark.within(60)
async def test_a_card_that_does_not_fit_is_locked_and_says_why(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        plate = harness.pane._content.pairing._plate  # without a code there is nothing to press on it
        for state, reason in PAIRS:
            harness.put(state, reason)
            for each in harness.pane._content.action_cards.cards:
                why = harness.actions.unavailable_reason(each.name, THIAGO)
                assert each.locked is (why is not None), (state, reason)
                assert why is None or refusal(why) in each.accessibleDescription(), (state, reason)
            assert nameless(harness.pane) == [], (state, reason)
            beyond = out_of_reach(harness.pane)
            assert [each for each in beyond if each is not plate or plate.readable] == [], (state, reason)


async def test_a_locked_card_has_its_place_for_the_keyboard_and_pressed_says_why(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        locked = card(harness, ActionName.SMOKE_TEST)
        assert locked.locked
        locked.setFocus()
        assert harness.pane.focusWidget() is locked
        asked: list[ActionName] = []
        harness.pane._content.action_requested.connect(asked.append)
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
            QToolTip.hideText()
            QTest.keyClick(locked, key)
            assert QToolTip.text() == plain_tip(locked._line)
        assert asked == []
        QToolTip.hideText()


def test_every_action_has_an_icon() -> None:
    assert set(ACTION_ICON) == set(ActionName)


async def test_an_action_runs_from_its_card(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        QTest.keyClick(card(harness, ActionName.CONNECT), Qt.Key.Key_Return)
        await settle()
        assert harness.status().state is LinkState.CONNECTING
        assert len(harness.provider.lines) == 1


@pytest.mark.parametrize("sure", [True, False])
async def test_disconnecting_asks_first(theme: Theme, sure: bool) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED)
        harness.pane._content.action_cards.more.click()
        await settle()  # what has become visible has its place
        press(harness, "Desconectar")
        sheet = await question(harness)
        assert not card(harness, ActionName.DISCONNECT).isEnabled(), "not twice at once"
        (sheet.confirm if sure else sheet.cancel).click()
        await settle()
        assert harness.status().state is (LinkState.OFF if sure else LinkState.CONNECTED)


async def test_a_question_leaves_the_pane_where_it_was_and_gives_the_focus_back(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.pane.resize(364, 480)
        harness.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        await settle()
        button = harness.pane._content.lead._second
        harness.pane.activateWindow()
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
        sheet = await question(harness)
        assert harness.pane._pages.scroll.verticalScrollBar().maximum() > 0
        assert harness.pane._pages.scroll.verticalScrollBar().value() == 0
        sheet.cancel.click()
        await settle()
        assert harness.pane.focusWidget() is button


async def test_the_wrong_phone_can_be_sent_away_or_accepted(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        assert "+55 11 91234-4321" in words(harness)
        press(harness, "Aceitar este número")
        sheet = await question(harness)
        assert read_aloud(sheet.title.text()) == "Aceitar +55 11 91234-4321 para Thiago Torquato?"
        sheet.cancel.click()
        await settle()
        press(harness, "Desconectar este celular")
        await settle()
        assert harness.provider.discarded == [], "nothing is unlinked before a yes"
        (sheet,) = [each for each in harness.pane.findChildren(ConfirmDialog) if each.isVisible()]
        sheet.confirm.click()
        await settle()
        assert harness.provider.discarded == [harness.mentorados.get(THIAGO).link.id]
        assert harness.status().state is LinkState.OFF


async def test_a_problem_shows_in_place_until_dismissed(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL, path="/data")
        text = texts("problem.database_disk_full.sentence", path="/data")
        press(harness, "Mais ações")
        press(harness, "Arquivar")
        (await question(harness)).confirm.click()
        await settle()
        assert text in words(harness)
        harness.pane.show_mentorado(LUIZA)
        assert text not in words(harness), "it was about somebody else"
        harness.pane.show_mentorado(THIAGO)
        assert text in words(harness)
        (dismiss,) = [
            b for b in harness.pane.findChildren(QPushButton) if b.isVisible() and spoken(b) == "Dispensar este aviso"
        ]
        dismiss.click()
        assert text not in words(harness)


def test_a_bug_is_told_without_its_innards(
    on_qt: OnQt, theme: Theme, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object) -> None:
        raise ZeroDivisionError("innards")

    async def main() -> None:
        async with pane_harness(theme) as harness:
            open_pane(harness)
            monkeypatch.setattr(harness.actions, "run", explode)
            card(harness, ActionName.CONNECT).click()
            await settle()
            assert texts("detail.crash") in words(harness)
            assert "innards" not in words(harness)
            assert "innards" in caplog.text

    on_qt(main)


async def test_a_problem_is_forgotten_once_the_link_moves_on(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        show_error(harness.pane, Problem(ProblemCode.ENGINE_MISSING))
        assert texts("problem.engine_missing.sentence") in words(harness)
        harness.put(LinkState.CONNECTED)
        assert texts("problem.engine_missing.sentence") not in words(harness)


async def test_no_card_changes_its_meaning_under_the_pointer(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        first = [place.card for place in harness.pane._content.action_cards._first][:4]
        for state, reason in PAIRS:
            harness.put(state, reason)
            await settle(2)
            assert [each.name for each in first] == [
                ActionName.SMOKE_TEST,
                ActionName.CONNECT,
                ActionName.REAUTHENTICATE,
                ActionName.SWITCH_PROVIDER,
            ], (state, reason)
            assert all(each.isVisible() for each in first), (state, reason)


async def test_a_second_press_on_connect_does_not_give_it_up(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        place = card(harness, ActionName.CONNECT)
        for _ in range(2):
            QTest.mouseClick(place, Qt.MouseButton.LeftButton)
            await settle()
        assert harness.status().state is LinkState.CONNECTING
        cancel = card(harness, ActionName.CANCEL)
        QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
        await settle()
        assert harness.status().state is LinkState.OFF
        assert not cancel.isVisible()
