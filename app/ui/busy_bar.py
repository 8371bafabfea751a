"""A thin bar that moves while something takes its time and nobody can say how long."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from app.ui.theme import Theme

_HEIGHT = 4
_STEP_MILLISECONDS, _STEPS = 33, 45


class BusyBar(QWidget):
    """Stands still where the person asked their system for less motion."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._at = _STEPS // 3
        self._timer = QTimer(self, interval=_STEP_MILLISECONDS)
        self._timer.timeout.connect(self._move)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self) > 0:
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, width, height = self._theme.tokens, self.width(), self.height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 0))
        painter.setBrush(QColor(colours.border))
        painter.drawRoundedRect(QRectF(0, 0, width, height), height / 2, height / 2)
        painter.setBrush(QColor(colours.accent))
        piece = width / 4
        left = -piece + (width + piece) * self._at / _STEPS
        painter.setClipRect(self.rect())
        painter.drawRoundedRect(QRectF(left, 0, piece, height), height / 2, height / 2)
        painter.end()

    def _move(self) -> None:
        self._at = (self._at + 1) % _STEPS
        self.update()
