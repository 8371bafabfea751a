"""A box that is ticked or not, with its words beside it; painted, so that the tick is one of the theme's drawings."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui.icons import pixmap
from app.ui.theme import SPACE_2, TEXT_BODY, Theme

_BOX, _TICK = 18, 14
_WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
_WIDTH = 320


class TickBox(QAbstractButton):
    """Space or a click turns it over; the words wrap."""

    def __init__(self, theme: Theme, words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.updateGeometry)
        self.say(words)

    def say(self, words: str) -> None:
        self.setText(words)
        self.setAccessibleName(words)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(self._theme.px(_BOX) + 4, self._words(width).height() + 4)

    def sizeHint(self) -> QSize:
        words = QFontMetrics(self._theme.font(TEXT_BODY)).horizontalAdvance(self.text())
        width = min(self._theme.px(_WIDTH), words + self._left + 2)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._left + self._theme.px(60), self._theme.px(_BOX) + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, side, on = self._theme.tokens, self._theme.px(_BOX), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2.0 if self.hasFocus() else 1.0
        painter.setPen(QPen(QColor(colours.focus if self.hasFocus() else colours.border_strong), width))
        painter.setBrush(QColor(colours.accent if on else colours.bg))
        inset = width / 2 + 1
        painter.drawRoundedRect(QRectF(0, 1, side + 2, side + 2).adjusted(inset, inset, -inset, -inset), 5, 5)
        if on:
            tick = self._theme.px(_TICK)
            at = (side + 2 - tick) // 2
            painter.drawPixmap(at, at + 1, pixmap("check", colours.on_accent, tick, self.devicePixelRatioF()))
        painter.setFont(self._theme.font(TEXT_BODY))
        painter.setPen(QColor(colours.text))
        painter.drawText(self._words(self.width()), _WRAPPED, self.text())
        painter.end()

    @property
    def _left(self) -> int:
        return self._theme.px(_BOX) + 2 + SPACE_2

    def _words(self, width: int) -> QRect:
        room = QRect(self._left, 2, max(1, width - self._left), 10_000)
        return QFontMetrics(self._theme.font(TEXT_BODY)).boundingRect(room, _WRAPPED, self.text())
