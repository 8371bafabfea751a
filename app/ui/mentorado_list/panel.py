"""The left-hand side: chips, then the list or what stands in its place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.ui import tokens as t
from app.ui.mentorado_list.chips import ChipBar
from app.ui.mentorado_list.empty import EmptyState
from app.ui.mentorado_list.groups import Group
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.table import MentoradoTable
from app.ui.text import texts
from app.ui.theme import Theme


class ListPanel(QWidget):
    """Shows whom the search and the chips leave over; says when somebody should be added or the search cleared."""

    add_wanted = Signal()
    import_wanted = Signal()
    clear_wanted = Signal()
    group_picked = Signal(Group)
    emptied = Signal(bool)
    """Whether there is nobody at all now, archived ones included."""

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._typed = ""
        self._is_empty = False
        self.chips = ChipBar(model, theme)
        self.table = MentoradoTable(model, theme)
        self._loading = EmptyState(theme, "clock", "quiet")
        self._nobody = EmptyState(theme, "user-plus", "primary")
        self._nobody.pressed.connect(self.add_wanted)
        self._nobody.second_pressed.connect(self.import_wanted)
        self._not_found = EmptyState(theme, "search", "")
        self._not_found.pressed.connect(self._clear)
        self.chips.picked.connect(self._on_picked)

        self._stack = QStackedLayout()
        for widget in (self.table, self._loading, self._nobody, self._not_found):
            self._stack.addWidget(widget)
        top = QVBoxLayout()
        top.setContentsMargins(t.SPACE_6, 14, t.SPACE_4, t.SPACE_3)
        top.addWidget(self.chips)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addLayout(self._stack, 1)

        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.counts_changed):
            changed.connect(self._choose_page)
        self.retranslate()

    def take_focus(self) -> None:
        """Put the keyboard on what is shown: the list, or the button in its place."""
        if (shown := self._stack.currentWidget()) is not None:
            shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def enter(self) -> None:
        """Walk on from the search with the arrow keys."""
        self.table.begin()
        self.take_focus()

    def search(self, typed: str) -> None:
        """Narrow the list to whom *typed* finds."""
        self._typed = typed.strip()
        self._model.search(typed)
        self._choose_page()

    def retranslate(self) -> None:
        self.chips.retranslate()
        self.table.setAccessibleName(texts("list.name"))
        self.table.setAccessibleDescription(texts("list.keys"))
        self._loading.say(texts("list.loading"), "", "")
        self._nobody.say(texts("list.nobody"), texts("list.nobody_line"), texts("list.add"), texts("list.import"))
        self._choose_page()

    def _choose_page(self, *_signal_args: object) -> None:
        page: QWidget = self.table
        if not self._model.loaded:
            page = self._loading
        elif self._model.rowCount() == 0:
            nobody = self._model.count(Group.ALL) == self._model.count(Group.ARCHIVED) == 0
            page = self._nobody if nobody else self._not_found
            self._say_not_found()
        self.chips.setVisible(page is not self._nobody and page is not self._loading)
        self._stack.setCurrentWidget(page)
        if (page is self._nobody) is not self._is_empty:
            self._is_empty = page is self._nobody
            self.emptied.emit(self._is_empty)

    def _say_not_found(self) -> None:
        if self._typed:
            line = texts("list.not_found_typed", typed=self._typed)
        else:
            line = texts("list.not_found_group", group=texts(f"chips.{self._model.group}"))
        self._not_found.say(texts("list.not_found"), line, texts("list.clear"))

    def _on_picked(self, group: Group) -> None:
        self._model.show_group(group)
        self._choose_page()
        self.group_picked.emit(group)

    def _clear(self) -> None:
        self.clear_wanted.emit()
        self.chips.pick(Group.ALL)
