"""A round sign that says at one glance how a procedure stands. The words beside it say the same."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.domain.procedure import ProcedureState
from app.ui.icons import pixmap
from app.ui.theme import Theme, Tone

_DISC, _ICON = 36, 18
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


class StateSign(QWidget):
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
        colours, side = self._theme.tokens.badge[tone], self._theme.px(_ICON)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(QRectF(self.rect()))
        inset = (self.width() - side) / 2
        painter.drawPixmap(QPointF(inset, inset), pixmap(name, colours.fg, side, self.devicePixelRatioF()))
        painter.end()

    def _rescale(self) -> None:
        side = self._theme.px(_DISC)
        self.setFixedSize(side, side)
        self.update()
