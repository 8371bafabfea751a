"""A picture in a soft circle, a line that says what is going on, and one below it that says what to expect."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.procedure import ProcedureState
from app.text.signs import Tone
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import SPACE_1, SPACE_3, SPACE_4, TEXT_NAME, Theme
from app.ui.widgets.labels import ScaledLabel

_CIRCLE = 64
_ICON = 28


class IconCircle(QWidget):
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
        self._circle = IconCircle(theme, icon_name)
        self._title = ScaledLabel(theme, TEXT_NAME, QFont.Weight.DemiBold)
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


_DISC = 64
_EMPTY_ICON = 26


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
        sign = pixmap(self._icon_name, colours.on_accent_soft, _EMPTY_ICON, self.devicePixelRatioF())
        painter.drawPixmap(QPointF((_DISC - _EMPTY_ICON) / 2, (_DISC - _EMPTY_ICON) / 2), sign)
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

    def show_message(self, title: str, line: str, button: str, second: str = "") -> None:
        """Show these words."""
        self._title.setText(title)
        self._line.setText(line)
        self._line.setVisible(bool(line))
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._second.setText(second)
        self._second.setVisible(bool(second))
        self.setAccessibleName(f"{title}. {line}".strip())


_SIGN_DISC, _SIGN_ICON = 36, 18
CODE = (Tone.WAITING, "qr")
UNPROVEN = (Tone.WAITING, "info")
LOOKS = {
    ProcedureState.RUNNING: (Tone.PROGRESS, "refresh"),
    ProcedureState.ASKING: (Tone.WAITING, "info"),
    ProcedureState.PAUSED: (Tone.WAITING, "clock"),
    ProcedureState.FAILED: (Tone.ERROR, "triangle-alert"),
    ProcedureState.UNDOING: (Tone.PROGRESS, "undo"),
    ProcedureState.DONE: (Tone.CONNECTED, "check"),
    ProcedureState.UNDONE: (Tone.IDLE, "undo"),
}


class StatusIcon(QWidget):
    """Decoration."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._look = LOOKS[ProcedureState.RUNNING]
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_look(self, look: tuple[Tone, str]) -> None:
        self._look = look
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tone, name = self._look
        colours, side = self._theme.tokens.badge[tone], self._theme.px(_SIGN_ICON)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(QRectF(self.rect()))
        inset = (self.width() - side) / 2
        painter.drawPixmap(QPointF(inset, inset), pixmap(name, colours.fg, side, self.devicePixelRatioF()))
        painter.end()

    def _rescale(self) -> None:
        side = self._theme.px(_SIGN_DISC)
        self.setFixedSize(side, side)
        self.update()
