"""The order in which Tab goes through a surface, and what a screen reader says at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget

from app.ui.widgets.layouts import laid_out


def follow_reading_order(layout: QLayout) -> None:
    """Let Tab follow *layout*, whatever was made first. What is hidden now has its place already."""
    parts = list(focusable(layout))
    for before, after in pairwise(parts):
        QWidget.setTabOrder(before, after)


def follow_where_it_stands(container: QWidget, parts: Sequence[QWidget]) -> None:
    """Let Tab find *parts*, which were made later, where *container* stands and not behind everything."""
    # What a part is asked for in the chain belongs to that part for Python, and is not valid any more once it goes.
    before = container.previousInFocusChain()
    ends = (container, *parts)
    while before is not None and before not in ends and before.focusPolicy() is Qt.FocusPolicy.NoFocus:
        before = before.previousInFocusChain()
    first = [] if before is None or before in ends else [before]
    for one, other in pairwise([*first, *parts]):
        QWidget.setTabOrder(one, other)


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


def announce(source: QWidget, words: str) -> None:
    """Let a screen reader say *words*; nothing where *source* cannot be seen, or nobody listens."""
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    if words.strip() and QAccessible.isActive() and source.isVisible():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, words))
