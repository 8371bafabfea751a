"""From a filter to a file: where to, as what, and a stretch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.ui.audit_page.export import ExportFile, Format
from app.ui.audit_page.reading import Reading
from app.ui.text import texts


def save_dialog(over: QWidget, today: date) -> QFileDialog:
    """Asks where to; show it with `await ask(dialog)`. What is chosen as the kind of file becomes its ending."""
    dialog = QFileDialog(over, texts("audit.export"))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([texts("audit.csv"), texts("audit.json")])
    dialog.setDefaultSuffix(Format.CSV)
    dialog.selectFile(f"{texts('audit.file_name')}-{today:%Y-%m-%d}")
    dialog.filterSelected.connect(
        lambda chosen: dialog.setDefaultSuffix(Format.JSON if chosen == texts("audit.json") else Format.CSV)
    )
    return dialog


async def save(reading: Reading, file: Path, now: datetime, tell: Callable[[int], None]) -> int:
    """Write all that *reading* finds to *file*; returns how many entries that were, and tells how many so far."""
    form = Format.JSON if file.suffix.lower() == f".{Format.JSON}" else Format.CSV
    with ExportFile(file, form, now) as target:
        while not reading.ended:
            entries = await reading.next()
            await asyncio.to_thread(target.add, entries)
            tell(target.count)
    return target.count
