"""Where the keyboard goes in the window, above all where list and pane do not fit beside each other."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from app.text.status import texts
from app.ui.widgets.search_field import SearchField
from tests.ui.window_checks import InWindow, is_at_rest, settle
from tests.ui.window_harness import (
    WindowHarness,
    person,
)


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


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
def test_tab_stays_out_of_the_list_that_an_open_side_panel_dims(in_window: InWindow, key: Qt.Key) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(700, 620)
        window.activateWindow()
        await settle()
        window.list.table.choose(person(9).id)
        QTest.keyClick(window.list.table, Qt.Key.Key_Return)
        await settle()
        visited = set()
        for _ in range(60):
            focused = window.focusWidget()
            assert focused is not None
            visited.add(focused)
            assert focused is not window.list
            assert not window.list.isAncestorOf(focused)
            QTest.keyClick(focused, key)
        pane = window._pane
        assert pane is not None
        inside = {each for each in visited if pane.isAncestorOf(each)}
        assert len(inside) > 3
        assert visited - inside, "the way out of the panel is there, too"

    in_window(use)


def test_escape_leaves_the_note_before_the_side_panel(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.resize(700, 620)
        window.activateWindow()
        window.choose(person(9).id)
        await settle()
        assert window._pane is not None
        notes = window._pane._content.notes
        assert notes is not None
        notes.write()
        QTest.keyClick(notes.editor.field, Qt.Key.Key_Escape)
        assert not notes.editor.isVisible()
        assert window.body.side_panel_open
        notes.write()
        QTest.keyClicks(notes.editor.field, "Ligar")
        QTest.keyClick(notes.editor.field, Qt.Key.Key_Escape)
        assert window.body.side_panel_open
        assert notes.editor.field.toPlainText() == "Ligar"
        assert notes.editor.save.hasFocus()
        QTest.keyClick(notes.editor.save, Qt.Key.Key_Escape)
        assert not window.body.side_panel_open

    in_window(use)


def test_tab_comes_to_a_notice_where_it_stands_between_the_header_and_the_list(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        window.activateWindow()

        def tell(cause: str, *choices: str) -> None:
            pressed = [(lambda words=words: words, lambda: None) for words in choices]
            window.banners.show_words(lambda: "Three connections fell.", cause, choices=pressed)

        tell("one", "see one", "do one")
        tell("other", "see other", "do other")
        tell("one", "see one")  # again: it comes below
        await settle()
        here: QAbstractButton = window.header.add_button
        here.setFocus()
        went = []
        while not window.list.isAncestorOf(here):
            QTest.keyClick(here, Qt.Key.Key_Tab)
            focused = window.focusWidget()
            assert isinstance(focused, QAbstractButton)
            here = focused
            went.append(here.text() or here.accessibleName())
        dismiss = texts("window.dismiss")
        assert went[:-1] == ["see other", "do other", dismiss, "see one", dismiss]

    in_window(use)


@pytest.mark.parametrize("scale", [100, 200])
def test_the_buttons_of_a_page_stand_below_its_title_where_they_do_not_fit_beside_it(
    in_window: InWindow, scale: int
) -> None:
    async def use(harness: WindowHarness) -> None:
        window = harness.window
        harness.theme.set_text_scale(scale)
        window.resize(640, 720)
        window.go("audit")
        await settle()
        page = window.places.page
        assert page is not None
        tools = [each for each in page._tools.findChildren(QAbstractButton) if each.isVisible()]
        assert tools
        assert all(tool.width() >= tool.sizeHint().width() for tool in tools)
        assert all(page._header.rect().contains(page._tools.geometry()) for tool in tools)
        assert (page._tools.y() > page._title.geometry().bottom()) is (scale == 200)
        search = page.findChild(SearchField)
        assert isinstance(search, SearchField)
        assert texts("list.search") not in (search.placeholderText(), search.accessibleName())
        assert await is_at_rest()

    in_window(use)
