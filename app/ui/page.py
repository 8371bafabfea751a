"""What every place beside home has: a title, a line below it, a few buttons at the right, and notices."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.domain.errors import Problem
from app.ui import tokens as t
from app.ui.banners import Banners
from app.ui.text import texts
from app.ui.theme import Theme


class Page(QWidget):
    """Add what is below the header to `column`, and buttons to `tools`. It follows language and text size."""

    crashed = Signal(object)
    """A bug in something that was asked for here; carries the exception."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._title.setProperty("role", "title")
        self._summary = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "secondary")
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._summary)
        words.addStretch(1)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(t.SPACE_2)
        self._header = QFrame()
        self._header.setProperty("role", "header")
        row = QHBoxLayout(self._header)
        row.setContentsMargins(t.SPACE_6, 0, t.SPACE_6, 1)
        row.setSpacing(t.SPACE_4)
        row.addLayout(words, 1)
        row.addLayout(self.tools)
        self.banners = Banners(theme)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.column.addWidget(self._header)
        self.column.addWidget(self.banners)
        undo = texts.on_change(self.retranslate)
        self.destroyed.connect(lambda _gone: undo())
        theme.changed.connect(self.restyle)

    def say(self, title: str, summary: str) -> None:
        """Head the page with these words."""
        self._title.setText(title)
        self._summary.setText(summary)
        self.setAccessibleName(title)

    def restyle(self) -> None:
        self._header.setFixedHeight(self._theme.px(t.HEADER_HEIGHT))

    def retranslate(self) -> None:
        self.banners.retranslate()

    def take_focus(self) -> None:
        """Put the keyboard on what matters most here."""

    def begin_search(self) -> None:
        """Put the cursor where one searches, if one can."""

    def show_problem(self, problem: Problem) -> None:
        self.banners.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self.crashed.emit(error)
