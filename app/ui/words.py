"""Words as they are: labels whose weight can be relied on, and tips that are no HTML.

A style sheet picks a weight by name, and a variable typeface has only its regular one by name on some platforms.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.theme import TEXT_BODY, Theme


def plain_tip(words: str) -> str:
    """*words* for a tool tip, which Qt would render, images and all, when there is a tag in them."""
    return f"<p>{escape(words)}</p>" if GuiQt.mightBeRichText(words) else words


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
