"""A label whose weight can be relied on.

A style sheet picks a weight by name, and a variable typeface has only its regular one by name on some platforms.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.theme import TEXT_BODY, Theme


class Words(QLabel):
    """Plain text in the theme's typeface; it wraps, and follows the person's text size."""

    def __init__(
        self,
        theme: Theme,
        size: int = TEXT_BODY,
        weight: QFont.Weight = QFont.Weight.Normal,
        *,
        wraps: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, wordWrap=wraps, textFormat=Qt.TextFormat.PlainText)
        self._theme = theme
        self._size = size
        self._weight = weight
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        self.setFont(self._theme.font(self._size, self._weight))
