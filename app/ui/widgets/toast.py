"""A toast at the bottom of the window that confirms an action, and may undo it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.announcement import announce

SHOWN_MILLISECONDS = 10_000
LONGER_MILLISECONDS = 30_000
"""For what was done to many at once."""
_FROM_BOTTOM, _HEIGHT = 24, 44
_MOVES_IT = frozenset({QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide})


class Toast(QFrame):
    """Floats over its parent, closes after a while, and stays while it is hovered or focused, or the window is not
    looked at.

    It stands above *below* when both are shown.
    """

    closed = Signal()

    def __init__(
        self, theme: Theme, parent: QWidget, *, milliseconds: int = SHOWN_MILLISECONDS, below: Toast | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._below = below
        self._undo: Callable[[], None] | None = None
        self.setProperty("role", "toast")
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._words.setProperty("role", "toast")
        self.button = QPushButton()
        self.button.setProperty("role", "toast")
        self.button.clicked.connect(self._on_undo)
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(t.SPACE_4, t.SPACE_1, t.SPACE_2, t.SPACE_1)
        layout.setSpacing(t.SPACE_3)
        layout.addWidget(self._words)
        layout.addWidget(self.button)
        self._milliseconds = milliseconds
        self._timer = QTimer(self, singleShot=True, interval=milliseconds)
        self._timer.timeout.connect(self._on_time)
        parent.installEventFilter(self)
        if below is not None:
            below.installEventFilter(self)
        self.hide()

    def show_message(
        self, words: str, button: str = "", undo: Callable[[], None] | None = None, *, longer: bool = False
    ) -> None:
        """Show *words*, and a *button* which calls *undo*, if any; *longer* where there is more to think about."""
        self._timer.setInterval(LONGER_MILLISECONDS if longer else self._milliseconds)
        is_new = self.isHidden() or words != self._words.text()
        self._undo = undo
        self._words.setText(words)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.setMinimumHeight(self._theme.px(_HEIGHT))  # as with a button
        self.setAccessibleName(words)
        self.show()
        self._place()
        self.raise_()
        self._timer.start()
        if is_new:
            announce(self, words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self.isVisible():
            if event.type() in _MOVES_IT:
                self._place()
            elif event.type() is QEvent.Type.ChildAdded and watched is self.parent():  # it may cover this
                self.raise_()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._timer.start()
        super().leaveEvent(event)

    def _on_time(self) -> None:
        if self.button.hasFocus() or not self.isActiveWindow():
            self._timer.start()
        else:
            self.hide()

    def _on_undo(self) -> None:
        self.hide()
        if self._undo is not None:
            self._undo()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self.isHidden():  # and not only what it stands on
            self.closed.emit()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        margins = self.contentsMargins() + self._row.contentsMargins()
        beside = margins.left() + margins.right()
        if not self.button.isHidden():
            beside += t.SPACE_3 + self.button.sizeHint().width()
        room = max(parent.width() - 2 * t.SPACE_4 - beside, 1)
        needed = self._words.fontMetrics().horizontalAdvance(self._words.text()) + t.SPACE_1
        self._words.setWordWrap(needed > room)
        self._words.setFixedWidth(min(needed, room))
        self.adjustSize()
        bottom = parent.height() - _FROM_BOTTOM
        if self._below is not None and self._below.isVisible():
            bottom -= self._below.height() + t.SPACE_2
        self.move(max(t.SPACE_2, (parent.width() - self.width()) // 2), bottom - self.height())
