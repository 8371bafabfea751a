"""The ledger of consent, and what became of the lines of an import, as files that spreadsheets open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.domain.consent import ContactConsents
from app.domain.errors import ProblemCode
from app.formats.audit_export import csv_line, escape_formula
from app.platform.files import os_errors_as, write_atomic
from app.text.status import texts

_COLUMNS = (
    "contact",
    "reference",
    "change",
    "purpose",
    "at",
    "source",
    "recorded_by",
    "wording",
    "version",
    "note",
    "import_id",
)
_REPORT = ("line", "contact", "purpose", "result", "reason")


def ledger_csv(contacts: Sequence[ContactConsents]) -> bytes:
    """Every entry of *contacts*; who was erased has only a hash."""
    lines = [csv_line([texts(f"consent.column.{name}") for name in _COLUMNS])]
    for contact in contacts:
        known = ", ".join(each.value for each in contact.addresses)
        for entry in contact.entries:
            cells = (
                known,
                contact.reference,
                entry.change.value,
                "" if entry.purpose is None else entry.purpose.value,
                entry.at.isoformat(),
                entry.source.value,
                entry.recorded_by,
                entry.wording,
                entry.version,
                entry.note,
                entry.import_id,
            )
            lines.append(csv_line([escape_formula(cell) for cell in cells]))
    return "".join(lines).encode("utf-8-sig")


def report_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """One line for each row of an import: its line, contact, purpose, result and reason."""
    head = csv_line([texts(f"consent.column.{name}") for name in _REPORT])
    return "".join([head, *(csv_line([escape_formula(cell) for cell in row]) for row in rows)]).encode("utf-8-sig")


def write_file(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole or not at all. Raises `Problem`."""
    with os_errors_as(ProblemCode.EXPORT_FOLDER_UNUSABLE, path.parent, full=ProblemCode.EXPORT_DISK_FULL):
        write_atomic(path, content)
