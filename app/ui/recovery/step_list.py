"""The steps of a procedure, one below the other: done, now, next."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.domain.procedure import Procedure, ProcedureState, StepRecord, StepState
from app.ui.icons import icon
from app.ui.recovery import words
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_3, SPACE_4, TEXT_BODY, TEXT_CAPTION, Theme, Tone
from app.ui.words import Words

_MARK, _ICON = 24, 14
_LOOKS = {
    StepState.DONE: (Tone.CONNECTED, "check"),
    StepState.FAILED: (Tone.ERROR, "triangle-alert"),
    StepState.UNDONE: (Tone.IDLE, "undo"),
    StepState.SKIPPED: (Tone.IDLE, "arrow-right"),
}


class _Row(QWidget):
    """One step: a mark, what it does, and what became of it. The line down leads to the next."""

    def __init__(self, theme: Theme, number: int, *, last: bool) -> None:
        super().__init__()
        self._theme = theme
        self._number = number
        self._last = last
        self._state = StepState.WAITING
        self._halted = False
        self._current = False
        self._strong, self._plain = (
            Words(theme, TEXT_BODY, weight) for weight in (QFont.Weight.DemiBold, QFont.Weight.Normal)
        )
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "secondary")
        self._column = QVBoxLayout(self)
        self._column.setSpacing(SPACE_1 // 2)
        for label in (self._strong, self._plain, self._line):
            self._column.addWidget(label)
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_step(self, procedure: Procedure, step: StepRecord) -> None:
        is_next = step == procedure.next_step and not procedure.ended
        line = words.step_line(step, procedure.state, is_next=is_next)
        self._state = step.state
        self._current = is_next and procedure.state is not ProcedureState.UNDOING
        self._halted = self._current and procedure.state in (ProcedureState.ASKING, ProcedureState.PAUSED)
        label = texts(f"procedure.step.{step.name}")
        for words_of, shown in ((self._strong, self._current), (self._plain, not self._current)):
            words_of.setText(label)
            words_of.setVisible(shown)
        self._line.setText(line)
        self._line.setVisible(bool(line))
        self.setAccessibleName(words.spoken_step(procedure, step, line))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens, side = self._theme.tokens, self._theme.px(_MARK)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._last:
            painter.setPen(QPen(QColor(tokens.border), 2))
            middle = side / 2
            painter.drawLine(QPointF(middle, side + SPACE_1), QPointF(middle, self.height() - SPACE_1))
        circle = QRectF(1, 1, side - 2, side - 2)
        if self._state in _LOOKS:
            tone, name = _LOOKS[self._state]
            self._paint_icon(painter, circle, tone, name)
        elif self._halted:
            self._paint_icon(painter, circle, Tone.WAITING, "clock")
        elif self._current:
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawEllipse(circle)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(circle.center(), side / 6, side / 6)
        else:
            painter.setPen(QPen(QColor(tokens.border_strong), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            painter.setFont(self._theme.font(TEXT_CAPTION, QFont.Weight.Medium))
            painter.setPen(QColor(tokens.text3))
            painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(self._number))
        painter.end()

    def _paint_icon(self, painter: QPainter, circle: QRectF, tone: Tone, name: str) -> None:
        colours, side = self._theme.tokens.badge[tone], self._theme.px(_ICON)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(circle)
        at = circle.center().toPoint()
        icon(name, colours.fg, side).paint(painter, QRect(at.x() - side // 2, at.y() - side // 2, side, side))

    def _rescale(self) -> None:
        side = self._theme.px(_MARK)
        below = 0 if self._last else SPACE_4
        self._column.setContentsMargins(side + SPACE_3, max(0, (side - self._theme.px(18)) // 2), 0, below)
        self.setMinimumHeight(side + below)
        self.update()


class StepList(QWidget):
    """Rows are made once for each procedure; afterwards they are told."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[_Row] = []
        self._of: str = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    def show_procedure(self, procedure: Procedure) -> None:
        if self._of != procedure.head.id:
            self._of = procedure.head.id
            self._make(len(procedure.steps))
        for row, step in zip(self._rows, procedure.steps, strict=True):
            row.show_step(procedure, step)
        self.setAccessibleName(texts("procedure.steps"))

    def _make(self, count: int) -> None:
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = [_Row(self._theme, number, last=number == count) for number in range(1, count + 1)]
        for row in self._rows:
            self._column.addWidget(row)
