"""The program as `conecta` starts it, saying when its window is on the screen, and when everybody is in the list."""

import sys
from typing import Any

import app.__main__
from app import window
from tests.benchmarks.programs.marks import mark


class _Watched(window.Frame):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.window.painted.connect(lambda: mark("painted"))
        self.model.modelReset.connect(self._on_filled)

    def _on_filled(self) -> None:
        from PySide6.QtCore import QTimer

        self.window.list.table.viewport().repaint()
        QTimer.singleShot(0, lambda: mark("filled"))


if __name__ == "__main__":
    window.Frame = _Watched  # type: ignore[misc,assignment]
    sys.exit(app.__main__.main([]))
