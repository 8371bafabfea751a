"""The line over an open conversation: with whom, whose, and how to leave it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3, TEXT_NAME, Theme
from app.ui.words import Words

_ICON = 18


class ThreadHead(QWidget):
    """Buttons and names; what they do is for the page."""

    back_wanted = Signal()
    search_wanted = Signal()
    wide_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._wide = False
        self.title = Words(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self.line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.line.setProperty("role", "caption")
        self.back, self.search, self.wide = (self._button() for _ in range(3))
        self.back.clicked.connect(self.back_wanted)
        self.search.clicked.connect(self.search_wanted)
        self.wide.clicked.connect(self.wide_wanted)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        layout.setSpacing(SPACE_2)
        layout.addWidget(self.back)
        layout.addLayout(words, 1)
        layout.addWidget(self.search)
        layout.addWidget(self.wide)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def show_names(self, title: str, line: str) -> None:
        self.title.setText(title)
        self.line.setText(line)

    def set_wide(self, wide: bool) -> None:
        """In the wide place there is no list to go back to, but a pane."""
        self._wide = wide
        self.back.setVisible(not wide)
        margins = self.layout()
        if margins is not None:
            margins.setContentsMargins(SPACE_3 * 2 if wide else SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        self.retranslate()

    def retranslate(self) -> None:
        for button, name, words in (
            (self.back, "arrow-left", "conversation.back"),
            (self.search, "search", "conversation.search"),
            (self.wide, *(("shrink", "conversation.narrow") if self._wide else ("expand", "conversation.wide"))),
        ):
            button.setIcon(icon(name, self._theme.tokens.text2, _ICON))
            button.setToolTip(texts(words))
            button.setAccessibleName(texts(words))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._theme.tokens.border))
        painter.end()

    @staticmethod
    def _button() -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "quiet")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button
