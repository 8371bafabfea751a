"""A button that shows what is chosen, and offers the rest in a menu."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.ui.icons import icon
from app.ui.theme import Theme

_ICON = 14
Option = tuple[Hashable, str]


class Pick(QPushButton):
    """*options* is asked each time the menu opens. The words after the name say what is chosen now."""

    picked = Signal(object)

    def __init__(self, theme: Theme, options: Callable[[], Sequence[Option]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._options = options
        self._name = ""
        self.chosen: Hashable = None
        self.setProperty("role", "pick")
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow stands behind the words
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._open)
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        side = self._theme.px(_ICON)
        self.setIcon(icon("chevron-down", self._theme.tokens.text2, side))
        self.setIconSize(QSize(side, side))
        self.updateGeometry()

    def say(self, name: str) -> None:
        """Go by *name*, and say again what is chosen."""
        self._name = name
        self._refresh()

    def choose(self, option: Hashable) -> None:
        """Take *option* without telling anybody."""
        self.chosen = option
        self._refresh()

    def menu_of_options(self) -> QMenu:
        menu = QMenu(self)
        menu.setStyleSheet("QMenu { menu-scrollable: 1; }")  # otherwise a long one covers the screen in columns
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        group = QActionGroup(menu)
        for option, words in self._options():
            entry = menu.addAction(words.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(option == self.chosen)
            entry.triggered.connect(partial(self._pick, option))
            group.addAction(entry)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _open(self) -> None:
        self.menu_of_options().popup(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def _pick(self, option: Hashable, _checked: bool = False) -> None:
        if option != self.chosen:
            self.choose(option)
            self.picked.emit(option)

    def _refresh(self) -> None:
        words = next((words for option, words in self._options() if option == self.chosen), "—")
        metrics = self.fontMetrics()
        room = self._theme.px(200)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room).replace("&", "&&")
        self.setText(f"{self._name}: {shown}" if self._name else shown)
        self.setAccessibleName(f"{self._name}: {words}" if self._name else words)
