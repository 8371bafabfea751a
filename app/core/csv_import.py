"""Imports mentorados from a spreadsheet: reading, checking and adding the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core.audit_service import AuditService
from app.core.mentorado_service import MentoradoService, parse_phone
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.names import checked_cohort, checked_name, visible
from app.domain.phone import PhoneNumber, comparison_key
from app.formats.spreadsheet import (
    Columns,
    Spreadsheet,
    SpreadsheetRow,
    cohort_in,
    name_in,
    phone_in,
    read_spreadsheet,
)

LARGEST: Final = 2 << 20
"""Bytes; a list of thousands takes a tenth of it."""

MOST_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row of the file; *problem* says why it cannot be imported."""

    line: int  # the physical row, counted from 1
    last_line: int = 0  # beyond *line* when a cell goes over a line end
    name: str
    phone: str
    cohort: str
    problem: Problem | None = None


def read_rows(file: bytes | Spreadsheet, columns: Columns | None = None) -> Sequence[ImportRow]:
    """The rows of a CSV file, each checked by itself. *columns* stand in for those that are found out.

    Raises `Problem`: `IMPORT_UNREADABLE` when it is no such file, `IMPORT_COLUMNS_UNKNOWN` when nothing in it tells
    names and numbers, `IMPORT_TOO_LARGE`.
    """
    table = open_spreadsheet(file) if isinstance(file, bytes) else file
    columns = columns or table.columns
    if not columns.complete:
        raise Problem(ProblemCode.IMPORT_COLUMNS_UNKNOWN)
    return [_parse_row(record, columns) for record in table.records]


def open_spreadsheet(data: bytes) -> Spreadsheet:
    """*data* as a table that has rows to offer. Raises `Problem` for a file that is none or too large."""
    if len(data) > LARGEST:
        raise Problem(ProblemCode.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    table = read_spreadsheet(data, MOST_ROWS + 1)
    if not table.records:
        raise Problem(ProblemCode.IMPORT_UNREADABLE)
    if len(table.records) > MOST_ROWS:
        raise Problem(ProblemCode.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    return table


class CsvImportService:
    """Takes the rows that are right; each is on disk by itself, so that stopping anywhere loses nothing."""

    def __init__(self, *, mentorados: MentoradoService, audit_service: AuditService) -> None:
        self._mentorados = mentorados
        self._audit_service = audit_service

    def preview(self, file: bytes | Spreadsheet, columns: Columns | None = None) -> Sequence[ImportRow]:
        """`read_rows`, compared with who is there already and with the rows above. Raises `Problem` as that does."""
        active = (mentorado for mentorado in self._mentorados.all() if not mentorado.archived)
        holders = {comparison_key(mentorado.phone): mentorado.name for mentorado in active}
        above: dict[str, ImportRow] = {}

        def check_existing_holder(row: ImportRow) -> ImportRow:
            if row.problem is not None:
                return row
            key = comparison_key(PhoneNumber(row.phone))
            if key in holders:
                return replace(row, problem=Problem(ProblemCode.PHONE_TAKEN, name=holders[key]))
            first = above.setdefault(key, row)
            if first is row:
                return row
            return replace(row, problem=Problem(ProblemCode.IMPORT_ROW_TWICE, row=str(first.line), name=first.name))

        return [check_existing_holder(row) for row in read_rows(file, columns)]

    async def import_rows(self, rows: Sequence[ImportRow], go_on: Callable[[int], bool]) -> Sequence[MentoradoId]:
        """Add a mentorado for every row without a problem. *go_on* is called with the number done; those added by then
        stay."""
        added: list[MentoradoId] = []
        async with self._audit_service.around(AuditAction.IMPORT_MENTORADOS, after=lambda: {"added": str(len(added))}):
            for row in rows:
                if row.problem is None:
                    mentorado = await self._mentorados.add(row.name, row.phone, row.cohort)
                    added.append(mentorado.id)
                    if not go_on(len(added)):
                        break
        return added


def _parse_row(record: SpreadsheetRow, columns: Columns) -> ImportRow:
    name, phone, cohort = (read(record, columns) for read in (name_in, phone_in, cohort_in))
    row = ImportRow(
        line=record.first, last_line=record.last, name=visible(name), phone=visible(phone), cohort=visible(cohort)
    )
    if record.problem is not None:
        return replace(row, problem=record.problem)
    if record.search_words & {*columns.name, *columns.phone, *columns.cohort}:
        return replace(row, problem=Problem(ProblemCode.IMPORT_ROW_QUOTES, row=str(record.first)))
    number: PhoneNumber | Problem
    try:
        number = parse_phone(phone)
        row = replace(row, phone=number)
    except Problem as problem:
        number = problem
    try:
        row = replace(row, name=checked_name(name), cohort=checked_cohort(cohort))
    except Problem as problem:
        return replace(row, problem=problem)
    return replace(row, problem=number) if isinstance(number, Problem) else row
