"""The left side: filter chips, and the list or its placeholder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QSizePolicy,
    QStackedLayout,
    QWidget,
)

from app.text.status import texts
from app.ui.mentorado_list.chips import ChipBar
from app.ui.mentorado_list.delegate import MentoradoDelegate
from app.ui.mentorado_list.list_bar import ListBar
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.narrowing import EVERYBODY, Narrowing
from app.ui.mentorado_list.order import SortOrder
from app.ui.mentorado_list.row import ListFilter
from app.ui.mentorado_list.tick_bar import TickBar
from app.ui.mentorado_list.turn_bar import TurnBar
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.layouts import vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.tables import RowTable

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId
    from app.ui.mentorado_list.ticks import Ticks


_TICKING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class MentoradoTable(RowTable):
    """Emits the selected mentorado, which one to open, and where to show a menu. The selection survives filters."""

    chosen = Signal(str)
    opened = Signal(str)
    menu_requested = Signal(str, QPoint)
    typed = Signal(str)
    """Text was typed while the list had the focus."""
    _delegate: MentoradoDelegate

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._chosen: MentoradoId | None = None
        self._last_ticked: MentoradoId | None = None
        self._delegate = MentoradoDelegate(theme, model.painted, model.ticks, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._fit_rows()
        self.activated.connect(self._open)
        self.selectionModel().selectionChanged.connect(self._choose)
        model.modelReset.connect(self._restore_selection)
        model.rowsInserted.connect(self._find_chosen_again)
        # Asking for the viewport lets Qt make all its kinds of widgets known, which the first picture does without.
        model.ticks.changed.connect(lambda: self.viewport().update())
        theme.changed.connect(self.restyle)

    @property
    def chosen_id(self) -> MentoradoId | None:
        """The last selected mentorado, even while filtered out."""
        return self._chosen

    def choose(self, mentorado_id: MentoradoId) -> None:
        """Select a mentorado, and scroll to them if they are shown."""
        row = self._model.row_of(mentorado_id)
        if row is None:
            self._remember(mentorado_id)
            return
        index = self._model.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A line that appears above the list leaves who is selected in view."""
        at_bottom = self.visualRect(self.currentIndex()).bottom()
        was_seen = self.selectionModel().hasSelection() and 0 < at_bottom <= event.oldSize().height()
        super().resizeEvent(event)
        if was_seen:
            self.scrollTo(self.currentIndex())

    def open_first(self) -> None:
        self.selectRow(0)
        self._show_focus(by_keyboard=True)
        self._open(self.currentIndex())

    def show_chosen(self) -> None:
        """Scroll to who is selected; to the top where nobody shown is."""
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())
        else:
            self.scrollToTop()

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

    def _restore_selection(self) -> None:
        self._find_chosen_again()
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())

    def _open(self, index: QModelIndex) -> None:
        mentorado_id = self._model.id_at(index)
        if mentorado_id is not None:
            self.opened.emit(mentorado_id)

    def _request_menu(self, index: QModelIndex, where: QPoint) -> None:
        mentorado_id = self._model.id_at(index)
        if mentorado_id is not None:
            self.menu_requested.emit(mentorado_id, where)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ctrl and Shift tick, as does a click on a box; any other click shows who it is."""
        index, keys = self.indexAt(event.position().toPoint()), event.modifiers()
        mentorado_id = self._model.id_at(index)
        if mentorado_id is None or event.button() is not Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        on_box = self._model.ticks.open and event.position().x() < self._delegate.box_end
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self._tick_to(index.row())
        elif keys & Qt.KeyboardModifier.ControlModifier or on_box:
            self._model.ticks.toggle(mentorado_id)
            self._last_ticked = mentorado_id
        else:
            super().mousePressEvent(event)
            return
        self._show_focus(by_keyboard=False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks on a box are two ticks."""
        on_box = self._model.ticks.open and event.position().x() < self._delegate.box_end
        if on_box or event.modifiers() & _TICKING:
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def _tick_to(self, place: int) -> None:
        """Tick everybody from who was ticked last, or is selected, to *place*."""
        last = self._last_ticked or self._chosen
        start = self._model.row_of(last) if last else None
        first, end = sorted((place if start is None else start, place))
        self._model.ticks.add(self._model.shown_ids()[first : end + 1])
        self._last_ticked = self._model.shown_ids()[place]

    def event(self, event: QEvent) -> bool:
        # The window has another use for Esc: while boxes are shown it takes them away.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._is_end(event):
            event.accept()
            return True
        return super().event(event)

    def _is_end(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape and self._model.ticks.open

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self._model.ticks.add(self._model.shown_ids())
            return
        if self._is_end(event):
            self._model.ticks.end()
            return
        if event.key() == Qt.Key.Key_Space and self.selectionModel().hasSelection():
            if (mentorado_id := self._model.id_at(self.currentIndex())) is not None:
                self._show_focus(by_keyboard=True)
                self._last_ticked = mentorado_id
                self._model.ticks.toggle(mentorado_id)
            return
        if event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMAND:
            self._show_focus(by_keyboard=True)
            self.typed.emit(event.text())
            return
        super().keyPressEvent(event)


class ListPanel(QWidget):
    """Shows the filtered list; emits when a mentorado should be added or the search cleared."""

    add_requested = Signal()
    import_requested = Signal()
    sample_requested = Signal()
    clear_requested = Signal()
    group_selected = Signal(ListFilter)
    order_selected = Signal(SortOrder)
    loaded = Signal()
    """Who there is was read, and is on show."""
    emptied = Signal(bool)
    """Whether there are no mentorados at all, archived ones included."""

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._typed = ""
        self._is_empty = False
        self._was_loaded = model.loaded
        self._once_loaded: Callable[[], None] | None = None  # what a key asked for before
        self._offers_sample = True
        self.chips = ChipBar(model, theme)
        self.bar = ListBar(model, theme)
        self.bar.sorted_by.connect(self._on_sorted)
        self.bar.narrowed.connect(self._on_narrowed)
        self.bar.ticking.clicked.connect(model.ticks.begin)
        self.ticks = TickBar(model, theme)
        self.turn = TurnBar()
        self.table = MentoradoTable(model, theme)
        self._loading = EmptyState(theme, "clock", "quiet")
        self._nobody = EmptyState(theme, "user-plus", "primary")
        self._nobody.pressed.connect(self.add_requested)
        self._nobody.second_pressed.connect(self.import_requested)
        self._nobody.third_pressed.connect(self.sample_requested)
        self._not_found = EmptyState(theme, "search", "")
        self._not_found.pressed.connect(self._clear)
        self.chips.picked.connect(self._on_selected)

        self._stack = QStackedLayout()
        top = vbox(self.chips, self.bar, self.ticks, margins=(t.SPACE_6, 14, t.SPACE_4, t.SPACE_1), spacing=t.SPACE_2)
        top.addWidget(self.turn)
        layout = vbox(top, inside=self)
        layout.addLayout(self._stack, 1)  # before it has parts: without a parent the first is a window of its own
        for widget in (self.table, self._loading, self._nobody, self._not_found):
            self._stack.addWidget(widget)

        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._choose_page)
        model.counts_changed.connect(self._on_counts)
        model.ticks.changed.connect(self._choose_bar)
        self.retranslate()

    @property
    def ticked(self) -> Ticks:
        return self._model.ticks

    def withdraw_sample(self) -> None:
        """Offer no sample data: these are sample data."""
        self._offers_sample = False
        self.retranslate()

    def take_focus(self) -> None:
        """Put the keyboard on what is shown: the list, or the button in its place."""
        if (shown := self._stack.currentWidget()) is not None:
            shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def enter(self) -> None:
        """Walk on from the search with the arrow keys."""
        if not self._model.loaded:
            self._once_loaded = self.enter
            return
        self.table.begin()
        self.take_focus()

    def search(self, typed: str) -> None:
        """Show only the matches of *typed*."""
        self._typed = typed.strip()
        self._once_loaded = None  # that was about other words
        self._model.search(typed)
        self.bar.show_search(self._typed)
        self._choose_page()

    def open_first(self) -> None:
        """Open the first match of what was typed, and walk on from there."""
        if not self._model.loaded:
            self._once_loaded = self.open_first
        elif self._typed and self._model.rowCount():
            self.take_focus()
            self.table.open_first()

    def sort_by(self, sort: SortOrder) -> None:
        """Let the rows stand in the order *sort*, as if it had been picked."""
        self.bar.order.choose(sort)
        self._on_sorted(sort)

    def retranslate(self) -> None:
        self.chips.retranslate()
        self.bar.retranslate()
        self.ticks.retranslate()
        self.turn.retranslate()
        self.table.setAccessibleName(texts("list.name"))
        self.table.setAccessibleDescription(texts("list.keys"))
        self._loading.show_message(texts("list.loading"), "", "")
        sample = texts("sample.open") if self._offers_sample else ""
        self._nobody.show_message(
            texts("list.nobody"), texts("list.nobody_line"), texts("list.add"), texts("list.import"), sample
        )
        self._choose_page()

    def _on_counts(self, _counts: Mapping[ListFilter, int]) -> None:
        if self._stack.currentWidget() is not self.table:  # why there is no row may have changed
            self._choose_page()

    def _choose_page(self, *_signal_args: object) -> None:
        page: QWidget = self.table
        loaded = self._model.loaded
        if not loaded and self._model.rowCount() == 0:
            page = self._loading
            self._once_loaded = None  # it was about nobody, or may become known much later
        elif not loaded:
            pass  # who there is, of whom nothing can be asked yet
        elif self._model.rowCount() == 0:
            nobody = self._model.count(ListFilter.ALL) == self._model.count(ListFilter.ARCHIVED) == 0
            page = self._nobody if nobody else self._not_found
            self._update_not_found()
        self.chips.setVisible(page is not self._nobody and page is not self._loading)
        self._choose_bar()
        for part in (self.table, self.chips, self.bar):
            part.setEnabled(loaded)
        self._stack.setCurrentWidget(page)
        self._only_needs_room(page)
        if loaded and not self._was_loaded:
            self._was_loaded = True
            self.loaded.emit()
            if self._once_loaded is not None and self.isVisible():
                QTimer.singleShot(0, self, self._once_loaded)  # whoever else has to know of them does so by then
        if (page is self._nobody) is not self._is_empty:
            self._is_empty = page is self._nobody
            self.emptied.emit(self._is_empty)

    def _only_needs_room(self, page: QWidget) -> None:
        """Keep no room for the pages behind *page*: their words would press what stands above the list together."""
        for place in range(self._stack.count()):
            if (each := self._stack.widget(place)) is not None:
                policy = each.sizePolicy()
                policy.setVerticalPolicy(QSizePolicy.Policy.Preferred if each is page else QSizePolicy.Policy.Ignored)
                each.setSizePolicy(policy)

    def _choose_bar(self) -> None:
        """The line about the list gives way to the one about those who are ticked."""
        ticking, focused = self._model.ticks.open, QApplication.focusWidget()
        leaves = self.bar if ticking else self.ticks
        had_focus = focused is not None and leaves.isAncestorOf(focused)
        self.bar.setVisible(not self.chips.isHidden() and not ticking)
        self.ticks.setVisible(not self.chips.isHidden() and ticking)
        if had_focus:
            self.take_focus()

    def _update_not_found(self) -> None:
        if self._typed:
            line = texts("list.not_found_typed", typed=self._typed)
        elif self._model.narrowing != EVERYBODY:
            line = texts("list.not_found_narrowed")
        else:
            line = texts("list.not_found_group", group=texts(f"chips.{self._model.group}"))
        self._not_found.show_message(texts("list.not_found"), line, texts("list.clear"))

    def _on_selected(self, group: ListFilter) -> None:
        self._model.show_group(group)
        self._choose_page()
        self.bar.show_search(self._typed)
        self.group_selected.emit(group)

    def _on_sorted(self, sort: SortOrder) -> None:
        self._model.sort_by(sort)
        self.table.show_chosen()
        self.order_selected.emit(sort)

    def narrow_to(self, narrowing: Narrowing) -> None:
        """Narrow the list, as if that had been picked."""
        self.bar.narrowing.choose(narrowing)
        self._on_narrowed(narrowing)

    def _on_narrowed(self, narrowing: Narrowing) -> None:
        self._model.narrow(narrowing)
        self.bar.show_search(self._typed)
        self._choose_page()

    def _clear(self) -> None:
        self.clear_requested.emit()
        self.narrow_to(EVERYBODY)
        self.chips.pick(ListFilter.ALL)
