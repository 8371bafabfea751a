"""Imports mentorados from a spreadsheet: choose the file, review its rows, import."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QLabel, QProgressBar, QTreeWidget, QWidget
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
from app.domain.phone import PhoneNumber, readable
from app.formats.spreadsheet import Spreadsheet, column_label, filled_columns
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.files import FileDialog
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.labels import plain_tip

_WIDTH = 620
_ROWS_SHOWN = 9
_ROW, _ICON = 32, 16
_LABEL = 60
"""Characters of a column's heading or first cell."""

_PICKS = ("name", "phone", "cohort")
_TABLE = """
QTreeWidget {{ background: {raised}; border: 1px solid {border}; border-radius: 10px; outline: none; }}
QTreeWidget::item {{ padding: 6px 8px; border: none; }}
QTreeWidget::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{
    background: transparent; color: {text2}; border: none; border-bottom: 1px solid {border}; padding: 7px 8px;
}}
"""
_TABLE_COLOURS = ("raised", "border", "accent_soft", "on_accent_soft", "text2")


class ImportTable(QTreeWidget):
    """The rows of a file, each with a sign that says whether it can be taken."""

    def __init__(self, theme: Theme, name: str, headings: Sequence[str], rows: int) -> None:
        super().__init__()
        self._theme = theme
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setStyleSheet(_TABLE.format(**{name: getattr(theme.tokens, name) for name in _TABLE_COLOURS}))
        self.setAccessibleName(name)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHeaderLabels(headings)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.header().setStretchLastSection(True)
        self.setFixedHeight(theme.px(_ROW) * (min(rows, _ROWS_SHOWN) + 1) + 4)

    def item(self, cells: Sequence[str], problem: Problem | None, *, hint: str = "") -> Item:
        """A row that can be taken, or one with a *problem*, which is said in the last cell."""
        colours, side = self._theme.tokens, self._theme.px(_ICON)
        if problem is None:
            item = Item(list(cells))
            item.setIcon(0, icon("check-circle", colours.on_accent_soft, side))
            item.setToolTip(len(cells) - 1, plain_tip(hint))
        else:
            item = Item([*cells[:-1], words_of(problem)[0]])
            item.setIcon(0, icon("triangle-alert", colours.danger_text, side))
            item.setToolTip(len(cells) - 1, plain_tip(" ".join(words_of(problem))))
        return item


class CsvImportDialog(BaseDialog):
    """Shows the rows, those with problems first, and the columns. `added` has the mentorados that were added."""

    def __init__(self, theme: Theme, over: QWidget, taking: CsvImportService, file: Spreadsheet) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._importing = taking
        self._file = file
        self._columns = file.columns
        self._rows: Sequence[ImportRow] = ()
        self._valid_rows = 0
        self.added: Sequence[MentoradoId] = ()
        self.set_title(texts("import.title"))
        self.summary = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.picks = {name: DropdownButton(theme, partial(self._options, name)) for name in _PICKS}
        picks = QWidget()
        row = FlowLayout(picks)
        for name, pick in self.picks.items():
            pick.choose(getattr(self._columns, name))
            pick.set_text(texts(f"import.{name}"))
            pick.picked.connect(partial(self._select_column, name))
            row.addWidget(pick)
        headings = [texts(f"import.{column}") for column in ("line", "name", "phone", "note")]
        self.table = ImportTable(theme, texts("import.title"), headings, len(file.records))
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(texts("import.progress"))
        self.bar.hide()
        for part in (self.summary, picks, self.table, self.bar):
            self.body.addWidget(part)
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

    def show_problem(self, problem: Problem) -> None:
        self.summary.setText(" ".join(words_of(problem)))
        self.fit()

    def show_crash(self, _error: Exception) -> None:
        self.summary.setText(f"{texts('detail.crash')} {texts('detail.crash_next')}")
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
            return self.table.item([lines(row), row.name, row.phone, ""], row.problem)
        number = PhoneNumber(row.phone)
        landline = is_landline(number)
        note = " · ".join(filter(None, (row.cohort, texts("import.landline") if landline else "")))
        hint = texts("dialog.landline") if landline else ""
        return self.table.item([lines(row), row.name, readable(number), note], None, hint=hint)


class HasLines(Protocol):
    """Where in the file a row is."""

    @property
    def line(self) -> int: ...
    @property
    def last_line(self) -> int: ...


def lines(row: HasLines) -> str:
    return f"{row.line}–{row.last_line}" if row.last_line > row.line else str(row.line)


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
