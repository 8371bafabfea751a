"""The rail, and the places it leads to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.application import Application
from app.frame import Frame
from app.text.status import texts
from app.ui.async_slots import show_error
from app.ui.audit.page import AuditPage
from app.ui.crash import CrashReports
from app.ui.diagnostics.page import DiagnosticsPage
from app.ui.navigation import DIAGNOSTICS, HOME, SETTINGS, SWITCHES, Page, shortcut
from app.ui.settings.page import SettingsPage
from app.ui.switches.page import SwitchesPage
from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.services import build_services
from tests.ui.controls import nameless, out_of_reach
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import WindowHarness, person

FIVE = range(5)  # people


def test_a_place_is_built_when_it_is_first_gone_to_and_kept(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        places = harness.window.places

        def shown() -> object:
            return places.page

        assert places._pages == {}
        assert places.rail is not None
        places.rail._buttons["audit"].click()
        await settle()
        page = shown()
        assert isinstance(page, AuditPage)
        assert page.isVisible()
        assert not harness.window.list.isVisible()
        harness.window.go(SETTINGS)
        assert isinstance(shown(), SettingsPage)
        harness.window.go("audit")
        assert shown() is page
        harness.window.go(HOME)
        assert harness.window.list.isVisible()

    in_window(use, FIVE)


def test_the_rail_says_where_one_is_and_is_walked_by_keys(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        rail = harness.window.places.rail
        assert rail is not None
        home, audit, settings = rail._buttons.values()
        assert [button.isChecked() for button in (home, audit, settings)] == [True, False, False]
        assert audit.toolTip() == "Auditoria (Ctrl+2)"
        home.setFocus()
        QTest.keyClick(home, Qt.Key.Key_Down)
        assert audit.hasFocus() or not harness.window.isActiveWindow()
        QTest.keyClick(audit, Qt.Key.Key_Return)
        await settle()
        assert [button.isChecked() for button in (home, audit, settings)] == [False, True, False]
        keys = {shortcut.key().toString() for shortcut in harness.window.findChildren(QShortcut)}
        assert {shortcut(number) for number in (1, 2, 3)} <= keys
        texts.set_language("en")
        assert audit.accessibleName() == "Audit"

    in_window(use, FIVE)


def test_enter_presses_the_button_that_has_the_focus(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        header = harness.window.header
        header._language.setFocus()
        QTest.keyClick(header._language, Qt.Key.Key_Return)
        assert texts.language == "en"
        QTest.keyClick(header._language, Qt.Key.Key_Enter)
        assert texts.language == "pt-BR"
        header.search.setFocus()
        QTest.keyClick(header.search, Qt.Key.Key_Return)
        assert texts.language == "pt-BR", "in a field it presses nothing"

    in_window(use, FIVE)


def test_tab_goes_from_the_list_to_the_pane_beside_it(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        assert window._pane is not None
        window.list.table.begin()
        await settle()
        at: QWidget | None = window.list.table.nextInFocusChain()
        while at is not None and not (at.isVisible() and at.focusPolicy() & Qt.FocusPolicy.TabFocus):
            at = at.nextInFocusChain()
        assert at is not None
        assert window._pane.isAncestorOf(at), at

    in_window(use, FIVE)


def test_a_page_that_is_not_in_the_table_is_refused_and_what_is_shown_stays(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.go("audit")
        with pytest.raises(KeyError):
            harness.window.go("nowhere")
        assert harness.window.places.here == "audit"

    in_window(use, FIVE)


def test_to_choose_somebody_leads_home(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.go("audit")
        harness.window.choose(person(1).id)
        assert harness.window.places.here == HOME

    in_window(use, FIVE)


def test_the_search_is_the_one_of_the_place(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.activateWindow()
        harness.window.go("audit")
        await settle()
        page = harness.window.places.page
        assert isinstance(page, AuditPage)
        harness.window.begin_search()
        assert harness.window.focusWidget() is page.filters.search

    in_window(use, FIVE)


@pytest.mark.parametrize("place", [HOME, "audit", SETTINGS])
def test_everything_in_a_place_has_a_name_and_can_be_reached(in_window: InWindow, place: str) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.window.go(place)
        await settle()
        assert nameless(harness.window.places) == []
        fields = (
            harness.window.header.search,
            getattr(getattr(harness.window.places.page, "filters", None), "search", 0),
        )
        assert [each for each in out_of_reach(harness.window.places) if each.parent() not in fields] == []

    in_window(use, FIVE)


def test_what_goes_wrong_in_a_place_is_reported_as_anywhere(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        crashes: list[object] = []
        harness.window.crashed.connect(crashes.append)
        harness.window.go(SETTINGS)
        page, bug = harness.window.places.page, ZeroDivisionError()
        assert isinstance(page, SettingsPage)
        show_error(page.sections[0], bug)
        show_error(page, bug)
        assert crashes == [bug, bug]

    in_window(use, FIVE)


def test_the_first_picture_needs_none_of_them() -> None:
    program = """
import sys
import app.ui.main_window
late = ("app.ui.audit", "app.ui.switches", "app.ui.settings", "app.ui.diagnostics", "app.doctor")
sys.exit(any(name.startswith(late) for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("place", "kind"),
    [("audit", AuditPage), (SWITCHES, SwitchesPage), (SETTINGS, SettingsPage), (DIAGNOSTICS, DiagnosticsPage)],
)
def test_the_program_builds_each_place_over_its_own_core(
    on_qt: OnQt, qapp: QApplication, theme: Theme, tmp_path: Path, place: str, kind: type[Page]
) -> None:
    async def main() -> None:
        core = build_services(tmp_path)
        program = Application(Frame(qapp, tmp_path / "window.ini", core.clock), core, CrashReports("0"))
        async with core.running():
            await core.open()
            page = {spec.name: spec.build for spec in program.pages}[place]()  # not shown: it would ask the keyring
            assert isinstance(page, kind)
            page.deleteLater()
        program.window.finish()
        program.window.deleteLater()

    on_qt(main)
    theme.apply(qapp)  # the frame dressed the program in its own
    QApplication.processEvents()
