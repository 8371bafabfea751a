"""What stands in place of the list when there is nothing to list: one sentence, and the way on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import tokens as t
from app.ui.icons import pixmap
from app.ui.theme import Theme

_DISC = 64
_ICON = 26


class _Disc(QWidget):
    """An icon in a soft circle."""

    def __init__(self, theme: Theme, icon_name: str) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon_name
        self.setFixedSize(QSize(_DISC, _DISC))
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent_soft))
        painter.drawEllipse(QRectF(self.rect()))
        sign = pixmap(self._icon_name, colours.on_accent_soft, _ICON, self.devicePixelRatioF())
        painter.drawPixmap(QPointF((_DISC - _ICON) / 2, (_DISC - _ICON) / 2), sign)
        painter.end()


class EmptyState(QWidget):
    """An icon, a title, a sentence, one button unless its words are empty, and perhaps a quiet one below."""

    pressed = Signal()
    second_pressed = Signal()

    def __init__(self, theme: Theme, icon_name: str, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel(textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._title.setProperty("role", "heading")
        self._line = QLabel(textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._line.setProperty("role", "secondary")
        self._button = QPushButton()
        self._button.setProperty("role", role)
        self._button.clicked.connect(self.pressed)
        self._second = QPushButton()
        self._second.setProperty("role", "quiet")
        self._second.clicked.connect(self.second_pressed)
        self.setFocusProxy(self._button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(t.SPACE_6, t.SPACE_6, t.SPACE_6, t.SPACE_6)
        layout.setSpacing(t.SPACE_2)
        layout.addStretch(4)
        layout.addWidget(_Disc(theme, icon_name), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self._title)
        layout.addWidget(self._line)
        layout.addSpacing(t.SPACE_3)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._second, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(5)

    def say(self, title: str, line: str, button: str, second: str = "") -> None:
        """Show these words."""
        self._title.setText(title)
        self._line.setText(line)
        self._line.setVisible(bool(line))
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._second.setText(second)
        self._second.setVisible(bool(second))
        self.setAccessibleName(f"{title}. {line}".strip())
