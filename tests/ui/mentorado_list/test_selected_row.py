"""What a row shows is seen whole, and so is the line above the rows."""

from __future__ import annotations

import pytest

from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import WindowHarness


def test_a_selected_row_stays_whole_when_the_window_gets_lower(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window, table = harness.window, harness.window.list.table
        window.resize(1280, 720)
        await settle()
        last = table.rowAt(table.viewport().height() - table.rowHeight(0) - 2)
        table.selectRow(last)
        window.resize(1280, 640)
        await settle()
        assert table.viewport().rect().contains(table.visualRect(table.currentIndex()))
        table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
        where = table.verticalScrollBar().value()
        window.resize(1280, 600)
        await settle()
        assert table.verticalScrollBar().value() >= where, "who scrolled away is not taken back"

    in_window(use)


@pytest.mark.parametrize(("width", "scale"), [(760, 200), (640, 200), (760, 150), (640, 100), (1280, 100)])
def test_a_row_keeps_room_for_a_name_and_its_badge(in_window: InWindow, width: int, scale: int) -> None:
    async def use(harness: WindowHarness) -> None:
        window, table = harness.window, harness.window.list.table
        window.resize(width, 720)
        harness.theme.set_text_scale(scale)
        await settle()
        columns, px = table._delegate._columns(table.viewport().width()), harness.theme.px
        assert columns.name_end - columns.name >= px(160)
        assert columns.badge_width >= px(144)
        assert columns.badge >= columns.name_end or columns.below, "they do not lie on each other"
        aged = columns.right - px(78) if columns.age else columns.right
        assert columns.badge + columns.badge_width <= aged <= table.viewport().width()

    in_window(use)


@pytest.mark.parametrize("width", [760, 640])
def test_with_large_text_the_line_above_the_list_says_less_and_nothing_in_half(in_window: InWindow, width: int) -> None:
    async def use(harness: WindowHarness) -> None:
        window, bar = harness.window, harness.window.list.bar
        whole = bar.order.text()
        harness.theme.set_text_scale(200)
        window.resize(width, 720)
        await settle()
        assert not bar.count.isVisible()
        for button in (bar.ticking, bar.narrowing, bar.order):
            assert button.width() >= button.sizeHint().width()
            assert bar.rect().contains(button.geometry())
        assert bar.order.text().rstrip("…") in whole
        title = window.header._title
        assert title.width() >= title.fontMetrics().horizontalAdvance(title.text())
        harness.theme.set_text_scale(100)
        window.resize(1280, 720)
        await settle()
        assert bar.count.isVisible()
        assert bar.order.text() == whole

    in_window(use)
