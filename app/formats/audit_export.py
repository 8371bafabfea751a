"""Writes entries to a file that others can open and check. Qt-free, and every line of it may run in a thread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final

from app.domain.audit import AuditEntry
from app.domain.errors import ProblemCode
from app.formats.csv_files import csv_line, escape_formula
from app.platform.files import os_errors_as, private, replacing
from app.text import audit as audit_text
from app.text.status import texts

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
    """The format of an export, and its file extension."""

    CSV = "csv"
    JSON = "json"


class ExportFile:
    """Written beside its place and moved there when it is whole; left otherwise, nothing remains of it.

    JSON has exactly what is hashed, so that the chain can be worked out again without this program.
    """

    def __init__(self, file: Path, form: Format, now: datetime) -> None:
        self._file = file
        self._form = form
        self._now = now
        self._stack = ExitStack()
        self.count = 0

    def __enter__(self) -> ExportFile:
        # Spreadsheets take a file for the local code page unless it begins with this mark.
        encoding = "utf-8-sig" if self._form is Format.CSV else "utf-8"
        with self._problems(), ExitStack() as stack:
            part = stack.enter_context(replacing(self._file))
            self._out = stack.enter_context(open(part, "x", encoding=encoding, newline="", opener=private))
            self._out.write(self._header())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._problems():
            if kind is not None:
                self._stack.__exit__(kind, error, trace)
                return
            with self._stack:
                self._out.write("" if self._form is Format.CSV else "\n]}\n")

    def add(self, entries: Sequence[AuditEntry]) -> None:
        with self._problems():
            for entry in entries:
                self._out.write(self._entry(entry))
                self.count += 1

    def _header(self) -> str:
        if self._form is Format.CSV:
            return csv_line([texts(f"audit.column.{name}") for name in _COLUMNS])
        head = {"program": "Conecta", "exported_at": self._now.isoformat()}
        return json.dumps(head, ensure_ascii=False)[:-1] + ', "entries": ['

    def _entry(self, entry: AuditEntry) -> str:
        if self._form is Format.CSV:
            return csv_line([escape_formula(cell) for cell in _cells(entry)])
        between = ",\n" if self.count else "\n"
        return between + json.dumps(_entry_as_json(entry), ensure_ascii=False)

    def _problems(self) -> AbstractContextManager[None]:
        code, full = ProblemCode.EXPORT_FOLDER_UNUSABLE, ProblemCode.EXPORT_DISK_FULL
        return os_errors_as(code, self._file.parent, full=full)


def _cells(entry: AuditEntry) -> list[str]:
    record = entry.record
    return [
        str(entry.number),
        record.at.isoformat(),
        audit_text.exact_time(record.at),
        record.actor.user,
        record.actor.operator,
        record.action,
        audit_text.action_label(record.action),
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
