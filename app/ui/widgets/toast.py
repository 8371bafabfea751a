"""A toast at the bottom of the window that confirms an action, and may undo it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QEvent, QMargins, QObject, QPoint, QRect, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import WrappingLabel

SHOWN_MILLISECONDS = 10_000
LONGER_MILLISECONDS = 30_000
"""For what was done to many at once."""
LIVE_CODE = "live_code"
"""The object name of a code that a phone may be looking at just now, and of what belongs to it: no toast covers it."""
_FROM_EDGE, _HEIGHT = 24, 44
_LOOK_MILLISECONDS = 250
_LEAST_WIDTH = 280
_MOVES_IT = frozenset({QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide})


class Toast(QFrame):
    """Floats over its parent, closes after a while, and stays while it is hovered or focused, or the window is not
    looked at.

    It stands above *below* when both are shown, and makes room for a code that a phone reads; where there is none
    beside the code, it waits until the code is gone.
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
        self._words = WrappingLabel()
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
        self._waits = False  # for a code to go
        self._look = QTimer(self, interval=_LOOK_MILLISECONDS)
        self._look.timeout.connect(self._place)  # what is in its way comes, goes and scrolls without a word
        parent.installEventFilter(self)
        if below is not None:
            below.installEventFilter(self)
        self.hide()

    def show_message(
        self, words: str, button: str = "", undo: Callable[[], None] | None = None, *, longer: bool = False
    ) -> None:
        """Show *words*, and a *button* which calls *undo*, if any; *longer* where there is more to think about."""
        self._timer.setInterval(LONGER_MILLISECONDS if longer else self._milliseconds)
        is_new = (self.isHidden() and not self._waits) or words != self._words.text()
        self._undo = undo
        self._words.setText(words)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.setMinimumHeight(self._theme.px(_HEIGHT))  # as with a button
        self.setAccessibleName(words)
        self._waits = True
        self._place()
        self._look.start()
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
        if self.isHidden() and not self._waits:  # and not only what it stands on
            self._look.stop()
            self.closed.emit()

    def setVisible(self, visible: bool) -> None:  # noqa: N802 - Qt's name
        """Whoever hides it does not want it any more, also where it only waits."""
        if not visible and self._waits:
            self._waits = False
            self._look.stop()
            self.closed.emit()
        super().setVisible(visible)

    def _place(self) -> None:
        """Take the first place where it covers no code, and wait where there is none."""
        parent = self.parentWidget()
        if parent is None or not (self._waits or self.isVisible()):
            return
        codes = self._codes(parent)
        for left, right, at_top in _places(parent.rect(), codes):
            self._fit(right - left)
            room = self._room(parent, left, right, at_top=at_top)
            if not any(code.intersects(room) for code in codes):
                self.move(room.topLeft())
                self._come()
                return
        if self.isVisible():
            self._waits = True
            self._timer.stop()
            super().setVisible(False)

    def _come(self) -> None:
        if self._waits:
            self._waits = False
            self.show()
            self.raise_()
            self._timer.start()

    def _codes(self, parent: QWidget) -> list[QRect]:
        """Where in *parent* codes are that can be read."""
        window, margin = parent.window(), t.SPACE_2
        found = window.findChildren(QWidget, LIVE_CODE)
        return [
            QRect(code.mapTo(window, QPoint()) - parent.mapTo(window, QPoint()), code.size())
            + QMargins(margin, margin, margin, margin)
            for code in found
            if code.isVisible() and code.window() is window
        ]

    def _fit(self, width: int) -> None:
        """Be no wider than *width*."""
        margins = self.contentsMargins() + self._row.contentsMargins()
        beside = margins.left() + margins.right()
        if not self.button.isHidden():
            beside += t.SPACE_3 + self.button.sizeHint().width()
        self._words.ensurePolished()
        room = max(width - 2 * t.SPACE_4 - beside, 1)
        needed = self._words.fontMetrics().horizontalAdvance(self._words.text()) + t.SPACE_1
        self._words.setWordWrap(needed > room)
        self._words.setFixedWidth(min(needed, room))
        self.adjustSize()

    def _room(self, parent: QWidget, left: int, right: int, *, at_top: bool) -> QRect:
        """Where it stands between *left* and *right*: clear of what is below it."""
        top = _FROM_EDGE if at_top else parent.height() - _FROM_EDGE - self.height()
        room = QRect(QPoint(max(t.SPACE_2, (left + right - self.width()) // 2), top), self.size())
        if self._below is not None and self._below.isVisible():
            window = parent.window()
            other = QRect(self._below.mapTo(window, QPoint()) - parent.mapTo(window, QPoint()), self._below.size())
            if other.intersects(room + QMargins(0, t.SPACE_2, 0, t.SPACE_2)):
                room.moveTop(other.bottom() + 1 + t.SPACE_2 if at_top else other.top() - t.SPACE_2 - self.height())
        return room


def _places(room: QRect, codes: Sequence[QRect]) -> Iterator[tuple[int, int, bool]]:
    """From where to where across *room* a toast may stand, and whether at its top; the best first."""
    yield 0, room.width(), False
    for code in codes:
        for left, right in ((0, code.left()), (code.right(), room.width())):
            if right - left >= _LEAST_WIDTH:
                yield left, right, False
    if codes:
        yield 0, room.width(), True
