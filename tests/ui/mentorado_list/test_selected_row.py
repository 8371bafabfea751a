"""The selected row is seen whole."""

from __future__ import annotations

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
