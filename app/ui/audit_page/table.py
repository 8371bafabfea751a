"""The entries as a table with one column, for the same reason as the list of mentorados."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.ui.audit_page.delegate import NARROW, EntryDelegate
from app.ui.audit_page.model import AuditModel
from app.ui.theme import Theme


class EntryTable(QTableView):
    """Says which entry shall be opened and where a menu is wanted."""

    opened = Signal(object)
    """Carries the `Line`."""
    menu_wanted = Signal(object, QPoint)

    def __init__(self, model: AuditModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._delegate = EntryDelegate(theme, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
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
        self.doubleClicked.connect(self._open)
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        self._delegate.restyle()
        self._fit_rows()

    def show_number(self, number: int) -> bool:
        """Choose that entry, if it is shown."""
        row = self._model.row_of(number)
        if row is None:
            return False
        self.setCurrentIndex(self._model.index(row))
        self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        return True

    def _fit_rows(self) -> None:
        self._delegate.narrow = self.width() < self._theme.px(NARROW)
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalScrollBar().setSingleStep(self._delegate.row_height // 2)
        self.viewport().update()

    def _open(self, index: QModelIndex) -> None:
        line = self._model.line_at(index)
        if line is not None:
            self.opened.emit(line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._delegate.narrow is not (self.width() < self._theme.px(NARROW)):
            self._fit_rows()

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
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
            return
        if event.key() == Qt.Key.Key_Down and not self.selectionModel().hasSelection():
            self.selectRow(0)
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        line = self._model.line_at(index)
        if line is None:
            return
        where = event.pos() if by_mouse else self.visualRect(index).center()
        self.setCurrentIndex(index)
        self.menu_wanted.emit(line, self.viewport().mapToGlobal(where))
