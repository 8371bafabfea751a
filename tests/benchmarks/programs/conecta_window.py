"""The program as `conecta` starts it, saying when its window is on the screen, when everybody is in the list, and when
the services are there too: from then on what is shown of each is known, and can be worked with.
"""

import sys
from pathlib import Path
from typing import Any

import app.__main__
from app import gui as window
from tests.benchmarks.programs.marks import mark

_leave_sources_unread = window._leave_sources_unread


def _begin_to_watch() -> None:
    """The window's own modules are imported after this, as ever: what they take belongs to the start."""
    _leave_sources_unread()
    from app import frame

    class Watched(frame.Frame):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.window.painted.connect(lambda: mark("painted"))
            self.window.list.loaded.connect(self._on_loaded)

        def show_people(self, database: Path) -> None:
            super().show_people(database)
            assert self.model.rowCount()
            mark("filled")

        def _on_loaded(self) -> None:
            from PySide6.QtCore import QTimer

            self.window.list.table.viewport().repaint()
            QTimer.singleShot(0, lambda: mark("known"))

    frame.Frame = Watched  # type: ignore[misc,assignment]


if __name__ == "__main__":
    window._leave_sources_unread = _begin_to_watch
    sys.exit(app.__main__.main([]))
