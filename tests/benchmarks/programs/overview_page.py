"""The program over a year of figures: the overview is opened for the first time, then every span is looked at.

``python -m tests.benchmarks.programs.overview_page ROUND``
"""

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING

import app.__main__
from app import gui
from tests.benchmarks.programs import felt_window
from tests.benchmarks.programs.marks import mark

if TYPE_CHECKING:
    from app.application import Application

BETWEEN = 0.3
"""Seconds in which somebody reads."""


async def use(program: "Application", number: int) -> None:
    """Open the page, then choose each span, and wait for the picture that has the figures."""
    assert number >= 0
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from app.domain.uptime import TimeRange
    from app.ui.overview.page import OverviewPage
    from tests.benchmarks.programs.felt import Pictures
    from tests.waiting import until

    window, core = program.window, program._core
    await until(lambda: window._pane is not None and window.places.rail is not None, within=60)
    await until(lambda: core.figures.until is not None, within=60)
    window.resize(1280, 720)
    window.activateWindow()
    pictures = Pictures(window)
    await asyncio.sleep(1)
    rail = window.places.rail
    assert rail is not None

    def shows_figures(edges: int) -> bool:
        page = window.places.page
        found = page._found if isinstance(page, OverviewPage) else None
        return found is not None and len(found.edges) == edges

    press = partial(QTest.mouseClick, rail._buttons["overview"], Qt.MouseButton.LeftButton)
    await pictures.measure("open", press, partial(shows_figures, 25))
    page = window.places.page
    assert isinstance(page, OverviewPage)
    for span, edges in ((TimeRange.WEEK, 43), (TimeRange.MONTH, 31), (TimeRange.QUARTER, 91)):
        await asyncio.sleep(BETWEEN)
        press = partial(QTest.mouseClick, page.choice.button(span), Qt.MouseButton.LeftButton)
        await pictures.measure(span, press, partial(shows_figures, edges))
    mark("used")
    window.close()


if __name__ == "__main__":
    felt_window.use = use
    gui._leave_sources_unread = felt_window._begin_to_watch
    sys.exit(app.__main__.main([]))
