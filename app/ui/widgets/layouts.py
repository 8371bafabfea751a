"""Columns, rows, and a layout that wraps widgets into lines."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QLayoutItem, QVBoxLayout, QWidget

Part = QWidget | QLayout | tuple[QWidget | QLayout, int]
"""What lies in a column or row; with a number, it takes so large a share of the room that is left."""
Margins = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


def vbox(*parts: Part, inside: QWidget | None = None, margins: Margins = (0, 0, 0, 0), spacing: int = 0) -> QVBoxLayout:
    """*parts*, one below the other; the layout of *inside*, or one to add to another."""
    column = QVBoxLayout() if inside is None else QVBoxLayout(inside)
    _fill(column, parts, margins, spacing)
    return column


def hbox(*parts: Part, inside: QWidget | None = None, margins: Margins = (0, 0, 0, 0), spacing: int = 0) -> QHBoxLayout:
    """*parts*, side by side; the layout of *inside*, or one to add to another."""
    row = QHBoxLayout() if inside is None else QHBoxLayout(inside)
    _fill(row, parts, margins, spacing)
    return row


def _fill(box: QBoxLayout, parts: tuple[Part, ...], margins: Margins, spacing: int) -> None:
    box.setContentsMargins(*margins)
    box.setSpacing(spacing)
    for each in parts:
        part, stretch = each if isinstance(each, tuple) else (each, 0)
        if isinstance(part, QLayout):
            box.addLayout(part, stretch)
        else:
            box.addWidget(part, stretch)


def laid_out(layout: QLayout) -> list[QWidget | QLayout]:
    """What lies on *layout*, in its order. Its items are not asked for: Python would keep each that it was given, and
    take for it what Qt makes later at the same address.
    """
    over = layout.parentWidget()
    parts = (*(over.children() if over is not None else ()), *layout.children())
    placed = [(layout.indexOf(part), part) for part in parts if isinstance(part, QWidget | QLayout)]
    return [part for place, part in sorted(placed, key=lambda each: each[0]) if place >= 0]


def set_beside(box: QBoxLayout, beside: bool) -> None:
    """Lay the parts of *box* side by side, or one below the other."""
    box.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)


class FlowLayout(QLayout):
    """Left to right, then down; each widget gets what it asks for, and never more than the row has."""

    def __init__(self, parent: QWidget | None = None, *, spacing: int = 8) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks beyond the end
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), place=False)

    def setGeometry(self, room: QRect) -> None:
        super().setGeometry(room)
        self._arrange(room, place=True)

    def sizeHint(self) -> QSize:
        shown = [item.sizeHint() for item in self._items if not item.isEmpty()]
        width = sum(size.width() for size in shown) + self.spacing() * max(0, len(shown) - 1)
        return QSize(width, max((size.height() for size in shown), default=0))

    def minimumSize(self) -> QSize:  # noqa: N802 - Qt's name
        least = QSize()
        for item in self._items:
            least = least.expandedTo(item.minimumSize())
        return least

    def _arrange(self, room: QRect, *, place: bool) -> int:
        left, top, tallest = room.left(), room.top(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            width = min(size.width(), room.width())
            if left > room.left() and left + width > room.right() + 1:
                left, top, tallest = room.left(), top + tallest + self.spacing(), 0
            if place:
                item.setGeometry(QRect(QPoint(left, top), QSize(width, size.height())))
            left += width + self.spacing()
            tallest = max(tallest, size.height())
        return top + tallest - room.top()
