"""The list itself: mentorados, one a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.ui.mentorado_list.delegate import MentoradoDelegate
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.row_table import RowTable
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId

_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class MentoradoTable(RowTable):
    """Says who was chosen, who shall be opened, and where a menu is wanted. The choice survives filters."""

    chosen = Signal(str)
    opened = Signal(str)
    menu_wanted = Signal(str, QPoint)
    typed = Signal(str)
    """Somebody began to type a name while the list had the focus."""
    _delegate: MentoradoDelegate

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._chosen: MentoradoId | None = None
        self._delegate = MentoradoDelegate(theme, model.painted, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
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

    def restyle(self) -> None:
        self._delegate.restyle()
        self._fit_rows()
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())
        self.viewport().update()

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

    def _want_menu(self, index: QModelIndex, where: QPoint) -> None:
        mentorado_id = self._model.id_at(index)
        if mentorado_id is not None:
            self.menu_wanted.emit(mentorado_id, where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMAND:
            self._show_focus(by_keyboard=True)
            self.typed.emit(event.text())
            return
        super().keyPressEvent(event)
