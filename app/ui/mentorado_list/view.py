"""The left side: filter chips, and the list or its placeholder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from app.text.status import texts
from app.ui.mentorado_list.delegate import MentoradoDelegate
from app.ui.mentorado_list.list_bar import ListBar
from app.ui.mentorado_list.model import GROUP_ICON, TONE_FOR, ListFilter, MentoradoListModel
from app.ui.mentorado_list.narrowing import EVERYBODY, Narrowing
from app.ui.mentorado_list.order import SortOrder
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.tables import RowTable

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId


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
        self._delegate = MentoradoDelegate(theme, model.painted, self)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._fit_rows()
        self.activated.connect(self._open)
        self.selectionModel().selectionChanged.connect(self._choose)
        model.modelReset.connect(self._restore_selection)
        model.rowsInserted.connect(self._find_chosen_again)
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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMAND:
            self._show_focus(by_keyboard=True)
            self.typed.emit(event.text())
            return
        super().keyPressEvent(event)


_PADDING = 11
_GAP = 6
_BETWEEN = 8
_ICON = 14


class Chip(QAbstractButton):
    """Icon, word, count; only icon and count when *compact*. The word stays in its name and tooltip."""

    def __init__(self, group: ListFilter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stands_for = group
        self._theme = theme
        self._count = 0
        self._compact = False
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(texts(f"chips.{self.stands_for}"))
        self.setToolTip(texts(f"chips.{self.stands_for}"))
        self._say_count()

    def _say_count(self) -> None:
        self.setAccessibleName(f"{self.text()}, {self._count}")
        self.updateGeometry()
        self.update()

    def show_count(self, count: int) -> None:
        if count != self._count:
            self._count = count
            self._say_count()

    def set_compact(self, compact: bool) -> None:
        self._compact = self._wants_compact(compact)
        self.updateGeometry()
        self.update()

    def width_when(self, *, compact: bool) -> int:
        """The width it would take."""
        was, self._compact = self._compact, self._wants_compact(compact)
        width = self.sizeHint().width()
        self._compact = was
        return width

    def _wants_compact(self, asked: bool) -> bool:
        # Without an icon the word is all there is to read; the archive is of interest to few.
        return self.stands_for is ListFilter.ARCHIVED or (asked and self.stands_for in GROUP_ICON)

    def sizeHint(self) -> QSize:
        word, number = self._fonts()
        width = 2.0 * _PADDING + QFontMetricsF(number).horizontalAdvance(str(self._count))
        if self.stands_for in GROUP_ICON:
            width += self._theme.px(_ICON) + _GAP
        if not self._compact:
            width += QFontMetricsF(word).horizontalAdvance(self.text()) + _GAP
        return QSize(round(width) + 1, self._theme.px(t.CHIP_HEIGHT))

    def _fonts(self) -> tuple[QFont, QFont]:
        return (
            self._theme.font(t.TEXT_SMALL, QFont.Weight.Medium),
            self._theme.font(t.TEXT_SMALL, QFont.Weight.DemiBold),
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, checked = self._theme.tokens, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge, width = (colours.focus, 2.0) if self.hasFocus() else (colours.accent if checked else colours.border, 1.0)
        ground = colours.accent_soft if checked else colours.hover if self.underMouse() else colours.surface
        inset = (width - 1) / 2
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(frame.adjusted(inset, inset, -inset, -inset), frame.height() / 2, frame.height() / 2)
        self._paint_words(painter, colours, checked)
        painter.end()

    def _paint_words(self, painter: QPainter, colours: t.Tokens, checked: bool) -> None:
        word_font, number_font = self._fonts()
        left, height = float(_PADDING), self.height()
        if self.stands_for in GROUP_ICON:
            size = self._theme.px(_ICON)
            tone = TONE_FOR.get(self.stands_for)
            colour = colours.badge[tone].fg if tone else colours.text2
            sign = pixmap(GROUP_ICON[self.stands_for], colour, size, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, (height - size) / 2), sign)
            left += size + _GAP
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        if not self._compact:
            painter.setFont(word_font)
            painter.setPen(QColor(colours.on_accent_soft if checked else colours.text))
            painter.drawText(QRectF(left, 0, self.width(), height), middle, self.text())
            left += QFontMetricsF(word_font).horizontalAdvance(self.text()) + _GAP
        painter.setFont(number_font)
        painter.setPen(QColor(colours.on_accent_soft if checked else colours.text2))
        painter.drawText(QRectF(left, 0, self.width(), height), middle, str(self._count))


class ChipBar(QWidget):
    """All chips in a row; where it is narrow, words give way to icons, and then rows are added."""

    picked = Signal(ListFilter)

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons = QButtonGroup(self)  # exclusive: Tab enters it once, arrows move within
        self._chips = {group: Chip(group, theme, self) for group in ListFilter}
        for chip in self._chips.values():
            self._buttons.addButton(chip)
        self._chips[ListFilter.ALL].setChecked(True)
        self._buttons.buttonClicked.connect(self._on_clicked)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        model.counts_changed.connect(self.show_counts)
        theme.changed.connect(self._arrange)
        self.show_counts(model.counts())

    def pick(self, group: ListFilter) -> None:
        """Check a chip, as if it had been clicked."""
        self._chips[group].setChecked(True)
        self.picked.emit(group)

    def show_counts(self, counts: Mapping[ListFilter, int]) -> None:
        """The archive has no chip while it is empty."""
        for group, chip in self._chips.items():
            chip.show_count(counts[group])
        archive = self._chips[ListFilter.ARCHIVED]
        archive.setVisible(counts[ListFilter.ARCHIVED] > 0 or archive.isChecked())
        self._arrange()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("chips.name"))
        for chip in self._chips.values():
            chip.retranslate()
        self._arrange()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._arrange()

    def _on_clicked(self, chip: QAbstractButton) -> None:
        if isinstance(chip, Chip):
            self.picked.emit(chip.stands_for)

    def _arrange(self) -> None:
        chips = [chip for chip in self._chips.values() if not chip.isHidden()]
        full = sum(chip.width_when(compact=False) + _BETWEEN for chip in chips) - _BETWEEN
        left, top, height = 0, 0, self._theme.px(t.CHIP_HEIGHT)
        for chip in chips:
            chip.set_compact(full > self.width())
            width = chip.sizeHint().width()
            if left and left + width > self.width():
                left, top = 0, top + height + _BETWEEN
            chip.setGeometry(left, top, width, height)
            left += width + _BETWEEN
        self.setFixedHeight(top + height)


class ListPanel(QWidget):
    """Shows the filtered list; emits when a mentorado should be added or the search cleared."""

    add_requested = Signal()
    import_requested = Signal()
    clear_requested = Signal()
    group_selected = Signal(ListFilter)
    order_selected = Signal(SortOrder)
    emptied = Signal(bool)
    """Whether there are no mentorados at all, archived ones included."""

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._typed = ""
        self._is_empty = False
        self.chips = ChipBar(model, theme)
        self.bar = ListBar(model, theme)
        self.bar.sorted_by.connect(self._on_sorted)
        self.bar.narrowed.connect(self._on_narrowed)
        self.table = MentoradoTable(model, theme)
        self._loading = EmptyState(theme, "clock", "quiet")
        self._nobody = EmptyState(theme, "user-plus", "primary")
        self._nobody.pressed.connect(self.add_requested)
        self._nobody.second_pressed.connect(self.import_requested)
        self._not_found = EmptyState(theme, "search", "")
        self._not_found.pressed.connect(self._clear)
        self.chips.picked.connect(self._on_selected)

        self._stack = QStackedLayout()
        for widget in (self.table, self._loading, self._nobody, self._not_found):
            self._stack.addWidget(widget)
        top = QVBoxLayout()
        top.setContentsMargins(t.SPACE_6, 14, t.SPACE_4, t.SPACE_1)
        top.setSpacing(t.SPACE_2)
        top.addWidget(self.chips)
        top.addWidget(self.bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addLayout(self._stack, 1)

        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._choose_page)
        model.counts_changed.connect(self._on_counts)
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
        """Show only the matches of *typed*."""
        self._typed = typed.strip()
        self._model.search(typed)
        self.bar.show_search(self._typed)
        self._choose_page()

    def open_first(self) -> None:
        """Open the first match of what was typed, and walk on from there."""
        if self._typed and self._model.rowCount():
            self.take_focus()
            self.table.open_first()

    def sort_by(self, sort: SortOrder) -> None:
        """Let the rows stand in the order *sort*, as if it had been picked."""
        self.bar.order.choose(sort)
        self._on_sorted(sort)

    def retranslate(self) -> None:
        self.chips.retranslate()
        self.bar.retranslate()
        self.table.setAccessibleName(texts("list.name"))
        self.table.setAccessibleDescription(texts("list.keys"))
        self._loading.show_message(texts("list.loading"), "", "")
        self._nobody.show_message(
            texts("list.nobody"), texts("list.nobody_line"), texts("list.add"), texts("list.import")
        )
        self._choose_page()

    def _on_counts(self, _counts: Mapping[ListFilter, int]) -> None:
        if self._stack.currentWidget() is not self.table:  # why there is no row may have changed
            self._choose_page()

    def _choose_page(self, *_signal_args: object) -> None:
        page: QWidget = self.table
        if not self._model.loaded:
            page = self._loading
        elif self._model.rowCount() == 0:
            nobody = self._model.count(ListFilter.ALL) == self._model.count(ListFilter.ARCHIVED) == 0
            page = self._nobody if nobody else self._not_found
            self._update_not_found()
        for part in (self.chips, self.bar):
            part.setVisible(page is not self._nobody and page is not self._loading)
        self._stack.setCurrentWidget(page)
        if (page is self._nobody) is not self._is_empty:
            self._is_empty = page is self._nobody
            self.emptied.emit(self._is_empty)

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

    def _on_narrowed(self, narrowing: Narrowing) -> None:
        self._model.narrow(narrowing)
        self.bar.show_search(self._typed)
        self._choose_page()

    def _clear(self) -> None:
        self.clear_requested.emit()
        self.bar.narrowing.choose(EVERYBODY)
        self._on_narrowed(EVERYBODY)
        self.chips.pick(ListFilter.ALL)
