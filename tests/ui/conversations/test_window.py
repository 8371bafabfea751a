"""Conversations in their place in the window: beside the summary, and over the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.ui.theme.theme import Theme
from tests.ui.conversations.window import OTHER, TALKER, talking_stage

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

CONTROL = Qt.KeyboardModifier.ControlModifier


async def test_the_head_stays_where_it_is_when_the_side_changes(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        tabs = stage.pane._pages.tabs
        assert tabs.accessibleName()
        scene = await stage.conversations()
        there = tabs.mapTo(stage.pane, tabs.rect().topLeft())
        tabs.setCurrentIndex(0)
        await scene.until(lambda: tabs.mapTo(stage.pane, tabs.rect().topLeft()) == there)
        assert stage.pane._content.head.isVisible()


async def test_an_open_conversation_takes_the_heads_room_and_gives_it_back(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        scene = await stage.conversations()
        await scene.open("Beatriz")
        assert not stage.pane._content.head.isVisible()
        QTest.keyClick(scene.page.view, Qt.Key.Key_Escape)
        assert stage.pane._content.head.isVisible()
        assert scene.panel.home.list.hasFocus() or stage.window.focusWidget() is scene.panel.home.list


async def test_a_conversation_is_read_over_the_list_until_escape(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        window = stage.window
        scene = await stage.conversations()
        await scene.open("Beatriz")
        narrow = scene.page.width()
        QTest.mouseClick(scene.page.head.wide, Qt.MouseButton.LeftButton)
        window.grab()
        assert not window.list.isVisible()
        assert scene.page.isVisible()
        assert scene.page.width() > narrow
        assert scene.panel.home.list.isVisible(), "others can be opened beside it"
        await scene.open("Bia")
        assert scene.page.wide
        QTest.keyClick(scene.page.view, Qt.Key.Key_Escape)
        assert window.list.isVisible()
        assert scene.panel.in_thread


async def test_another_mentorado_ends_reading_over_the_list(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        scene = await stage.conversations()
        await scene.open("Beatriz")
        scene.page.wide_requested.emit()
        stage.window.choose(OTHER.id)
        await scene.settle()
        assert stage.window.list.isVisible()
        assert not scene.panel.in_thread
        assert scene.panel.home.conversations.rowCount() == 1
        await scene.open("Rita")
        scene.page.wide_requested.emit()
        QTest.keyClicks(stage.window.header.search, "ana")
        assert stage.window.list.isVisible(), "whoever looks for a mentorado sees the list"


async def test_a_message_of_somebody_else_brings_them_along(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        scene = await stage.conversations()
        scene.panel.home.search.set_everywhere(True)
        await scene.search("encontro")
        rows = scene.panel.home.results.model
        place = next(n for n in range(rows.rowCount()) if rows.found(n).mentorado_id == OTHER.id)
        scene.panel.home.results.list.opened.emit(place)
        await scene.settle()
        assert stage.window.list.table.chosen_id == OTHER.id
        assert [each.text for each in scene.page.model.messages] == ["Até o próximo encontro!"]


async def test_find_means_the_conversations_where_one_is_in_them(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        scene = await stage.conversations()
        await scene.open("Beatriz")
        QTest.keyClick(scene.page.view, Qt.Key.Key_F, CONTROL)
        assert stage.window.focusWidget() is scene.panel.home.search.field
        assert TALKER.id == stage.window.list.table.chosen_id


async def test_in_a_narrow_window_reading_wide_takes_it_all(theme: Theme, fast_dir: Path) -> None:
    async with talking_stage(theme, fast_dir) as stage:
        stage.window.resize(700, 620)
        scene = await stage.conversations()
        await scene.open("Beatriz")
        scene.page.wide_requested.emit()
        stage.window.grab()
        assert scene.page.width() > 600
        side_panel = [stage.window.body.side_panel_open]
        QTest.keyClick(scene.page.view, Qt.Key.Key_F, CONTROL)
        assert [*side_panel, stage.window.body.side_panel_open] == [False, True]
        assert scene.panel.home.search.field.isVisible()
