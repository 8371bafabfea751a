"""The window as a person uses it: with eyes, with a keyboard, with a screen reader, in either language."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QCloseEvent, QImage, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.link_status import LinkState, LinkStatus
from app.domain.uptime import TimeRange
from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.crash import CrashSheet
from app.ui.main_window import MainWindow
from app.ui.mentorado_list.model import ListFilter, MentoradoListModel
from app.ui.theme.theme import DARK, Mode, Theme
from app.ui.widgets.action_menu import CARDS, LEAD, MORE
from tests.clock import StillClock
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach
from tests.ui.window_harness import (
    CREDENTIAL,
    NOON,
    WindowHarness,
    person,
    status,
)

Use = Callable[[WindowHarness], Awaitable[None]]
InWindow = Callable[..., WindowHarness]
PEOPLE = range(40)


@pytest.fixture
def in_window(on_qt: OnQt, theme: Theme, tmp_path: Path) -> Iterator[InWindow]:
    """Open a window over made-up people, use it, and close it."""

    def play(use: Use, numbers: range = PEOPLE) -> WindowHarness:
        async def main() -> WindowHarness:
            harness = WindowHarness(tmp_path, [person(number) for number in numbers], theme)
            await harness.load(*(status(number) for number in numbers))
            try:
                await harness.show()
                await use(harness)
            finally:
                await harness.close()
            return harness

        return on_qt(main)

    yield play
    QApplication.processEvents()


def words(widget: QWidget) -> str:
    """Everything that is written in *widget* now."""
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))


async def settle() -> None:
    await asyncio.sleep(0.05)


def shown_names(harness: WindowHarness) -> list[str]:
    return [harness.model.data(harness.model.index(row)) for row in range(harness.model.rowCount())]


def test_the_header_counts_everybody_and_who_is_connected(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        connected = harness.model.count(ListFilter.CONNECTED)
        assert f"40 cadastrados · {connected} conectados" in words(harness.window.header)

    in_window(use)


def test_nothing_in_the_header_is_cut_in_a_narrow_window_with_large_text(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_text_scale(150)
        harness.window.resize(700, 620)
        await settle()
        for part in harness.window.header.findChildren(QWidget):
            if isinstance(part, (QLabel, QPushButton)) and part.isVisible():
                assert part.width() >= part.sizeHint().width(), part.text()

    in_window(use)


def test_the_search_narrows_and_says_when_nobody_is_left(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.header.search.setText("joao")
        assert shown_names(harness) == ["João Pedro de Araújo"]
        window.header.search.setText("zzz")
        assert "Nada corresponde a “zzz”. Limpe a busca ou os filtros." in words(window.list)
        clear = next(b for b in window.list.findChildren(QPushButton) if b.isVisible() and "Limpar" in b.text())
        clear.click()
        assert window.header.search.text() == ""
        assert window.list.table.isVisible()

    in_window(use)


def test_a_filter_with_nobody_says_which(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.list.chips.pick(ListFilter.CONNECTED)
        assert "Ninguém está em “Conectado” agora." in words(harness.window.list)

    in_window(use, range(3, 4))


def test_an_empty_list_is_invited_to_begin(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        text = words(window.list)
        assert "Comece pelo primeiro mentorado" in text
        assert "Adicionar mentorado" in text
        assert not window.list.chips.isVisible()
        assert harness.window._pane is not None
        assert not harness.window._pane.isVisible()
        await harness.mentorados.add("Ana", "11 91234-5678")
        await settle()
        assert window.list.table.isVisible()
        assert harness.window._pane.isVisible()

    in_window(use, range(0))


def test_everything_is_said_in_the_other_language_at_once(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        await settle()
        before = words(window)
        window.header._language.click()
        await settle()
        after = words(window)
        assert texts.language == "en"
        assert "Adicionar mentorado" in before
        assert "Add mentorado" in after
        portuguese = [piece for piece in before.split(" | ") if any(letter in piece for letter in "çãõáéíóúê")]
        names = {person(number).name for number in PEOPLE}
        assert [piece for piece in portuguese if piece in after.split(" | ") and piece not in names] == []
        assert harness.preferences.language == "en"
        spoken = harness.model.data(harness.model.index(0), Qt.ItemDataRole.AccessibleTextRole)
        assert "Connected" in spoken or "Off" in spoken

    in_window(use)


def test_the_look_is_kept(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_mode(Mode.DARK)
        theme.set_text_scale(125)
        await settle()
        image: QImage = harness.window.grab().toImage()
        corner = image.pixelColor(4, image.height() - 4).name()
        assert corner == DARK.surface

    harness = in_window(use)
    assert (harness.preferences.mode, harness.preferences.text_scale) == (Mode.DARK, 125)


def test_the_last_filter_is_kept(in_window: InWindow) -> None:
    async def pick(harness: WindowHarness) -> None:
        harness.window.list.chips.pick(ListFilter.ERROR)

    async def look(harness: WindowHarness) -> None:
        assert harness.model.group is ListFilter.ERROR

    in_window(pick)
    in_window(look)


def test_how_far_back_the_timeline_looks_is_kept(in_window: InWindow) -> None:
    async def pick(harness: WindowHarness) -> None:
        assert harness.window._pane is not None
        harness.window._pane._content.picture.choice.button(TimeRange.WEEK).click()

    async def look(harness: WindowHarness) -> None:
        assert harness.window._pane is not None
        assert harness.window._pane._content.picture.span is TimeRange.WEEK

    in_window(pick)
    in_window(look)


def test_that_sending_is_limited_is_said_in_words_where_they_fit_and_by_a_mark_elsewhere(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        delegate, limited = harness.window.list.table._delegate, status(22)
        assert limited is not None
        assert delegate.badge_words(limited, 208) == ("Conectado · envio restrito", False)
        assert delegate.badge_words(limited, 144) == ("Conectado", True)
        free = status(23)
        assert free is not None
        assert delegate.badge_words(free, 144) == ("Conectado", False)
        harness.theme.set_text_scale(200)
        assert delegate.badge_words(limited, 208) == ("Conectado", True)

    in_window(use)


def test_choosing_somebody_shows_them_beside_the_list(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(1240, 860)
        window.list.table.choose(person(9).id)
        await settle()
        assert window._pane is not None
        assert person(9).name in words(window._pane)
        window.header.search.setText("zzz")  # whoever was chosen stays chosen while hidden
        await settle()
        assert person(9).name in words(window._pane)
        window.header.search.clear()
        assert window.list.table.currentIndex().row() == harness.model.row_of(person(9).id)

    in_window(use)


def test_in_a_narrow_window_the_pane_is_a_side_panel(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(700, 620)
        await settle()
        pane = window._pane
        assert pane is not None
        assert not pane.isVisible()
        window.list.table.choose(person(9).id)
        assert not pane.isVisible()
        QTest.keyClick(window.list.table, Qt.Key.Key_Return)
        assert pane.isVisible()
        assert window.body.side_panel_open
        QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not pane.isVisible()
        assert window.list.table.hasFocus() or not window.isActiveWindow()
        window.resize(1240, 860)
        await settle()
        assert pane.isVisible()

    in_window(use)


def test_keys_reach_everything(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.activateWindow()
        table, search = window.list.table, window.header.search
        table.setFocus()
        assert table.chosen_id is None  # a list that gets the focus has chosen nobody yet
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.currentIndex().row() == 0
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert table.chosen_id == harness.model.id_at(harness.model.index(1))
        QTest.keyClicks(table, "l")
        assert search.text() == "l"
        QTest.keyClick(search, Qt.Key.Key_Escape)
        assert search.text() == ""
        keys = {shortcut.key().toString() for shortcut in window.findChildren(QShortcut)}
        assert {"Ctrl+F", "Ctrl+N", "Ctrl+L", "Esc"} <= keys

    in_window(use)


def test_everything_has_a_name_and_can_be_reached(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_LOCKED)))
        await settle()
        assert nameless(window) == []
        inner = ("qt_spinbox_lineedit", "ScrollLeftButton", "ScrollRightButton")
        lost = [
            w for w in out_of_reach(window) if w.objectName() not in inner and w.parent() is not window.header.search
        ]
        assert [(type(w).__name__, w.accessibleName()) for w in lost] == []
        assert window.list.table.accessibleName()
        assert window.list.table.accessibleDescription()

    in_window(use)


def test_tab_goes_from_left_to_right_and_down(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.list.table.choose(person(9).id)
        await settle()
        order: list[QWidget] = []
        widget = window.header.search.nextInFocusChain()
        while widget is not None and widget is not window.header.search:
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                order.append(widget)
            widget = widget.nextInFocusChain()
        stations: list[QWidget] = [window.header._language, window.header._look, window.header.add_button]
        stations += [window.list.chips._chips[ListFilter.ALL], window.list.table]
        assert [order.index(station) for station in stations] == sorted(order.index(station) for station in stations)
        assert window._pane is not None
        in_pane = [place for place, w in enumerate(order) if window._pane.isAncestorOf(w)]
        assert min(in_pane) > order.index(window.list.table)

    in_window(use)


def test_trouble_with_the_disk_is_told_until_it_is_over(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_DISK_FULL)))
        window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_LOCKED)))
        window.show_problem(Problem(ProblemCode.NAME_MISSING))
        await settle()
        text = words(window.banners)
        assert "Outro programa está usando os dados do Conecta (" in text
        assert "O disco está cheio." not in text
        window.on_storage_recovered(StorageRecovered())
        assert "Outro programa" not in words(window.banners)
        cross = next(b for b in window.banners.findChildren(QPushButton) if b.isVisible())
        cross.click()
        assert not window.banners.isVisible()

    in_window(use)


def test_archiving_can_be_undone_for_a_moment(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        await harness.mentorados.archive(person(3).id)
        assert window.toast.isVisible()
        assert f"{person(3).name} foi para o arquivo." in words(window.toast)
        assert harness.model.row_of(person(3).id) is None
        window.toast.button.click()
        await settle()
        assert not window.toast.isVisible()
        assert harness.model.row_of(person(3).id) is not None

    in_window(use)


def menu_of(harness: WindowHarness, number: int) -> dict[str, QAction]:
    """The entries of somebody's menu. It is not popped up: that would grab a keyboard that is not there."""
    window = harness.window
    menu = window.controller.menu(harness.sheets, person(number).id)
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


def test_the_menu_of_a_row_offers_what_fits_and_says_why_the_rest_does_not(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        offered = menu_of(harness, 1)
        assert next(iter(offered)) == "Desconectar"
        assert offered["Desconectar"].isEnabled()
        locked = offered["Arquivar · Desconecte primeiro"]
        assert not locked.isEnabled()
        assert locked.toolTip() == "Desconecte primeiro"

    in_window(use)


def test_what_the_menu_offers_is_done(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        async with harness.supervisor:
            menu_of(harness, 3)["Conectar"].trigger()
            await settle()
            assert harness.supervisor.status(person(3).link.id).state is LinkState.CONNECTING
            await harness.supervisor.disconnect(person(3).id)

    in_window(use)


def test_every_action_has_its_place_in_the_menu_and_the_pane() -> None:
    offered = [name for slot in (*LEAD, *CARDS, *MORE) for name in slot]
    assert sorted(offered) == sorted(ActionName)


def test_closing_only_asks(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        asked: list[int] = []
        harness.window.close_requested.connect(lambda: asked.append(1))
        event = QCloseEvent()
        QApplication.sendEvent(harness.window, event)
        assert not event.isAccepted()
        assert asked == [1]
        assert harness.window.isVisible()
        harness.window.finish()
        assert not harness.window.isVisible()

    in_window(use)


def test_a_crash_is_shown_without_standing_in_the_way(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        crashes: list[object] = []
        harness.window.crashed.connect(crashes.append)
        bug = ZeroDivisionError()
        harness.window.show_crash(bug)
        assert crashes == [bug]
        harness.window.show_report("the report")
        sheet = harness.window.findChild(CrashSheet)
        assert isinstance(sheet, CrashSheet)
        assert not sheet.isModal()
        sheet.close()

    in_window(use)


def test_the_code_is_written_nowhere(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.list.table.choose(person(4).id)
        await settle()
        for widget in harness.window.findChildren(QWidget):
            for text in (
                widget.toolTip(),
                widget.accessibleName(),
                widget.accessibleDescription(),
                widget.windowTitle(),
            ):
                assert CREDENTIAL not in text
        assert CREDENTIAL not in words(harness.window)

    in_window(use)


def test_text_twice_as_large_is_not_clipped(in_window: InWindow, theme: Theme) -> None:
    async def use(harness: WindowHarness) -> None:
        theme.set_text_scale(200)
        harness.window.resize(1240, 860)
        await settle()
        for label in harness.window.header.findChildren(QLabel):
            assert label.width() >= label.sizeHint().width(), label.text()
            assert label.height() >= label.sizeHint().height(), label.text()
        for button in harness.window.header.findChildren(QPushButton):
            assert button.height() >= button.fontMetrics().height()
            assert button.width() >= button.minimumSizeHint().width(), button.text()

    in_window(use)


def test_ages_grow_by_themselves(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.observe(person(1), LinkStatus(state=LinkState.CONNECTED, since=NOON))
        harness.model.flush()
        row = harness.model.row_of(person(1).id)
        assert row is not None
        index = harness.model.index(row)
        assert harness.model.spoken(harness.model._shown[row]).endswith("agora")
        harness.clock.time = NOON.replace(hour=16)
        harness.window._ages.timeout.emit()
        assert str(index.data(Qt.ItemDataRole.AccessibleTextRole)).endswith("há 1 h")

    in_window(use)


def test_the_window_can_be_seen_before_anything_is_loaded(theme: Theme, tmp_path: Path, qapp: QApplication) -> None:
    preferences = Preferences(tmp_path / "window.ini")
    window = MainWindow(theme=theme, preferences=preferences, model=MentoradoListModel(StillClock(NOON)))
    painted: list[int] = []
    window.painted.connect(lambda: painted.append(1))
    window.show_at_once()
    assert painted == [1]
    assert "Abrindo os cadastros…" in words(window.list)
    assert not window.header.add_button.isEnabled()
    QTest.keySequence(window, QKeySequence("Ctrl+N"))  # nobody could do it yet
    window.finish()
    assert not window.isVisible()
    window.deleteLater()


def test_geometry_is_kept(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.resize(900, 620)
        await settle()

    harness = in_window(use)
    assert harness.preferences.geometry is not None
