"""A spreadsheet of mentorados: what it says, what of it can be taken, and taking it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core.enrolments import Enrolments
from app.core.phone_numbers import parse_phone
from app.core.witness import Witness
from app.domain.audit import AuditOutcome
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId
from app.domain.phone import PhoneNumber, comparison_key

LARGEST: Final = 2 << 20
"""Bytes; a roster of thousands is a tenth of it."""

MOST_ROWS: Final = 5_000

_NAME: Final = frozenset({"nome", "name", "mentorado", "cliente", "aluno"})
_PHONE: Final = frozenset({"telefone", "celular", "whatsapp", "numero", "número", "phone", "fone", "mobile"})
_COHORT: Final = frozenset({"turma", "cohort", "grupo", "coorte", "group"})
_DELIMITERS: Final = ";\t,"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One line of the file; *problem* says why it cannot be taken."""

    line: int  # counted from 1, as a spreadsheet does
    name: str
    phone: str
    cohort: str
    problem: Problem | None = None


def read_rows(data: bytes) -> Sequence[ImportRow]:
    """The rows of a CSV file, each checked by itself. Raises `Problem(IMPORT_UNREADABLE)` when it is no such file.

    The separator is found out, a heading is recognised in Portuguese and in English, and without one the columns are
    name, phone, cohort.
    """
    if len(data) > LARGEST:
        raise Problem(Code.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    text = _decoded(data)
    lines = [(number, cells) for number, cells in _lines(text) if any(cells)]
    if len(lines) > MOST_ROWS:
        raise Problem(Code.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    if not lines:
        raise Problem(Code.IMPORT_UNREADABLE)
    order = _heading(lines[0][1])
    if order is not None:
        lines = lines[1:]
    name, phone, cohort = order or (0, 1, 2)
    if not lines or (order is None and all(len(cells) < 2 for _, cells in lines)):
        raise Problem(Code.IMPORT_UNREADABLE)
    return [_checked(number, _cell(cells, name), _cell(cells, phone), _cell(cells, cohort)) for number, cells in lines]


class RosterImport:
    """Takes the rows that are right; each is on disk by itself, so that stopping anywhere loses nothing."""

    def __init__(self, *, enrolments: Enrolments, witness: Witness) -> None:
        self._enrolments = enrolments
        self._witness = witness

    def preview(self, data: bytes) -> Sequence[ImportRow]:
        """`read_rows`, compared with who is there already and with the rows above. Raises `Problem` as that does."""
        active = (enrolment.mentorado for enrolment in self._enrolments.all() if not enrolment.mentorado.archived)
        holders = {comparison_key(mentorado.phone): mentorado.name for mentorado in active}

        def compared(row: ImportRow) -> ImportRow:
            if row.problem is not None:
                return row
            holder = holders.setdefault(comparison_key(PhoneNumber(row.phone)), row.name)
            return row if holder is row.name else replace(row, problem=Problem(Code.PHONE_TAKEN, name=holder))

        return [compared(row) for row in read_rows(data)]

    async def take(self, rows: Sequence[ImportRow], go_on: Callable[[int], bool]) -> Sequence[MentoradoId]:
        """Enrol everybody whose row has no problem. *go_on* hears how many are done; who was added by then stays."""
        added: list[MentoradoId] = []
        outcome = AuditOutcome.FAILED
        try:
            for row in rows:
                if row.problem is None:
                    enrolment = await self._enrolments.add(row.name, row.phone, row.cohort)
                    added.append(enrolment.mentorado.id)
                    if not go_on(len(added)):
                        break
            outcome = AuditOutcome.DONE
        finally:
            self._witness.record(DeedName.IMPORT_MENTORADOS, after={"added": str(len(added))}, outcome=outcome)
        return added


def _decoded(data: bytes) -> str:
    """UTF-8, or what Excel in Brazil writes."""
    if b"\0" in data:
        raise Problem(Code.IMPORT_UNREADABLE)  # a workbook, or any other file that is not text
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, [" ".join(cell.split()) for cell in cells]
    except csv.Error:
        raise Problem(Code.IMPORT_UNREADABLE) from None


def _heading(cells: Sequence[str]) -> tuple[int, int, int] | None:
    """Where name, phone and cohort stand, when this line says so; -1 for a cohort that is not there."""
    words = [cell.casefold() for cell in cells]
    places = [next((place for place, word in enumerate(words) if word in known), -1) for known in (_NAME, _PHONE)]
    if -1 in places:
        return None
    cohort = next((place for place, word in enumerate(words) if word in _COHORT), -1)
    return places[0], places[1], cohort


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if 0 <= place < len(cells) else ""


def _checked(line: int, name: str, phone: str, cohort: str) -> ImportRow:
    row = ImportRow(line=line, name=name, phone=phone, cohort=cohort)
    if not name:
        return replace(row, problem=Problem(Code.NAME_MISSING))
    try:
        return replace(row, phone=parse_phone(phone))
    except Problem as problem:
        return replace(row, problem=problem)
