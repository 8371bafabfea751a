"""Where the keyboard is, and what a screen reader is told, while buttons come and go by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget


class Keyboard:
    """Minds the buttons on *sheet*."""

    def __init__(self, sheet: QWidget) -> None:
        self._sheet = sheet
        self._said = ""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A button that goes, or is locked, would hand the focus on to the next: perhaps the wrong one to press."""
        focused = QApplication.focusWidget()
        if not isinstance(focused, QPushButton) or not self._sheet.isAncestorOf(focused):
            yield
            return
        self._sheet.setFocus()
        yield
        if focused.isVisible() and focused.isEnabled() and self._sheet.hasFocus():
            focused.setFocus()

    def go_through(self, fields: Sequence[QWidget], *, before: QWidget) -> None:
        """Have Tab lead through *fields* in their order, and only then to *before*, whatever was made first."""
        last: QWidget | None = before.previousInFocusChain()
        while last is not None and (last in fields or not last.focusPolicy() & Qt.FocusPolicy.TabFocus):
            last = last.previousInFocusChain()
        for field in (*fields, before):
            if last is not None and last.nextInFocusChain() is not field:
                QWidget.setTabOrder(last, field)
            last = field

    def offer(self, *buttons: QPushButton) -> None:
        """Put the focus, if it is on nothing else, on the first of *buttons* that can be pressed."""
        if not self._sheet.hasFocus():
            return
        for button in buttons:
            if button.isVisible() and button.isEnabled():
                button.setFocus()
                return

    def announce(self, said: str) -> None:
        """Tell a screen reader what moved, once, wherever its user is in the window."""
        if said == self._said:
            return
        self._said = said
        if QAccessible.isActive() and self._sheet.isVisible():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._sheet, said))
