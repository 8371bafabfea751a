"""A sheet for more than fits: what is in it scrolls, its title and its buttons stay."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.ui.dialogs.sheet import SHEET_WIDTH, Sheet
from app.ui.theme import SPACE_2, SPACE_3, SPACE_4, SPACE_6, Theme

_LEAST = 120


class TallSheet(Sheet):
    """Add what scrolls to `inside`. The sheet is as tall as its words need, and never taller than the window."""

    def __init__(self, theme: Theme, over: QWidget, *, width: int = SHEET_WIDTH) -> None:
        super().__init__(theme, over, width=width)
        room = over.window().width() - 2 * SPACE_4
        self.setFixedWidth(min(self.width(), max(room, SHEET_WIDTH)))
        content = QWidget()
        self.inside = QVBoxLayout(content)
        self.inside.setContentsMargins(0, 0, SPACE_2, 0)
        self.inside.setSpacing(SPACE_3)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has the focus
        self.area.setWidget(content)
        self.body.addWidget(self.area)

    def fit(self) -> None:
        """As tall as the words need, as far as the window goes."""
        self.ensurePolished()
        outer, window = self.layout(), self.parentWidget()
        if outer is None or window is None:
            return
        self.inside.activate()
        margins = outer.contentsMargins()
        # The bar's room is left free whether it shows or not, so that words do not break anew when it comes.
        needed = self.inside.totalHeightForWidth(self.width() - margins.left() - margins.right())
        self.area.setFixedHeight(0)
        outer.activate()
        around = outer.totalHeightForWidth(self.width())
        room = window.height() - 2 * SPACE_6 - around
        self.area.setFixedHeight(max(_LEAST, min(needed, room)))
        self.area.verticalScrollBar().setSingleStep(24)
        super().fit()
