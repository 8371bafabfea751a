"""The program as `conecta` starts it, saying when its window is on the screen, when everybody is in the list, and when
the services are there too: from then on what is shown of each is known, and can be worked with.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import app.__main__
from tests.benchmarks.programs.marks import mark

if TYPE_CHECKING:
    from app.settings import Settings

_settings = app.__main__._settings


def _watched_settings(env_file: Path | None) -> "Settings":
    """What a start imports is imported when a start does it: what that takes belongs to it."""
    from app import gui

    leave_sources_unread = gui._leave_sources_unread

    def begin_to_watch() -> None:
        leave_sources_unread()
        _watch_frame()

    gui._leave_sources_unread = begin_to_watch
    return _settings(env_file)


def _watch_frame() -> None:
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
    app.__main__._settings = _watched_settings
    sys.exit(app.__main__.main([]))
