"""Writes entries to a file that others can open and check. Qt-free, and every line of it may run in a thread."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final

from app.domain.audit import AuditEntry
from app.domain.errors import Problem, ProblemCode
from app.text import audit as audit_text
from app.text.status import texts

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # some sheets read the wide ones too
_COLUMNS: Final = (
    "number",
    "at",
    "local_time",
    "user",
    "operator",
    "action",
    "action_words",
    "mentorado_id",
    "subject",
    "before",
    "after",
    "outcome",
    "reason",
    "previous_hash",
    "hash",
)


class Format(StrEnum):
    """What a file is written as; also its ending."""

    CSV = "csv"
    JSON = "json"


class ExportFile:
    """Written beside its place and moved there when it is whole; left otherwise, nothing remains of it.

    JSON has exactly what is hashed, so that the chain can be worked out again without this program.
    """

    def __init__(self, file: Path, form: Format, now: datetime) -> None:
        self._file = file
        self._part = file.with_name(f".{file.name}.part")
        self._form = form
        self._now = now
        self._out: io.TextIOWrapper | None = None
        self.count = 0

    def __enter__(self) -> ExportFile:
        try:
            self._part.unlink(missing_ok=True)
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._problem(error) from error
        # Spreadsheets take a file for the local code page unless it begins with this mark.
        encoding = "utf-8-sig" if self._form is Format.CSV else "utf-8"
        self._out = open(descriptor, "w", encoding=encoding, newline="")  # noqa: PTH123 - by descriptor
        self._write(self._header())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._out is not None:
                with suppress(OSError):
                    self._out.close()
            self._part.unlink(missing_ok=True)

    def add(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            self._write(self._entry(entry))
            self.count += 1

    def _finish(self) -> None:
        self._write("" if self._form is Format.CSV else "\n]}\n")
        if self._out is None:
            return
        try:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
            self._part.replace(self._file)
        except OSError as error:
            raise self._problem(error) from error

    def _header(self) -> str:
        if self._form is Format.CSV:
            return _csv_line([texts(f"audit.column.{name}") for name in _COLUMNS])
        head = {"program": "Conecta", "exported_at": self._now.isoformat()}
        return json.dumps(head, ensure_ascii=False)[:-1] + ', "entries": ['

    def _entry(self, entry: AuditEntry) -> str:
        if self._form is Format.CSV:
            return _csv_line([_escape_formula(cell) for cell in _cells(entry)])
        between = ",\n" if self.count else "\n"
        return between + json.dumps(_entry_as_json(entry), ensure_ascii=False)

    def _write(self, text: str) -> None:
        try:
            if self._out is not None:
                self._out.write(text)
        except OSError as error:
            raise self._problem(error) from error

    def _problem(self, error: OSError) -> Problem:
        code = ProblemCode.EXPORT_DISK_FULL if error.errno in _FULL else ProblemCode.EXPORT_FOLDER_UNUSABLE
        return Problem(code, path=str(self._file.parent), detail=error.strerror or "")


def _csv_line(cells: Sequence[str]) -> str:
    """Semicolons, as spreadsheets here expect; every cell quoted, so that a comma splits none where they do not."""
    line = io.StringIO()
    csv.writer(line, delimiter=texts("audit.csv_separator"), quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        cells
    )
    return line.getvalue()


def _escape_formula(cell: str) -> str:
    """*cell* so that no spreadsheet calculates it: names and reasons were typed by people."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _cells(entry: AuditEntry) -> list[str]:
    record = entry.record
    return [
        str(entry.number),
        record.at.isoformat(),
        audit_text.exactly(record.at),
        record.actor.user,
        record.actor.operator,
        record.action,
        audit_text.what(record.action),
        record.mentorado_id or "",
        record.subject,
        json.dumps(dict(record.before), ensure_ascii=False, sort_keys=True) if record.before else "",
        json.dumps(dict(record.after), ensure_ascii=False, sort_keys=True) if record.after else "",
        record.outcome.value,
        record.reason,
        entry.previous_hash,
        entry.hash,
    ]


def _entry_as_json(entry: AuditEntry) -> dict[str, object]:
    record = entry.record
    return {
        "number": entry.number,
        "at": record.at.isoformat(),
        "user": record.actor.user,
        "operator": record.actor.operator,
        "action": record.action,
        "mentorado_id": record.mentorado_id,
        "subject": record.subject,
        "before": dict(record.before),
        "after": dict(record.after),
        "outcome": record.outcome.value,
        "reason": record.reason,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }
