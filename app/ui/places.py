"""The rail, and beside it one place at a time. Only home is there from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QWidget

from app.ui.rail import Place, Rail
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.page import Page


class Places(QWidget):
    """Builds a place when it is first gone to; until `recipe` is set there is nowhere else to go."""

    def __init__(self, home: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.recipe: Callable[[Place], Page] | None = None
        self.here = Place.HOME
        self.rail = Rail(theme)
        self._home = home
        self._pages: dict[Place, Page] = {}
        self._stack = QStackedLayout()
        self._stack.addWidget(home)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addLayout(self._stack, 1)

    @property
    def page(self) -> Page | None:
        """What is shown now, unless it is home."""
        return self._pages.get(self.here)

    def go(self, place: Place) -> bool:
        """Show *place*; returns whether it can be shown."""
        if place is not Place.HOME and not self._build(place):
            return False
        self.here = place
        self._stack.setCurrentWidget(self.page or self._home)
        self.rail.mark(place)
        return True

    def _build(self, place: Place) -> bool:
        if place in self._pages:
            return True
        if self.recipe is None:
            return False
        self._pages[place] = page = self.recipe(place)
        self._stack.addWidget(page)
        return True
