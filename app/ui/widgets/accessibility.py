"""The order in which Tab goes through a surface, what Enter does to a button, and what a screen reader says at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLayout, QPushButton, QScrollArea, QWidget

from app.ui.widgets.layouts import laid_out


def follow_reading_order(layout: QLayout) -> None:
    """Let Tab follow *layout*, whatever was made first. What is hidden now has its place already."""
    parts = list(focusable(layout))
    for before, after in pairwise(parts):
        QWidget.setTabOrder(before, after)


def follow_where_it_stands(container: QWidget, parts: Sequence[QWidget]) -> None:
    """Let Tab find *parts*, which were made later, where *container* stands and not behind everything.

    Nobody is asked who is next in Qt's chain: Python takes the answer for a part of whoever was asked, and what is laid
    out on it is not valid any more once that one is gone.
    """
    before = _read_before(container)
    for one, other in pairwise([*([] if before is None else [before]), *parts]):
        QWidget.setTabOrder(one, other)


def _read_before(widget: QWidget) -> QWidget | None:
    """What can have the keyboard and is read last before *widget*, in what it lies in or around that."""
    around = widget.parentWidget()
    while around is not None:
        before: QWidget | None = None
        for part in _widgets_on(around.layout()):
            if part is widget:
                break
            before = next(iter(reversed(list(_inside(part)))), before)
        else:
            before = None  # it is not laid out there
        if before is not None:
            return before
        widget, around = around, around.parentWidget()
    return None


def _widgets_on(layout: QLayout | None) -> Iterator[QWidget]:
    """What lies on *layout* and on those within, as it is read."""
    for part in laid_out(layout) if layout is not None else ():
        if isinstance(part, QLayout):
            yield from _widgets_on(part)
        else:
            yield part


def focusable(layout: QLayout) -> Iterator[QWidget]:
    """What on *layout* can have the keyboard, as it is read."""
    for part in laid_out(layout):
        yield from focusable(part) if isinstance(part, QLayout) else _inside(part)


def _inside(widget: QWidget) -> Iterator[QWidget]:
    if widget.focusPolicy() is not Qt.FocusPolicy.NoFocus:
        yield widget
    if isinstance(widget, QScrollArea):
        if (content := widget.widget()) is not None:
            yield from _inside(content)
    elif (layout := widget.layout()) is not None:
        yield from focusable(layout)


def click_focused_button(container: QWidget, event: QKeyEvent) -> bool:
    """Let Enter click the button that has the focus in *container*; returns whether it did."""
    focused = container.focusWidget()
    if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or not isinstance(focused, QPushButton):
        return False
    focused.click()
    return True


def announce(source: QWidget, words: str) -> None:
    """Let a screen reader say *words*; nothing where *source* cannot be seen, or nobody listens."""
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    if words.strip() and QAccessible.isActive() and source.isVisible():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, words))
