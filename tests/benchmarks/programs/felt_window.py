"""The program as `conecta` starts it, over a database with a thousand people, used by hand: click, type, open.

``python -m tests.benchmarks.programs.felt_window ROUND``; the pages are opened in another order in each round.
"""

import asyncio
import sys
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import app.__main__
from app import gui
from tests.benchmarks.programs.marks import mark

if TYPE_CHECKING:
    from app.application import Application

_leave_sources_unread = gui._leave_sources_unread


def _begin_to_watch() -> None:
    """The window's own modules are imported after this, as ever: what is opened first brings its own."""
    _leave_sources_unread()
    from app import application

    class Watched(application.Application):
        async def run(self) -> None:
            using = asyncio.get_running_loop().create_task(use(self, int(sys.argv[1])))
            await super().run()
            await using

    application.Application = Watched  # type: ignore[misc]


async def use(program: "Application", number: int) -> None:
    """Open every page and the palette for the first time, then click on rows, then type a name."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from app.ui.navigation import HOME
    from tests.benchmarks.programs.felt import CLICKS, TYPED, Pictures, click, reads
    from tests.ui.window_harness import status
    from tests.waiting import until

    window, core = program.window, program._core
    table, search, places = window.list.table, window.header.search, window.places
    await until(lambda: window._pane is not None and window.list._model.loaded, within=60)
    pane, rail = window._pane, places.rail
    assert pane is not None
    assert rail is not None
    for place, mentorado in enumerate(core.mentorados.all()):
        if (observed := status(place)) is not None:
            core.supervisor._board.restore(mentorado.link, observed)
    window.resize(1280, 720)
    window.activateWindow()
    pictures = Pictures(window)
    await asyncio.sleep(1)
    names = [spec.name for spec in program.pages]
    for name in names[number % len(names) :] + names[: number % len(names)]:
        press = partial(QTest.mouseClick, rail._buttons[name], Qt.MouseButton.LeftButton)
        await pictures.measure(f"page-{name}", press, partial(reads, lambda: places.here, name))
    window.go(HOME)
    palette = await pictures.measure_dialog(
        "palette", lambda: QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    )
    QTest.keyClick(palette, Qt.Key.Key_Escape)
    rows, shown_name = Random(number), pane._content.who._name  # noqa: S311 - the same in every run
    for _ in range(CLICKS):
        index = table.model().index(rows.randrange(table.model().rowCount()), 0)
        table.scrollTo(index)
        read = partial(reads, lambda: shown_name.text() if shown_name.isVisible() else "", index.data())
        await pictures.measure("click", partial(click, table, index), read)
    search.setFocus()
    for letter in TYPED:
        read = partial(reads, lambda: window.list._typed, (search.text() + letter).strip())
        await pictures.measure("letter", partial(QTest.keyClicks, search, letter), read)
    mark("used")
    window.close()


if __name__ == "__main__":
    gui._leave_sources_unread = _begin_to_watch
    sys.exit(app.__main__.main([]))
