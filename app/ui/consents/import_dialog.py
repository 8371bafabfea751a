"""Imports consents from a spreadsheet: choose the file, review its rows, record those that are right, all or none."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QPushButton, QTreeWidgetItem, QWidget

from app.core.outbound.consent_import import LARGEST, ConsentDefaults, ConsentImport, ConsentRow, ImportedConsents
from app.domain.consent import Purpose
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado
from app.formats.csv_files import report_csv, write_file
from app.text import consent as consent_text
from app.text.status import date_time, texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import ScrollDialog
from app.ui.dialogs.csv_import import (
    ImportTable,
    choose_spreadsheet,
    lines,
    read_bytes,
    sheet_width,
    shown_number,
)
from app.ui.dialogs.files import FileDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import FlowLayout

_ROWS: Final = 1_000
"""Rows that are shown, those with problems first; the report has all of them."""
_PAUSE_MILLISECONDS: Final = 400
_STEP: Final = 500


class ConsentImportDialog(ScrollDialog):
    """Shows what each row comes to. `imported` is what was recorded."""

    def __init__(
        self, theme: Theme, over: QWidget, imports: ConsentImport, mentorado: Mentorado, data: bytes, file: str
    ) -> None:
        super().__init__(theme, over, width=sheet_width(over))
        self._imports = imports
        self._mentorado = mentorado
        self._data = data
        self._file = file
        self._rows: Sequence[ConsentRow] = ()
        self._stopped = self._recording = False
        self._reading = 0
        self.imported: ImportedConsents | None = None
        self.set_title(texts("consent.import.title", name=mentorado.name))
        self.summary = text_label(texts("consent.import.reading"))
        self.hint = text_label(texts("consent.import.defaults"), "secondary")
        self.purpose = DropdownButton(theme, _purposes)
        self.purpose.setAutoDefault(False)  # else Enter in a field would open it
        self.purpose.set_text(texts("consent.column.purpose"))
        self.purpose.picked.connect(lambda _purpose: self.read())
        self.wording, self.version, self.note = QLineEdit(), QLineEdit(), QLineEdit()
        fields = QWidget()
        row = FlowLayout(fields)
        row.addWidget(self.purpose)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self.read)
        for name, field in (("wording", self.wording), ("version", self.version), ("note", self.note)):
            field.setPlaceholderText(texts(f"consent.field.{name}"))
            field.setAccessibleName(texts(f"consent.field.{name}"))
            field.setFixedWidth(theme.px(300 if name == "wording" else 190))
            field.textChanged.connect(lambda _typed: self._pause.start())
            row.addWidget(field)
        headings = [texts(f"consent.column.{name}") for name in ("line", "contact", "purpose", "result")]
        self.table = ImportTable(theme, self.windowTitle(), headings, _ROWS)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(texts("import.progress"))
        self.bar.hide()
        for part in (self.summary, self.hint, fields):
            self.inside.addWidget(part)
        self.add_list(self.table, self.table.height(), self.table.least_height)
        self.inside.addWidget(self.bar)
        self.report = QPushButton(texts("consent.import.report"), autoDefault=False)
        self.report.clicked.connect(self._save_report)
        self.buttons.insertWidget(0, self.report)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.take = self.add_button("", "primary")
        self.take.clicked.connect(self._record)
        self._show()
        self.purpose.setFocus()

    @async_slot
    async def read(self) -> None:
        """Read the file with what is chosen now; what was asked for last is shown."""
        self._pause.stop()
        self._reading += 1
        asked, purpose = self._reading, self.purpose.chosen
        self.summary.setText(texts("consent.import.reading"))
        self.take.setEnabled(False)
        defaults = ConsentDefaults(
            purpose=purpose if isinstance(purpose, Purpose) else None,
            wording=self.wording.text().strip(),
            version=self.version.text().strip(),
            note=self.note.text().strip(),
        )
        try:
            rows = await self._imports.preview(self._mentorado.id, self._data, defaults)
        except Problem:
            self._rows = ()
            self._show()
            raise
        if asked == self._reading:
            self._rows = rows
            self._show()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.summary.setText(f"{sentence} {next_step}")
        self.fit()

    def reject(self) -> None:
        """Give up. While rows are being recorded nothing of them stays; once they are on disk, they can be undone."""
        self._stopped = True
        if not self._recording:
            super().reject()

    def _show(self) -> None:
        right = sum(row.problem is None for row in self._rows)
        wrong = len(self._rows) - right
        if self._rows:
            ready = texts.plural("consent.import.ready", right)
            self.summary.setText(f"{ready} {texts.plural('import.wrong', wrong)}" if wrong else ready)
        shown = sorted(self._rows, key=lambda row: row.problem is None)
        self.table.clear()
        self.table.addTopLevelItems([self._item(row) for row in shown[:_ROWS]])
        self.hint.setVisible(True)
        more = len(shown) - _ROWS
        self.hint.setText(texts.plural("consent.import.more", more) if more > 0 else texts("consent.import.defaults"))
        self.bar.setMaximum(max(1, right))
        self.take.setText(texts.plural("consent.import.take", right))
        self.take.setEnabled(right > 0)
        self.report.setEnabled(bool(self._rows))
        self.fit()

    def _item(self, row: ConsentRow) -> QTreeWidgetItem:
        purpose = "" if row.purpose is None else consent_text.purpose(row.purpose)
        when = "" if row.at is None else date_time(row.at.astimezone())
        note = " · ".join(filter(None, (when, row.version, row.wording)))
        return self.table.item([lines(row), shown_number(row.contact), purpose, note], row.problem)

    @async_slot
    async def _record(self) -> None:
        """Record the right rows, all of them or none."""
        for widget in (self.take, self.report, self.purpose, self.wording, self.version, self.note):
            widget.setEnabled(False)
        self.bar.show()
        self.fit()
        self._recording, self._stopped = True, False
        loop = asyncio.get_running_loop()
        try:
            self.imported = await self._imports.import_rows(
                self._mentorado.id, self._rows, file=self._file, go_on=lambda count: self._go_on(loop, count)
            )
        finally:
            self._recording = False
            for widget in (self.take, self.report, self.purpose, self.wording, self.version, self.note):
                widget.setEnabled(True)
            self.bar.hide()
        self.accept()

    def _go_on(self, loop: AbstractEventLoop, count: int) -> bool:
        """In the thread of the database."""
        if count % _STEP == 0:
            loop.call_soon_threadsafe(self.bar.setValue, count)
        return not self._stopped

    @async_slot
    async def _save_report(self) -> None:
        """Save what each line comes to."""
        dialog = FileDialog(self, texts("consent.import.report"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([texts("audit.csv")])
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{Path(self._file).stem} - {texts('consent.import.report_file')}")
        if await show_dialog(dialog) is QFileDialog.DialogCode.Accepted:
            await self.save_report_to(Path(dialog.selectedFiles()[0]))

    async def save_report_to(self, file: Path) -> None:
        await asyncio.to_thread(write_file, file, report_csv(self._rows, imported=False))
        self.summary.setText(texts("consent.import.reported", file=file.name))


def _purposes() -> Sequence[Option]:
    return [
        (None, texts("consent.import.by_file")),
        *((each, consent_text.purpose(each)) for each in consent_text.SHOWN),
    ]


async def import_consents(
    theme: Theme, over: QWidget, imports: ConsentImport, mentorado: Mentorado
) -> ImportedConsents | None:
    """Ask for a file and record what it holds; None when it was given up. Raises `Problem` for a file that is none."""
    file = await choose_spreadsheet(over)
    if file is None:
        return None
    data = await asyncio.to_thread(read_bytes, file, LARGEST)
    dialog = ConsentImportDialog(theme, over, imports, mentorado, data, file.name)
    dialog.read()
    await show_dialog(dialog)
    return dialog.imported
