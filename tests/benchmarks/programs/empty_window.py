"""The baseline of the start: an empty window, until its first picture is on the screen."""

import sys

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from tests.benchmarks.programs.marks import mark


class _Empty(QMainWindow):
    _painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, lambda: mark("painted"))


def main() -> None:
    app = QApplication(sys.argv[:1])
    window = _Empty()
    window.resize(1240, 860)
    window.show()
    app.exec()


if __name__ == "__main__":
    main()
