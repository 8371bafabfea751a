"""The program over a long history: conversations are opened by a click, and all of them are searched.

``python -m tests.benchmarks.programs.opened_talk ROUND``
"""

import asyncio
import sys
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import app.__main__
from app import gui
from tests.benchmarks.programs import felt_window
from tests.benchmarks.programs.marks import mark

if TYPE_CHECKING:
    from app.application import Application
    from app.ui.conversations.panel import ConversationsPanel

PEOPLE, OPENED, SEARCHES = 5, 8, 8


async def use(program: "Application", number: int) -> None:
    """Open conversations of several mentorados, then search everybody's."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from tests.benchmarks.history import SyntheticText, typed_queries
    from tests.benchmarks.programs.felt import Pictures, click
    from tests.waiting import until

    window = program.window
    table = window.list.table
    await until(lambda: window._pane is not None and table.model().rowCount(), within=60)
    pane = window._pane
    assert pane is not None
    window.resize(1280, 720)
    window.activateWindow()
    pictures = Pictures(window)
    panel: ConversationsPanel | None = None
    chance = Random(number)  # noqa: S311 - the same in every run
    await asyncio.sleep(1)
    for place in chance.sample(range(table.model().rowCount()), PEOPLE):
        index = table.model().index(place, 0)
        table.scrollTo(index)
        click(table, index)
        pane._pages.tabs.setCurrentIndex(1)
        tab = pane._pages.conversations
        assert tab is not None
        panel = tab.panel
        assert panel is not None
        await until(partial(_lists, panel), within=10)
        await pictures.quiet()
        rows = panel.home.list
        for talk in chance.sample(range(rows.model().rowCount()), OPENED):
            wanted = panel.home.conversations.rows[talk].id
            rows.scrollTo(rows.model().index(talk, 0))
            await pictures.quiet()
            press = partial(click, rows, rows.model().index(talk, 0))
            await pictures.measure("talk", press, partial(_shows, panel, wanted))
            panel.leave_thread()
    assert panel is not None
    field, results = panel.home.search.field, panel.home.results
    for query in typed_queries(SyntheticText(), chance, SEARCHES):
        field.setText(query)
        panel.home.search.set_everywhere(True)
        press = partial(QTest.keyClick, field, Qt.Key.Key_Return)
        await pictures.measure("search", press, lambda: not results._busy)
        field.clear()
    mark("used")
    window.close()


def _lists(panel: "ConversationsPanel") -> bool:
    return panel.home.conversations.rowCount() > 0


def _shows(panel: "ConversationsPanel", wanted: str) -> bool:
    """Whether the messages of that conversation are on the screen."""
    page = panel.page
    return page.conversation_id == wanted and not page.reader.busy and page.model.rowCount() > 0


if __name__ == "__main__":
    felt_window.use = use
    gui._leave_sources_unread = felt_window._begin_to_watch
    sys.exit(app.__main__.main([]))
