"""Conversations in their place in the window: beside the summary, and over the list."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.ui.theme import Theme
from tests.conftest import OnQt
from tests.ui.conversations.window import OTHER, TALKER, talking_stage

CONTROL = Qt.KeyboardModifier.ControlModifier


def test_the_head_stays_where_it_is_when_the_side_changes(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            tabs = stage.pane._pages.tabs
            assert tabs.accessibleName()
            scene = await stage.conversations()
            there = tabs.mapTo(stage.pane, tabs.rect().topLeft())
            tabs.setCurrentIndex(0)
            await scene.until(lambda: tabs.mapTo(stage.pane, tabs.rect().topLeft()) == there)
            assert stage.pane._content.head.isVisible()

    on_qt(main)


def test_an_open_conversation_takes_the_heads_room_and_gives_it_back(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            scene = await stage.conversations()
            await scene.open("Beatriz")
            assert not stage.pane._content.head.isVisible()
            QTest.keyClick(scene.page.view, Qt.Key.Key_Escape)
            assert stage.pane._content.head.isVisible()
            assert scene.panel.home.list.hasFocus() or stage.window.focusWidget() is scene.panel.home.list

    on_qt(main)


def test_a_conversation_is_read_over_the_list_until_escape(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
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

    on_qt(main)


def test_another_mentorado_ends_reading_over_the_list(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            scene = await stage.conversations()
            await scene.open("Beatriz")
            scene.page.wide_wanted.emit()
            stage.window.choose(OTHER.mentorado.id)
            await scene.settle()
            assert stage.window.list.isVisible()
            assert not scene.panel.in_thread
            assert scene.panel.home.conversations.rowCount() == 1
            await scene.open("Rita")
            scene.page.wide_wanted.emit()
            QTest.keyClicks(stage.window.header.search, "ana")
            assert stage.window.list.isVisible(), "whoever looks for a mentorado sees the list"

    on_qt(main)


def test_a_message_of_somebody_else_brings_them_along(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            scene = await stage.conversations()
            scene.panel.home.search.set_everywhere(True)
            await scene.search("encontro")
            rows = scene.panel.home.results.model
            place = next(n for n in range(rows.rowCount()) if rows.found(n).mentorado_id == OTHER.mentorado.id)
            scene.panel.home.results.list.opened.emit(place)
            await scene.settle()
            assert stage.window.list.table.chosen_id == OTHER.mentorado.id
            assert [each.text for each in scene.page.model.messages] == ["Até o próximo encontro!"]

    on_qt(main)


def test_find_means_the_conversations_where_one_is_in_them(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            scene = await stage.conversations()
            await scene.open("Beatriz")
            QTest.keyClick(scene.page.view, Qt.Key.Key_F, CONTROL)
            assert stage.window.focusWidget() is scene.panel.home.search.field
            assert TALKER.mentorado.id == stage.window.list.table.chosen_id

    on_qt(main)


def test_in_a_narrow_window_reading_wide_takes_it_all(on_qt: OnQt, theme: Theme, fast_dir: Path) -> None:
    async def main() -> None:
        async with talking_stage(theme, fast_dir) as stage:
            stage.window.resize(700, 620)
            scene = await stage.conversations()
            await scene.open("Beatriz")
            scene.page.wide_wanted.emit()
            stage.window.grab()
            assert scene.page.width() > 600
            drawer = [stage.window.body.drawer_open]
            QTest.keyClick(scene.page.view, Qt.Key.Key_F, CONTROL)
            assert [*drawer, stage.window.body.drawer_open] == [False, True]
            assert scene.panel.home.search.field.isVisible()

    on_qt(main)
