"""What the provider says about what was typed: nothing yet, asking, right, refused, or not to be asked."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.busy_bar import BusyBar
from app.ui.icons import pixmap
from app.ui.theme import RADIUS_ROW, SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_SMALL, Theme, Tone
from app.ui.words import Words

_ICON = 18


class Check(StrEnum):
    """How far the live check is."""

    IDLE = "idle"
    ASKING = "asking"
    GOOD = "good"
    NOTED = "noted"  # right, and something has to be known: it is somebody else's number, or not registered
    REFUSED = "refused"
    SILENT = "silent"


_LOOKS: Final = MappingProxyType(
    {
        Check.IDLE: (Tone.IDLE, "shield-check"),
        Check.ASKING: (Tone.PROGRESS, "refresh"),
        Check.GOOD: (Tone.CONNECTED, "check-circle"),
        Check.NOTED: (Tone.WAITING, "info"),
        Check.REFUSED: (Tone.ERROR, "triangle-alert"),
        Check.SILENT: (Tone.WAITING, "clock"),
    }
)


class Verdict(QFrame):
    """A band in the tone of what it says, with an icon; never colour alone."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.check = Check.IDLE
        self._mark = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._sentence = Words(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self._next = Words(theme, TEXT_SMALL)
        self._busy = BusyBar(theme)
        self._facts = QWidget()
        self._grid = QGridLayout(self._facts)
        self._grid.setContentsMargins(0, SPACE_1, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_4)
        self._grid.setVerticalSpacing(SPACE_1 // 2)
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout()
        column.setSpacing(SPACE_1 // 2)
        for part in (self._sentence, self._next, self._facts, self._busy):
            column.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        row.setSpacing(SPACE_2 + 2)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def said(self) -> str:
        """All that stands here, as it is read."""
        return self.accessibleName()

    def show_verdict(
        self, check: Check, sentence: str, next_step: str = "", facts: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.check = check
        told = list(facts)
        self._sentence.setText(sentence)
        self._next.setText(next_step)
        self._next.setVisible(bool(next_step))
        self._busy.setVisible(check is Check.ASKING)
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for place, (name, value) in enumerate(told):
            for column, words in enumerate((name, value)):
                part = Words(self._theme, TEXT_SMALL, QFont.Weight.Medium if column else QFont.Weight.Normal)
                part.setText(words)
                self._grid.addWidget(part, place, column)
        self._facts.setVisible(bool(told))
        said = " ".join([sentence, next_step, *(f"{name}: {value}." for name, value in told)]).strip()
        self.setAccessibleName(said)
        self._dress()
        if QAccessible.isActive() and self.isVisible():  # wherever the reader is, this is what was waited for
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.badge[_LOOKS[self.check][0]].bg))
        painter.drawRoundedRect(self.rect(), RADIUS_ROW, RADIUS_ROW)
        painter.end()

    def _dress(self) -> None:
        tone, name = _LOOKS[self.check]
        colour = self._theme.tokens.badge[tone].fg
        self._mark.setPixmap(pixmap(name, colour, self._theme.px(_ICON), self.devicePixelRatioF()))
        for part in (self._sentence, self._next, *self._facts.findChildren(Words)):
            part.setStyleSheet(f"color: {colour};")
        self.update()
