"""The list itself: a table with one column, because a table does not lay everything out again when it is filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.ui.mentorado_list.delegate import MentoradoDelegate
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId

_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class MentoradoTable(QTableView):
    """Says who was chosen, who shall be opened, and where a menu is wanted. The choice survives filters."""

    chosen = Signal(str)
    opened = Signal(str)
    menu_wanted = Signal(str, QPoint)
    typed = Signal(str)
    """Somebody began to type a name while the list had the focus."""

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._chosen: MentoradoId | None = None
        self._delegate = MentoradoDelegate(theme, model.painted, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
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
        self._fit_rows()
        self.activated.connect(self._open)
        self.selectionModel().selectionChanged.connect(self._choose)
        model.modelReset.connect(self._bring_chosen_back)
        model.rowsInserted.connect(self._find_chosen_again)
        theme.changed.connect(self.restyle)

    @property
    def chosen_id(self) -> MentoradoId | None:
        """Who was chosen last, even while a filter hides them."""
        return self._chosen

    def choose(self, mentorado_id: MentoradoId) -> None:
        """Choose somebody, and bring them into view where they are shown."""
        row = self._model.row_of(mentorado_id)
        if row is None:
            self._remember(mentorado_id)
            return
        index = self._model.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index)

    def begin(self) -> None:
        """Choose the first, unless somebody who is shown is chosen already."""
        if not self.selectionModel().hasSelection() and self._model.rowCount():
            self.selectRow(0)

    def restyle(self) -> None:
        self._delegate.restyle()
        self._fit_rows()
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())
        self.viewport().update()

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height)
        self.verticalScrollBar().setSingleStep(self._delegate.row_height // 2)

    def _choose(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        # A list that gets the focus makes its first row the current one; only a selected row is a choice.
        for index in selected.indexes():
            if (mentorado_id := self._model.id_at(index)) is not None:
                self._remember(mentorado_id)

    def _remember(self, mentorado_id: MentoradoId) -> None:
        if mentorado_id != self._chosen:
            self._chosen = mentorado_id
            self.chosen.emit(mentorado_id)

    def _find_chosen_again(self, *_signal_args: object) -> None:
        row = self._model.row_of(self._chosen) if self._chosen else None
        if row is not None and self.currentIndex().row() != row:
            self.setCurrentIndex(self._model.index(row))

    def _bring_chosen_back(self) -> None:
        self._find_chosen_again()
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())

    def _open(self, index: QModelIndex) -> None:
        mentorado_id = self._model.id_at(index)
        if mentorado_id is not None:
            self.opened.emit(mentorado_id)

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
            return
        if event.key() == Qt.Key.Key_Down and not self.selectionModel().hasSelection():
            self.begin()
            return
        if event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMAND:
            self.typed.emit(event.text())
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        mentorado_id = self._model.id_at(index)
        if mentorado_id is None:
            return
        where = event.pos() if by_mouse else self.visualRect(index).center()
        self.setCurrentIndex(index)
        self.menu_wanted.emit(mentorado_id, self.viewport().mapToGlobal(where))
