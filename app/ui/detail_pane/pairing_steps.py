"""What the mentorado does on the phone, in three numbered lines."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.domain.phone import PhoneNumber, last_digits
from app.ui.text import texts
from app.ui.theme import SPACE_2, TEXT_CAPTION, Theme

STEPS = 3
_CIRCLE = 20


class _Number(QWidget):
    """A number in a soft circle; the sentence beside it carries the meaning."""

    def __init__(self, theme: Theme, number: int) -> None:
        super().__init__()
        self._theme = theme
        self._number = number
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        side = self._theme.px(_CIRCLE)
        self.setFixedSize(side, side)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent_soft))
        painter.drawEllipse(QRectF(self.rect()))
        painter.setPen(QColor(tokens.on_accent_soft))
        painter.setFont(self._theme.font(TEXT_CAPTION, QFont.Weight.DemiBold))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, str(self._number))
        painter.end()


class PairingSteps(QWidget):
    """The first line names the number whose phone is expected, so that the right one is picked up."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._account: PhoneNumber | None = None
        self._lines = [QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for _ in range(STEPS)]
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(SPACE_2 + 2)
        layout.setVerticalSpacing(SPACE_2)
        layout.setColumnStretch(1, 1)
        for row, line in enumerate(self._lines):
            layout.addWidget(_Number(theme, row + 1), row, 0, Qt.AlignmentFlag.AlignTop)
            layout.addWidget(line, row, 1)

    def show_steps(self, account: PhoneNumber) -> None:
        if account != self._account:  # asked again with every code
            self._account = account
            self.retranslate()

    def retranslate(self) -> None:
        digits = last_digits(self._account) if self._account else ""
        for number, line in enumerate(self._lines, start=1):
            line.setText(texts(f"qr.step_{number}", digits=digits))
