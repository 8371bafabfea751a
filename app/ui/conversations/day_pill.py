"""The day of what is read, floating over the upper edge while it is scrolled."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import TEXT_CAPTION, Theme

_SHOWN_MILLISECONDS = 1200
_TOP = 8


class DayPill(QWidget):
    """Goes by itself, takes no clicks, and says nothing to a screen reader: rows say their day themselves."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MILLISECONDS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, words: str, width: int) -> None:
        """Show *words* in the middle of what is *width* wide, for a moment."""
        self._words = words
        metrics = QFontMetricsF(self._font())
        px = self._theme.px
        wide, high = round(metrics.horizontalAdvance(words)) + px(22), round(metrics.height()) + px(9)
        self.setGeometry((width - wide) // 2, _TOP, wide, high)
        self.show()
        self.raise_()
        self.update()
        self._timer.start()

    def _font(self) -> QFont:
        return self._theme.font(TEXT_CAPTION, QFont.Weight.Medium)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.setBrush(QColor(colours.raised))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        painter.setFont(self._font())
        painter.setPen(QColor(colours.text))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()
