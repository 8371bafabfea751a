"""Imports mentorados from a spreadsheet: choose the file, review its rows, import."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QProgressBar, QTreeWidget, QWidget
from PySide6.QtWidgets import QTreeWidgetItem as Item

from app.core.csv_import import (
    LARGEST,
    CsvImportService,
    ImportRow,
    open_spreadsheet,
)
from app.core.mentorado_service import is_landline
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.names import visible
from app.domain.phone import PhoneNumber, is_e164, readable
from app.formats.spreadsheet import Spreadsheet, column_label, filled_columns
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import ScrollDialog
from app.ui.dialogs.files import FileDialog
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_6, Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.labels import plain_tip, text_label
from app.ui.widgets.layouts import FlowLayout

_WIDTH, _WIDEST = 608, 780
_ROWS_SHOWN = 9
_ROW, _ICON = 32, 16
_PADDING, _MARGIN = 6, 8
_ROOM = 2 * _MARGIN + 10
"""What a cell has beside its words: its padding, and what the style keeps free for a frame."""

_HIGHEST = 10_000
_MOST_LINES, _MOST_LINES_RIGHT = 8, 2
"""Of a row that is refused, and of one that is right; the rest of a very long text is in the tool tip."""

_REFUSED = Qt.ItemDataRole.UserRole
_MOST_SHARE = 0.66
"""Of the width, for all columns but the last together; what is longer goes over several lines."""

_LABEL = 60
"""Characters of a column's heading or first cell."""

_PICKS = ("name", "phone", "cohort")
_TABLE = """
QTreeWidget {{ background: {raised}; border: 1px solid {border}; border-radius: 10px; outline: none; }}
QTreeWidget::item {{ padding: {padding}px {margin}px; border: none; }}
QTreeWidget::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{
    background: transparent; color: {text2}; border: none; border-bottom: 1px solid {border}; padding: 7px 8px;
}}
"""
_TABLE_COLOURS = ("raised", "border", "accent_soft", "on_accent_soft", "text2")


class ImportTable(QTreeWidget):
    """The rows of a file, each with a sign that says whether it can be taken. What is too long for a line wraps."""

    def __init__(self, theme: Theme, name: str, headings: Sequence[str], rows: int) -> None:
        super().__init__()
        self._theme = theme
        self.setRootIsDecorated(False)
        self.setWordWrap(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)  # a row may be higher than what is left
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        colours = {name: getattr(theme.tokens, name) for name in _TABLE_COLOURS}
        self.setStyleSheet(_TABLE.format(**colours, padding=_PADDING, margin=_MARGIN))
        self.setAccessibleName(name)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHeaderLabels(headings)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.header().setStretchLastSection(True)
        self.setFixedHeight(theme.px(_ROW) * (min(rows, _ROWS_SHOWN) + 1) + 4)
        self.least_height = theme.px(_ROW) * 3
        """Room for the headings and two rows."""
        self._heights: dict[tuple[int, int, str], int] = {}  # by column, most lines and words
        self._fitting = False
        self._fit_later = QTimer(self, singleShot=True, interval=0)
        self._fit_later.timeout.connect(self.fit_rows)
        for changed in (self.model().rowsInserted, self.model().dataChanged):
            changed.connect(self._fit_soon)

    def fit_rows(self) -> None:
        """Give each column the width that its words need, as far as there is room, and each row its height."""
        self._fit_later.stop()
        items = [item for place in range(self.topLevelItemCount()) if (item := self.topLevelItem(place)) is not None]
        widths, last = self._column_widths(items), self.columnCount() - 1
        if widths != [self.columnWidth(place) for place in range(last)]:
            self._heights.clear()
        for place, width in enumerate(widths):
            self.setColumnWidth(place, width)
        rooms = [*widths, self.viewport().width() - sum(widths)]
        self._fitting = True
        for item in items:
            height = max(self._cell_height(item, place, room) for place, room in enumerate(rooms))
            if item.sizeHint(0).height() != height:
                item.setSizeHint(0, QSize(0, height))
        self._fitting = False

    def _column_widths(self, items: Sequence[Item]) -> list[int]:
        """Of all columns but the last, which takes what is left."""
        metrics, sign = self.fontMetrics(), self._theme.px(_ICON) + 8
        most = round(self.viewport().width() * _MOST_SHARE / max(1, self.columnCount() - 1))
        widths = []
        for place in range(self.columnCount() - 1):
            widest = max(map(metrics.horizontalAdvance, {item.text(place) for item in items}), default=0)
            heading = metrics.horizontalAdvance(self.headerItem().text(place))
            widths.append(max(min(widest + (sign if place == 0 else 0), most - _ROOM), heading) + _ROOM)
        return widths

    def _cell_height(self, item: Item, place: int, width: int) -> int:
        words, most = item.text(place), _MOST_LINES if item.data(0, _REFUSED) else _MOST_LINES_RIGHT
        if (known := self._heights.get((place, most, words))) is not None:
            return known
        room = width - _ROOM - (self._theme.px(_ICON) + 8 if place == 0 else 0)
        metrics = self.fontMetrics()
        lines = metrics.lineSpacing()
        if metrics.horizontalAdvance(words) > room:
            area = QRect(0, 0, max(room, 1), _HIGHEST)
            wrapped = metrics.boundingRect(area, Qt.TextFlag.TextWordWrap, words).height()
            lines = min(wrapped, most * metrics.lineSpacing())
        height = max(self._theme.px(_ROW) - 2, lines + 2 * _PADDING + 2)
        self._heights[place, most, words] = height
        return height

    def _fit_soon(self, *_signal_args: object) -> None:
        if not self._fitting:
            self._fit_later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._heights.clear()
        self.fit_rows()

    def item(self, cells: Sequence[str], problem: Problem | None, *, hint: str = "") -> Item:
        """A row that can be taken, or one with a *problem*, which is said in the last cell."""
        item = Item(list(cells))
        self.mark(item, problem, hint=hint)
        return item

    def mark(self, item: Item, problem: Problem | None, *, hint: str = "") -> None:
        """Show that *item* is right, with a *hint* to its last cell, or say there what its *problem* is."""
        colours, side, last = self._theme.tokens, self._theme.px(_ICON), self.columnCount() - 1
        item.setData(0, _REFUSED, problem is not None)
        if problem is None:
            item.setIcon(0, icon("check-circle", colours.on_accent_soft, side))
            item.setToolTip(last, plain_tip(hint))
        else:
            item.setIcon(0, icon("triangle-alert", colours.danger_text, side))
            sentence, step = words_of(problem)
            item.setText(last, step if problem.code is ProblemCode.NOT_POSSIBLE_NOW else f"{sentence} {step}")
            item.setToolTip(last, plain_tip(f"{sentence} {step}"))


class CsvImportDialog(ScrollDialog):
    """Shows the rows, those with problems first, and the columns. `added` has the mentorados that were added."""

    def __init__(self, theme: Theme, over: QWidget, taking: CsvImportService, file: Spreadsheet) -> None:
        super().__init__(theme, over, width=sheet_width(over))
        self._importing = taking
        self._file = file
        self._columns = file.columns
        self._rows: Sequence[ImportRow] = ()
        self._valid_rows = 0
        self.added: Sequence[MentoradoId] = ()
        self.set_title(texts("import.title"))
        self.summary = text_label()
        self.picks = {name: DropdownButton(theme, partial(self._options, name)) for name in _PICKS}
        picks = QWidget()
        row = FlowLayout(picks)
        for name, pick in self.picks.items():
            pick.choose(getattr(self._columns, name))
            pick.set_text(texts(f"import.{name}"))
            pick.picked.connect(partial(self._select_column, name))
            row.addWidget(pick)
        headings = [texts(f"import.{column}") for column in ("line", "name", "phone", "note")]
        self.table = ImportTable(theme, texts("import.title"), headings, 2 * len(file.records))
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(texts("import.progress"))
        self.bar.hide()
        self.inside.addWidget(self.summary)
        self.inside.addWidget(picks)
        self.add_list(self.table, self.table.height(), self.table.least_height)
        self.inside.addWidget(self.bar)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self._importing_now = self._stopped = False
        self.take = self.add_button("", "primary")
        self.take.clicked.connect(self._import_rows)
        self._read_rows()
        (self.picks["name"] if self._valid_rows else self.cancel).setFocus()

    def _read_rows(self) -> None:
        """Read the rows from the columns that are chosen now."""
        complete = self._columns.complete
        self._rows = self._importing.preview(self._file, self._columns) if complete else ()
        self._valid_rows = sum(row.problem is None for row in self._rows)
        self.summary.setText(
            self._summary() if complete else " ".join(words_of(Problem(ProblemCode.IMPORT_COLUMNS_UNKNOWN)))
        )
        self.table.clear()
        for row in sorted(self._rows, key=lambda row: row.problem is None):
            self.table.addTopLevelItem(self._item(row))
        if not complete:
            raw = [[str(each.first), "", "", " | ".join(each.cells)] for each in self._file.records]
            self.table.addTopLevelItems([Item([visible(cell) for cell in cells]) for cells in raw])
        self.bar.setMaximum(max(1, self._valid_rows))
        self.take.setText(texts.plural("import.take", self._valid_rows))
        self.take.setEnabled(self._valid_rows > 0)

    def _options(self, name: str) -> Sequence[Option]:
        """Each column that is filled, what was found out, and none where there need not be one."""
        found: tuple[int, ...] = getattr(self._file.columns, name)
        columns: list[tuple[int, ...]] = [(place,) for place in filled_columns(self._file)]
        if len(found) > 1:
            columns.insert(0, found)
        none = [] if name != "cohort" and getattr(self._columns, name) else [((), texts("import.no_column"))]
        return [*none, *((column, self._label(column)) for column in columns)]

    def _label(self, column: tuple[int, ...]) -> str:
        return visible(" + ".join(column_label(self._file, place)[:_LABEL] for place in column))

    def _select_column(self, name: str, column: tuple[int, ...]) -> None:
        picked: dict[str, tuple[int, ...]] = {name: column}
        self._columns = replace(self._columns, **picked)
        self._read_rows()
        self.fit()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.summary.setText(f"{sentence} {next_step}")
        self.fit()

    @async_slot
    async def _import_rows(self) -> None:
        """Add the valid rows one by one; those added before Cancel stay."""
        for button in (self.take, *self.picks.values()):
            button.setEnabled(False)
        self.bar.show()
        self.fit()
        self._importing_now = True
        try:
            self.added = await self._importing.import_rows(self._rows, self._go_on)
        finally:
            self._importing_now = False
        self.accept()

    def reject(self) -> None:
        """Give up; while rows are being taken, stop after the one that is under way."""
        self._stopped = True
        if not self._importing_now:
            super().reject()

    def _go_on(self, count: int) -> bool:
        self.bar.setValue(count)
        return not self._stopped

    def _summary(self) -> str:
        bad = len(self._rows) - self._valid_rows
        ready = texts.plural("import.ready", self._valid_rows)
        return f"{ready} {texts.plural('import.wrong', bad)}" if bad else ready

    def _item(self, row: ImportRow) -> Item:
        if row.problem is not None:
            return self.table.item([lines(row), row.name, shown_number(row.phone), ""], row.problem)
        number = PhoneNumber(row.phone)
        landline = is_landline(number)
        note = " · ".join(filter(None, (row.cohort, texts("import.landline") if landline else "")))
        hint = texts("dialog.landline") if landline else ""
        return self.table.item([lines(row), row.name, readable(number), note], None, hint=hint)


def sheet_width(over: QWidget) -> int:
    """How wide a sheet with such a table is over *over*: sentences are read more easily on fewer lines."""
    return max(_WIDTH, min(_WIDEST, over.window().width() - 2 * SPACE_6))


def shown_number(number: str) -> str:
    """*number* as it is read, where it is one; else as it stands in the file."""
    return readable(PhoneNumber(number)) if is_e164(number) else number


class HasLines(Protocol):
    """Where in the file a row is."""

    @property
    def line(self) -> int: ...
    @property
    def last_line(self) -> int: ...


def lines(row: HasLines) -> str:
    first, last = texts.number(row.line), texts.number(row.last_line)
    return f"{first}–{last}" if row.last_line > row.line else first


async def import_spreadsheet(theme: Theme, over: QWidget, taking: CsvImportService) -> Sequence[MentoradoId]:
    """Ask for a file and take what it holds; empty when it was given up. Raises `Problem` for a file that is none."""
    file = await choose_spreadsheet(over)
    if file is None:
        return ()
    sheet = CsvImportDialog(theme, over, taking, open_spreadsheet(await asyncio.to_thread(_read_rows, file)))
    await show_dialog(sheet)
    return sheet.added


async def choose_spreadsheet(over: QWidget) -> Path | None:
    """Ask for a CSV file."""
    dialog = FileDialog(over.window(), texts("import.choose"))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([texts("import.filter"), texts("import.all_files")])
    if await show_dialog(dialog) is not QFileDialog.DialogCode.Accepted:
        return None
    return Path(dialog.selectedFiles()[0])


def _read_rows(file: Path) -> bytes:
    return read_bytes(file, LARGEST)


def read_bytes(file: Path, largest: int) -> bytes:
    """Up to one byte more than *largest*, which shows that it is too large. Raises `Problem(IMPORT_UNREADABLE)`."""
    try:
        with file.open("rb") as opened:
            return opened.read(largest + 1)
    except OSError as error:
        raise Problem(ProblemCode.IMPORT_UNREADABLE, detail=error.strerror or "") from error
