"""How much life a code has left: a ring that empties, and the same in words."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.theme import SPACE_3, TEXT_BODY, Theme
from app.ui.words import Words

LITTLE = 0.25
"""Below this part of its life a code is shown as about to expire."""

RING_SIDE = 28
_FULL_CIRCLE = 360 * 16
_TOP = 90 * 16


class CountdownRing(QWidget):
    """Draws how much is left, from 1 down to 0."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.left = 0.0
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_left(self, left: float) -> None:
        self.left = min(max(left, 0.0), 1.0)
        self.update()

    @property
    def urgent(self) -> bool:
        return 0 < self.left < LITTLE

    def _rescale(self) -> None:
        side = self._theme.px(RING_SIDE)
        self.setFixedSize(QSize(side, side))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self._theme.px(3)
        circle = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.setPen(QPen(QColor(tokens.border), width))
        painter.drawEllipse(circle)
        if self.left > 0:
            colour = QColor(tokens.danger if self.urgent else tokens.accent)
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawArc(circle, _TOP, math.ceil(_FULL_CIRCLE * self.left))
        painter.end()


class CodeLife(QWidget):
    """The ring with two short lines beside it; the first turns red when little is left."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.ring = CountdownRing(theme)
        self.title = Words(theme, TEXT_BODY, QFont.Weight.Medium, wraps=False)
        self.caption = QLabel(textFormat=Qt.TextFormat.PlainText)
        self.caption.setProperty("role", "caption")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.caption)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_3)
        layout.addStretch(1)
        layout.addWidget(self.ring)
        layout.addLayout(words)
        layout.addStretch(1)

    def show_life(self, left: float, title: str, caption: str = "") -> None:
        self.ring.show_left(left)
        self.title.setText(title)
        self.caption.setText(caption)
        self.caption.setVisible(bool(caption))
        role = "danger" if self.ring.urgent else ""
        if self.title.property("role") != role:
            self.title.setProperty("role", role)
            self.title.style().unpolish(self.title)  # a sheet looks at properties only when it dresses a widget
            self.title.style().polish(self.title)
