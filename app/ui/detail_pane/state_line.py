"""The badge with the provider and the age of its truth: beside it, or below it where the words are large."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QWidget

from app.ui.badge import Badge
from app.ui.theme import SPACE_1, SPACE_2, Theme, Tone


class StateLine(QWidget):
    """Folds by itself, so that neither the badge nor the words are cut."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._badge = Badge(theme)
        self._observed = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._observed.setProperty("role", "secondary")
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_2 + 2)
        self._layout.addWidget(self._badge)
        self._layout.addWidget(self._observed, 1)
        theme.changed.connect(self._fold)

    def show_state(self, tone: Tone, icon_name: str, word: str, observed: str) -> None:
        self._badge.show_badge(tone, icon_name, word)
        self._observed.setText(observed)
        self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        words = self._observed.fontMetrics().horizontalAdvance(self._observed.text())
        beside = self._badge.sizeHint().width() + SPACE_2 + 2 + words <= self.width()
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if direction is not self._layout.direction():
            self._layout.setDirection(direction)
            self._layout.setSpacing(SPACE_2 + 2 if beside else SPACE_1)
