"""The ledger of consent, and what became of the lines of an import, as files that spreadsheets open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from app.domain.consent import ContactConsents, Purpose
from app.domain.errors import Problem, ProblemCode
from app.formats.audit_export import csv_line, escape_formula
from app.platform.files import os_errors_as, write_atomic
from app.text.status import problem as problem_text
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


class ReportedRow(Protocol):
    """A row of an import."""

    @property
    def line(self) -> int: ...
    @property
    def contact(self) -> str: ...
    @property
    def purpose(self) -> Purpose | None: ...
    @property
    def problem(self) -> Problem | None: ...


def report_csv(rows: Sequence[ReportedRow], *, imported: bool) -> bytes:
    """One line for each row of an import: its line, contact, purpose, result and reason."""
    head = csv_line([texts(f"consent.column.{name}") for name in _REPORT])
    lines = (csv_line([escape_formula(cell) for cell in _reported(row, imported=imported)]) for row in rows)
    return "".join([head, *lines]).encode("utf-8-sig")


def _reported(row: ReportedRow, *, imported: bool) -> tuple[str, ...]:
    result = "left_out" if row.problem is not None else "imported" if imported else "right"
    why = "" if row.problem is None else problem_text(row.problem)[0]
    purpose = "" if row.purpose is None else texts(f"consent.purpose.{row.purpose}")
    return str(row.line), row.contact, purpose, texts(f"consent.result.{result}"), why


def write_file(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole or not at all. Raises `Problem`."""
    with os_errors_as(ProblemCode.EXPORT_FOLDER_UNUSABLE, path.parent, full=ProblemCode.EXPORT_DISK_FULL):
        write_atomic(path, content)
