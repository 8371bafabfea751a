"""Conversations in their place in the window: beside the summary, and over the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.errors import Problem, ProblemCode
from app.ui.async_slots import show_error
from app.ui.theme.theme import Theme
from tests.ui.conversations.window import OTHER, TALKER, open_conversation_window

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

CONTROL = Qt.KeyboardModifier.ControlModifier


async def test_the_head_stays_where_it_is_when_the_side_changes(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        tabs = harness.pane._pages.tabs
        assert tabs.accessibleName()
        open_panel = await harness.conversations()
        there = tabs.mapTo(harness.pane, tabs.rect().topLeft())
        tabs.setCurrentIndex(0)
        await open_panel.until(lambda: tabs.mapTo(harness.pane, tabs.rect().topLeft()) == there)
        assert harness.pane._content.head.isVisible()


async def test_an_open_conversation_takes_the_heads_room_and_gives_it_back(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        assert not harness.pane._content.head.isVisible()
        QTest.keyClick(open_panel.page.view, Qt.Key.Key_Escape)
        assert harness.pane._content.head.isVisible()
        assert open_panel.panel.home.list.hasFocus() or harness.window.focusWidget() is open_panel.panel.home.list


async def test_a_conversation_is_read_over_the_list_until_escape(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        window = harness.window
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        narrow = open_panel.page.width()
        QTest.mouseClick(open_panel.page.head.wide, Qt.MouseButton.LeftButton)
        window.grab()
        assert not window.list.isVisible()
        assert open_panel.page.isVisible()
        assert open_panel.page.width() > narrow
        assert open_panel.panel.home.list.isVisible(), "others can be opened beside it"
        await open_panel.open("Bia")
        assert open_panel.page.wide
        QTest.keyClick(open_panel.page.view, Qt.Key.Key_Escape)
        assert window.list.isVisible()
        assert open_panel.panel.in_thread


async def test_trouble_with_a_conversation_that_is_read_wide_is_told_over_it(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        open_panel.page.wide_requested.emit()
        show_error(open_panel.page.reader, Problem(ProblemCode.DATABASE_DISK_FULL, path="/data"))
        assert [problem.code for problem in harness.window.banners.problems()] == [ProblemCode.DATABASE_DISK_FULL]
        assert not open_panel.panel.home.trouble.isVisible()


async def test_another_mentorado_ends_reading_over_the_list(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        open_panel.page.wide_requested.emit()
        harness.window.choose(OTHER.id)
        await open_panel.settle()
        assert harness.window.list.isVisible()
        assert not open_panel.panel.in_thread
        assert open_panel.panel.home.conversations.rowCount() == 1
        await open_panel.open("Rita")
        open_panel.page.wide_requested.emit()
        QTest.keyClicks(harness.window.header.search, "ana")
        assert harness.window.list.isVisible(), "whoever looks for a mentorado sees the list"


async def test_a_message_of_somebody_else_brings_them_along(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        open_panel = await harness.conversations()
        open_panel.panel.home.search.set_everywhere(True)
        await open_panel.search("encontro")
        rows = open_panel.panel.home.results.model
        place = next(n for n in range(rows.rowCount()) if rows.rows[n].mentorado_id == OTHER.id)
        open_panel.panel.home.results.list.opened.emit(place)
        await open_panel.settle()
        assert harness.window.list.table.chosen_id == OTHER.id
        assert [each.text for each in open_panel.page.model.messages] == ["Até o próximo encontro!"]


async def test_find_means_the_conversations_where_one_is_in_them(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        QTest.keyClick(open_panel.page.view, Qt.Key.Key_F, CONTROL)
        assert harness.window.focusWidget() is open_panel.panel.home.search.field
        assert TALKER.id == harness.window.list.table.chosen_id


async def test_in_a_narrow_window_reading_wide_takes_it_all(theme: Theme, fast_dir: Path) -> None:
    async with open_conversation_window(theme, fast_dir) as harness:
        harness.window.resize(700, 620)
        open_panel = await harness.conversations()
        await open_panel.open("Beatriz")
        open_panel.page.wide_requested.emit()
        harness.window.grab()
        assert open_panel.page.width() > 600
        side_panel = [harness.window.body.side_panel_open]
        QTest.keyClick(open_panel.page.view, Qt.Key.Key_F, CONTROL)
        assert [*side_panel, harness.window.body.side_panel_open] == [False, True]
        assert open_panel.panel.home.search.field.isVisible()
