"""The places of the window, one at a time, beside the rail that leads to them. Only home is there from the start."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.page import Page
    from app.ui.rail import Rail

_RAIL_WIDTH, _WIDEST = 60, 84


class Place(StrEnum):
    """What the window can show, in the order of its shortcuts."""

    HOME = "home"
    AUDIT = "audit"
    SETTINGS = "settings"


SHORTCUTS: Final = MappingProxyType({place: f"Ctrl+{number}" for number, place in enumerate(Place, 1)})


class Places(QWidget):
    """The first picture leaves room for the rail; `open_up` fills it. A place is built when it is first gone to."""

    wanted = Signal(Place)

    def __init__(self, home: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.here = Place.HOME
        self.rail: Rail | None = None
        self._theme = theme
        self._home = home
        self._recipe: Callable[[Place], Page] | None = None
        self._pages: dict[Place, Page] = {}
        self._edge = QFrame()
        self._edge.setProperty("role", "rail")
        self._stack = QStackedLayout()
        self._stack.addWidget(home)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._edge)
        layout.addLayout(self._stack, 1)
        theme.changed.connect(self.restyle)
        self.restyle()

    @property
    def page(self) -> Page | None:
        """What is shown now, unless it is home."""
        return self._pages.get(self.here)

    def open_up(self, recipe: Callable[[Place], Page]) -> None:
        """From now on there is somewhere to go, and *recipe* builds it."""
        from app.ui.rail import Rail

        self._recipe = recipe
        self.rail = Rail(self._theme)
        self.rail.wanted.connect(self.wanted)
        inside = QVBoxLayout(self._edge)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.rail)

    def go(self, place: Place) -> bool:
        """Show *place*; returns whether it can be shown."""
        if place is not Place.HOME and not self._build(place):
            return False
        self.here = place
        self._stack.setCurrentWidget(self.page or self._home)
        if self.rail is not None:
            self.rail.mark(place)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as the space bar does: Qt has that in dialogs only."""
        focused = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QPushButton):
            focused.click()
        else:
            super().keyPressEvent(event)

    def restyle(self) -> None:
        self._edge.setFixedWidth(min(self._theme.px(_RAIL_WIDTH), _WIDEST))

    def retranslate(self) -> None:
        if self.rail is not None:
            self.rail.retranslate()

    def _build(self, place: Place) -> bool:
        if place in self._pages:
            return True
        if self._recipe is None:
            return False
        self._pages[place] = page = self._recipe(place)
        self._stack.addWidget(page)
        return True
