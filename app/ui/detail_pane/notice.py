"""A picture in a soft circle, a line that says what is going on, and one below it that says what to expect."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui.icons import icon
from app.ui.theme import SPACE_1, SPACE_3, SPACE_4, TEXT_NAME, Theme
from app.ui.words import Words

_CIRCLE = 64
_ICON = 28


class SoftCircle(QWidget):
    """Decoration: the words beside it say the same."""

    def __init__(self, theme: Theme, icon_name: str, side: int = _CIRCLE, icon_side: int = _ICON) -> None:
        super().__init__()
        self._theme = theme
        self._icon = icon_name
        self._icon_side = icon_side
        self.setFixedSize(side, side)
        theme.changed.connect(self.update)

    def show_icon(self, name: str) -> None:
        self._icon = name
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent_soft))
        painter.drawEllipse(QRectF(self.rect()))
        side = self._icon_side
        at = QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)
        icon(self._icon, tokens.on_accent_soft, side).paint(painter, at)
        painter.end()


class Notice(QWidget):
    """Centred, for places that would otherwise be empty."""

    def __init__(self, theme: Theme, icon_name: str) -> None:
        super().__init__()
        self._circle = SoftCircle(theme, icon_name)
        self._title = Words(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "secondary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_3, SPACE_4, SPACE_3, SPACE_1)
        layout.setSpacing(SPACE_1)
        layout.addWidget(self._circle, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE_3)
        for label in (self._title, self._line):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            layout.addWidget(label)

    def show_notice(self, icon_name: str, title: str, line: str) -> None:
        self._circle.show_icon(icon_name)
        self._title.setText(title)
        self._line.setText(line)
