"""Where staff type whom they look for."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.icons import icon
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 18


class SearchField(QLineEdit):
    """A line with a magnifier and, once something is typed, a way to clear it. Esc clears it too."""

    left_downwards = Signal()
    """Down was pressed: the list is meant."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sign = QAction(self)
        self._sign.setEnabled(False)
        self._wipe = QAction(self)
        self._wipe.triggered.connect(self.clear)
        self._wipe.setVisible(False)
        self.addAction(self._sign, QLineEdit.ActionPosition.LeadingPosition)
        self.addAction(self._wipe, QLineEdit.ActionPosition.TrailingPosition)
        self.textChanged.connect(self._on_text)
        theme.changed.connect(self.restyle)
        self.restyle()
        self.retranslate()

    def take_focus(self) -> None:
        """Put the cursor here, ready to type something else."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def restyle(self) -> None:
        colour = self._theme.tokens.text3
        self._sign.setIcon(icon("search", colour, _ICON))
        self._wipe.setIcon(icon("x-circle", colour, _ICON))

    def retranslate(self) -> None:
        self.setPlaceholderText(texts("list.search"))
        self.setAccessibleName(texts("list.search"))
        self.setToolTip(texts("list.search_tip"))
        self._wipe.setToolTip(texts("list.search_clear"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
            return
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _on_text(self, typed: str) -> None:
        self._wipe.setVisible(bool(typed))
