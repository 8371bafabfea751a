"""The messages that wait, one below the other: to whom, since when, and how each begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app.domain.names import visible
from app.domain.sending import QueuedMessage
from app.ui.text import age, texts
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, Theme
from app.ui.words import Words

MOST: Final = 30
"""So many are shown; the rest is counted."""
_LONGEST = 180
_SHOWN_DIGITS = 4


def masked_recipient(to: str) -> str:
    """*to* as far as it must be read to know whose message it is: country and area, and the last digits."""
    digits, _at, kind = to.partition("@")
    digits, last = digits.lstrip("+"), digits[-_SHOWN_DIGITS:]
    if kind == "g.us" or "-" in digits:
        return texts("queue.group", digits=last.removeprefix("-"))
    if kind == "lid" or not digits.isdecimal() or len(digits) < 2 * _SHOWN_DIGITS + 2:
        return texts("queue.contact", digits=last)
    if digits.startswith("55") and len(digits) in (12, 13):
        return f"+55\u00a0{digits[2:4]}\u00a0•••••\u2011{last}"
    return f"+{digits[:2]}\u00a0•••••{last}"


def beginning(text: str) -> str:
    """The words of *text* on as few lines as they need, cut where there are too many."""
    words = " ".join(visible(text).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"


class QueuedList(QFrame):
    """What cannot be shown of a message is said instead: one without text is a picture or another kind."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("role", "sunken")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        self._column.setSpacing(0)

    def show_messages(self, messages: Sequence[QueuedMessage], now: datetime) -> None:
        while item := self._column.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for place, message in enumerate(messages[:MOST]):
            if place:
                line = QFrame()
                line.setProperty("role", "line")
                self._column.addWidget(line)
            self._column.addWidget(self._row(message, now))
        if len(messages) > MOST:
            more = QLabel(
                texts.plural("queue.more", len(messages) - MOST), wordWrap=True, textFormat=Qt.TextFormat.PlainText
            )
            more.setProperty("role", "secondary")
            more.setContentsMargins(0, SPACE_2, 0, SPACE_2)
            self._column.addWidget(more)

    def _row(self, message: QueuedMessage, now: datetime) -> QFrame:
        row = QFrame()
        to = Words(self._theme, TEXT_BODY, QFont.Weight.DemiBold, wraps=False)
        to.setText(masked_recipient(message.to))
        since = QLabel(age(now - message.since) if message.since else "", textFormat=Qt.TextFormat.PlainText)
        since.setProperty("role", "caption")
        text = QLabel(
            beginning(message.text) or texts("queue.no_text"), wordWrap=True, textFormat=Qt.TextFormat.PlainText
        )
        text.setProperty("role", "secondary")
        head = QHBoxLayout()
        head.setSpacing(SPACE_3)
        head.addWidget(to, 1)
        head.addWidget(since, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(row)
        column.setContentsMargins(0, SPACE_2, 0, SPACE_2)
        column.setSpacing(SPACE_1 // 2)
        column.addLayout(head)
        column.addWidget(text)
        row.setAccessibleName(f"{to.text()}, {since.text()}: {text.text()}")
        return row
