"""A list as a table with one column, because a table does not lay everything out again when it is filtered."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget


class DrawsRows(Protocol):
    """What a delegate must know of the table it draws for."""

    by_keyboard: bool

    @property
    def row_height(self) -> int: ...


class RowTable(QTableView):
    """Rows of one height that are walked with the arrows and opened with Enter. The focus is shown to who uses keys."""

    _delegate: DrawsRows

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)  # Tab leaves the list; arrows walk it
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def begin(self) -> None:
        """Choose the first, unless one that is shown is chosen already."""
        if not self.selectionModel().hasSelection() and self.model().rowCount():
            self.selectRow(0)

    def _open(self, index: QModelIndex) -> None:
        """Somebody wants to see this one."""
        raise NotImplementedError

    def _want_menu(self, index: QModelIndex, where: QPoint) -> None:
        """Somebody wants to know what can be done with this one; *where* is on the screen."""
        raise NotImplementedError

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalScrollBar().setSingleStep(self._delegate.row_height // 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._show_focus(by_keyboard=False)
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._show_focus(by_keyboard=event.reason() in by_keys)
        super().focusInEvent(event)

    def _show_focus(self, *, by_keyboard: bool) -> None:
        self._delegate.by_keyboard = by_keyboard
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._show_focus(by_keyboard=True)
        # Qt activates a row on Enter by itself only where the platform's style says so.
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.key() == Qt.Key.Key_Down and not self.selectionModel().hasSelection():
            self.begin()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if not index.isValid():
            return
        where = event.pos() if by_mouse else self.visualRect(index).center()
        self.setCurrentIndex(index)
        self._want_menu(index, self.viewport().mapToGlobal(where))
