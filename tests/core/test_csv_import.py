"""Spreadsheets as people save them: separators, headings, accents, mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.csv_import import (
    LARGEST,
    MOST_ROWS,
    CsvImportService,
    read_rows,
)
from app.domain.audit import AuditAction, AuditOutcome
from app.domain.errors import Problem, ProblemCode
from tests.clock import settle
from tests.core.conftest import Run
from tests.services import Core

PLAIN = "Ana Lima;11 98765-4321;Turma 1\nBruno;(21) 91234-5678;\n"


def code_of(data: bytes) -> ProblemCode:
    with pytest.raises(Problem) as caught:
        read_rows(data)
    return caught.value.code


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_any_usual_separator_is_understood(separator: str) -> None:
    rows = read_rows(PLAIN.replace(";", separator).encode())
    assert [(row.line, row.name, row.phone, row.cohort) for row in rows] == [
        (1, "Ana Lima", "+5511987654321", "Turma 1"),
        (2, "Bruno", "+5521912345678", ""),
    ]


@pytest.mark.parametrize(
    ("heading", "row"),
    [("Turma;WhatsApp;Nome", "T1;11987654321;Ana"), ("phone,name", "11987654321,Ana")],
)
def test_a_heading_says_where_the_columns_are(heading: str, row: str) -> None:
    (only,) = read_rows(f"{heading}\r\n{row}\r\n".encode())
    assert (only.line, only.name, only.phone) == (2, "Ana", "+5511987654321")


def test_what_excel_in_brazil_writes_is_read_with_its_accents() -> None:
    (only,) = read_rows("João;11987654321;Março".encode("cp1252"))
    assert (only.name, only.cohort) == ("João", "Março")


def test_a_row_that_is_wrong_says_why_and_the_others_stay() -> None:
    rows = read_rows(b"nome;telefone\n;11987654321\nAna;123\nBruno;21912345678\nCarla;\n")
    assert [row.problem.code if row.problem else None for row in rows] == [
        ProblemCode.NAME_MISSING,
        ProblemCode.PHONE_INVALID,
        None,
        ProblemCode.PHONE_MISSING,
    ]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"nome;telefone\n", b"only one column\nand another\n", b"PK\x03\x04\0\0", b'"' + b"x" * 200_000],
)
def test_what_is_no_such_spreadsheet_is_refused(data: bytes) -> None:
    assert code_of(data) is ProblemCode.IMPORT_UNREADABLE


def test_a_file_that_is_too_large_is_refused() -> None:
    assert code_of(b"x" * (LARGEST + 1)) is ProblemCode.IMPORT_TOO_LARGE
    assert code_of(b"Ana;11987654321\n" * (MOST_ROWS + 1)) is ProblemCode.IMPORT_TOO_LARGE


def test_the_number_of_a_row_is_read_even_when_its_name_is_wrong() -> None:
    (row,) = read_rows(b"nome;telefone\n;11987654321\n")
    assert row.problem is not None
    assert (row.problem.code, row.phone) == (ProblemCode.NAME_MISSING, "+5511987654321")


@given(st.binary(max_size=300))
def test_whatever_the_file_holds_it_is_rows_or_a_problem(data: bytes) -> None:
    try:
        rows = read_rows(data)
    except Problem:
        return
    assert all(row.problem is not None or row.phone.startswith("+") for row in rows)


def test_who_is_there_already_or_twice_in_the_file_is_not_taken_again(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            await core.add("Ana", "11 98765-4321")
            taking = CsvImportService(mentorados=core.mentorados, audit_service=core.audit_service)
            rows = taking.preview(b"Ana L;1187654321\nBruno;21912345678\nBruno B;(21) 91234-5678\nx;1\n")
            problems = [(row.problem.code, row.problem.context) if row.problem else None for row in rows]
            assert problems[:3] == [
                (ProblemCode.PHONE_TAKEN, {"name": "Ana"}),
                None,
                (ProblemCode.IMPORT_ROW_TWICE, {"row": "2", "name": "Bruno"}),
            ]
            counts: list[int] = []

            def go_on(count: int) -> bool:
                counts.append(count)
                return True

            added = await taking.import_rows(rows, go_on)
            await settle()
            assert [core.mentorados.get(who).name for who in added] == ["Bruno"]
            assert counts == [1]
            record = core.audit.outcomes[-1].record
            assert (record.action, record.after, record.outcome) == (
                AuditAction.IMPORT_MENTORADOS,
                {"added": "1"},
                AuditOutcome.DONE,
            )

    run(main())


async def test_an_import_that_is_stopped_keeps_who_was_added(core: Core) -> None:
    async with core.running():
        taking = CsvImportService(mentorados=core.mentorados, audit_service=core.audit_service)
        await taking.import_rows(taking.preview(PLAIN.encode()), lambda _count: False)
        assert [each.name for each in core.mentorados.all()] == ["Ana Lima"]


async def test_an_import_that_the_disk_stopped_is_written_down_as_failed(core: Core) -> None:
    async with core.running():
        taking = CsvImportService(mentorados=core.mentorados, audit_service=core.audit_service)
        rows = taking.preview(PLAIN.encode())
        core.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        with pytest.raises(Problem):
            await taking.import_rows(rows, lambda _count: True)
        await settle()
        assert core.audit.outcomes[-1].record.outcome is AuditOutcome.FAILED


def test_a_row_that_cannot_be_read_and_a_name_of_two_lines_are_named() -> None:
    data = b'Nome;Telefone;Turma\nAna;11 98765-4321;T1\nBia;"11 91234-5678;T1\n'
    fine, unclosed = read_rows(data)
    assert fine.problem is None
    assert unclosed.problem is not None
    assert unclosed.problem.code is ProblemCode.IMPORT_ROW_QUOTES
    (two_lines,) = read_rows(b'Nome;Telefone;Turma\n"Ana\nLima";11 98765-4321;T1\n')
    assert two_lines.problem is not None
    assert two_lines.problem.code is ProblemCode.IMPORT_ROW_QUOTES
