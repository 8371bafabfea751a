"""A toast at the bottom of the window that confirms an action and can undo it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme

SHOWN_MILLISECONDS = 8000
_FROM_BOTTOM = 24


class Toast(QFrame):
    """Floats over its parent, closes after a while, and stays while it is hovered or focused."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._undo: Callable[[], None] | None = None
        self.setProperty("role", "toast")
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._words.setProperty("role", "toast")
        self.button = QPushButton()
        self.button.setProperty("role", "toast")
        self.button.clicked.connect(self._on_undo)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(t.SPACE_4, t.SPACE_1, t.SPACE_2, t.SPACE_1)
        layout.setSpacing(t.SPACE_3)
        layout.addWidget(self._words)
        layout.addWidget(self.button)
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MILLISECONDS)
        self._timer.timeout.connect(self._on_time)
        parent.installEventFilter(self)
        self.hide()

    def show_message(self, words: str, button: str, undo: Callable[[], None]) -> None:
        """Show *words*, and *button* which calls *undo*."""
        self._undo = undo
        self._words.setText(words)
        self.button.setText(button)
        self.setAccessibleName(words)
        self.show()
        self._place()
        self.raise_()
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._timer.start()
        super().leaveEvent(event)

    def _on_time(self) -> None:
        if self.button.hasFocus():
            self._timer.start()
        else:
            self.hide()

    def _on_undo(self) -> None:
        self.hide()
        if self._undo is not None:
            self._undo()

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            left = (parent.width() - self.width()) // 2
            self.move(max(t.SPACE_2, left), parent.height() - self.height() - _FROM_BOTTOM)
