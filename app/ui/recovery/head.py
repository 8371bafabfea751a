"""The head of a side sheet: what it is about, how far it is, and a way to put it aside."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from app.ui.icons import icon
from app.ui.theme import SPACE_1, SPACE_2, SPACE_4, SPACE_6, TEXT_HEADING, Theme
from app.ui.words import Words, plain_tip

_ICON = 18


class SheetHead(QFrame):
    """Stays in view while what is below it scrolls."""

    close_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "header")
        self._theme = theme
        self._title = Words(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self._line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "secondary")
        self.close_button = QPushButton()
        self.close_button.setProperty("role", "quiet")
        self.close_button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.close_button.clicked.connect(self.close_wanted)
        words = QVBoxLayout()
        words.setSpacing(SPACE_1 // 2)
        words.addWidget(self._title)
        words.addWidget(self._line)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_6, SPACE_4, SPACE_4 - 2, SPACE_4 - 2)
        row.setSpacing(SPACE_2)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def title(self) -> str:
        return self._title.text()

    def say(self, title: str, line: str) -> None:
        self._title.setText(title)
        self._line.setText(line)
        self._line.setVisible(bool(line))

    def say_close(self, words: str) -> None:
        """What closing does."""
        self.close_button.setAccessibleName(words)
        self.close_button.setToolTip(plain_tip(words))

    def _dress(self) -> None:
        side = self._theme.px(_ICON)
        self.close_button.setIcon(icon("x", self._theme.tokens.text2, side))
        self.close_button.setIconSize(QSize(side, side))
