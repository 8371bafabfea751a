"""The entries of the audit, one a row."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from app.ui.audit_page.delegate import NARROW, EntryDelegate
from app.ui.audit_page.model import AuditModel
from app.ui.row_table import RowTable
from app.ui.theme import Theme


class EntryTable(RowTable):
    """Says which entry shall be opened and where a menu is wanted."""

    opened = Signal(object)
    """Carries the `Line`."""
    menu_wanted = Signal(object, QPoint)
    _delegate: EntryDelegate

    def __init__(self, model: AuditModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._delegate = EntryDelegate(theme, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
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
        super()._fit_rows()
        self.viewport().update()

    def _open(self, index: QModelIndex) -> None:
        line = self._model.line_at(index)
        if line is not None:
            self.opened.emit(line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._delegate.narrow is not (self.width() < self._theme.px(NARROW)):
            self._fit_rows()

    def _want_menu(self, index: QModelIndex, where: QPoint) -> None:
        line = self._model.line_at(index)
        if line is not None:
            self.menu_wanted.emit(line, where)
