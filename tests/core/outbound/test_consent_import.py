"""Spreadsheets of consents as people and forms save them, and how they come into the ledger: whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.outbound import consent_import
from app.core.outbound.consent_import import (
    LARGEST,
    MOST_ROWS,
    ConsentDefaults,
    ConsentRow,
    parse_date,
    purpose_of,
    read_consents,
)
from app.core.outbound.consents import LONGEST
from app.domain.audit import AuditAction
from app.domain.consent import ConsentChange, ConsentSource, Purpose
from app.domain.errors import Problem, ProblemCode
from tests.core.outbound.harness import NOON, phone
from tests.core.outbound.test_consents import WORDS, program
from tests.storage.talk import a_message

BRASILIA = timezone(timedelta(hours=-3))
BIA, CAIO, DAVI = phone(1), phone(2), phone(3)
HEAD = "Telefone;Finalidade;Texto;Versão;Origem;Data\n"
BIA_ROW = "(11) 90000-0001;campanha;Aceito, sim;1;evento;31/12/2025 10:00\n"
DEFAULTS = ConsentDefaults(purpose=Purpose.CAMPAIGN, wording="Aceito", version="7", note="lista")


def read(text: str, defaults: ConsentDefaults | None = None, encoding: str = "utf-8") -> list[ConsentRow]:
    return list(read_consents(text.encode(encoding), defaults or ConsentDefaults(), NOON, BRASILIA))


def codes(rows: list[ConsentRow]) -> list[ProblemCode | None]:
    return [None if row.problem is None else row.problem.code for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_line_is_read_whatever_the_encoding_and_separator(encoding: str, separator: str) -> None:
    (row,) = read((HEAD + BIA_ROW).replace(";", separator), encoding=encoding)
    assert row == ConsentRow(
        line=2,
        last_line=2,
        contact=BIA.value,
        purpose=Purpose.CAMPAIGN,
        wording="Aceito, sim",
        version="1",
        note="evento",
        at=datetime(2025, 12, 31, 13, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        (
            "contact,purpose,wording,version,source,date",
            '+5511900000001,campaign,"Aceito, sim",1,evento,2025-12-31 10:00',
        ),
        ("data;whatsapp;versao;termo aceito;canal;uso", "31/12/2025 10h00;11 900000001;1;Aceito, sim;evento;Marketing"),
        (
            "Carimbo de data/hora;Nome;Celular;Texto do consentimento;Versão;Finalidade;Origem",
            "31/12/2025 10:00:00;Bia;11900000001;Aceito, sim;1;novidades;evento",
        ),
        ("Lista de maio\n\nTelefone;Finalidade;Texto;Versão;Origem;Data", BIA_ROW.strip()),
    ],
)
def test_the_columns_are_found_by_their_headings_in_common_spellings(heading: str, line: str) -> None:
    (row,) = [row for row in read(f"{heading}\n{line}\n") if row.problem is None]
    assert (row.contact, row.purpose, row.wording, row.version, row.note) == (
        BIA.value,
        Purpose.CAMPAIGN,
        "Aceito, sim",
        "1",
        "evento",
    )
    assert row.at == datetime(2025, 12, 31, 13, tzinfo=UTC)


def test_the_text_is_kept_to_the_letter_also_over_several_lines() -> None:
    (row, other) = read(HEAD + '11900000001;campanha;"Aceito  receber:\n- novidades";2;;\n' + BIA_ROW)
    assert row.wording == "Aceito  receber:\n- novidades"
    assert (row.line, row.last_line, other.line) == (2, 3, 4)


def test_what_a_file_does_not_say_is_said_beside_it() -> None:
    (row, other) = read("Nome;Telefone\nBia;11900000001\nCaio;11900000002\n", DEFAULTS)
    assert (row.purpose, row.wording, row.version, row.note, row.at) == (
        Purpose.CAMPAIGN,
        "Aceito",
        "7",
        "lista",
        None,
    )
    assert other.contact == CAIO.value
    short, _ = read(HEAD + "11900000001\n" + BIA_ROW, DEFAULTS)
    assert (short.wording, short.version, short.problem) == ("Aceito", "7", None)


def test_every_line_that_is_wrong_says_why_and_the_others_stay() -> None:
    lines = [
        (";campanha;Aceito;1;;", ProblemCode.PHONE_MISSING),
        ("123;campanha;Aceito;1;;", ProblemCode.PHONE_INVALID),
        ("11900000001;spam;Aceito;1;;", ProblemCode.CONSENT_PURPOSE_UNKNOWN),
        ("11900000001;;Aceito;1;;", ProblemCode.CONSENT_PURPOSE_UNKNOWN),
        ("11900000001;campanha;;1;;", ProblemCode.CONSENT_WORDING_MISSING),
        ("11900000001;campanha;Aceito;;;", ProblemCode.CONSENT_VERSION_MISSING),
        ("11900000001;campanha;Aceito;1;;ontem", ProblemCode.CONSENT_DATE_UNREADABLE),
        ("11900000001;campanha;Aceito;1;;31/02/2025", ProblemCode.CONSENT_DATE_UNREADABLE),
        ("11900000001;campanha;Aceito;1;;05/02/2027", ProblemCode.CONSENT_DATE_FUTURE),
        (f"11900000001;campanha;{'x' * (LONGEST + 1)};1;;", ProblemCode.CONSENT_TOO_LONG),
        ('11900000001;"camp\nanha";Aceito;1;;', ProblemCode.IMPORT_ROW_QUOTES),
        ('11900000001;campanha;"Aceito;1;;', ProblemCode.IMPORT_ROW_QUOTES),
        ("11900000001;campanha;Aceito;1;;05/01/2026", None),
    ]
    rows = read(HEAD + "\n".join(line for line, _ in lines) + "\n")
    assert codes(rows) == [code for _, code in lines]
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]


@pytest.mark.parametrize("answer", ["Sim", "sim.", "S", "TRUE", "x", "Concordo", "Sim, aceito"])
def test_who_said_yes_is_taken(answer: str) -> None:
    (row,) = read(f'Telefone;Opt-in\n11900000001;"{answer}"\n', DEFAULTS)
    assert row.problem is None


@pytest.mark.parametrize("answer", ["Não", "n", "", "talvez", "não aceito", "0"])
def test_who_did_not_say_yes_is_not(answer: str) -> None:
    rows = read(f"Telefone;Aceita receber mensagens?;Nome\n11900000001;{answer};Bia\n", DEFAULTS)
    assert codes(rows) == [ProblemCode.CONSENT_REFUSED]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"PK\x03\x04\0\0", b"a;b\nc;d\n", b"Telefone;Texto\n"])
def test_what_is_no_such_spreadsheet_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_consents(data, ConsentDefaults(), NOON)
    assert caught.value.code is ProblemCode.CONSENT_FILE_UNREADABLE


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_import, "MOST_ROWS", 3)
    for data in (b"x" * (LARGEST + 1), (HEAD + BIA_ROW * 4).encode()):
        with pytest.raises(Problem) as caught:
            read_consents(data, ConsentDefaults(), NOON)
        assert caught.value.code is ProblemCode.IMPORT_TOO_LARGE
    assert MOST_ROWS >= 10_000


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("31/12/2025", datetime(2025, 12, 31, 3, tzinfo=UTC)),
        ("31-12-25 14:05", datetime(2025, 12, 31, 17, 5, tzinfo=UTC)),
        ("2025-12-31T10:00:05Z", datetime(2025, 12, 31, 10, 0, 5, tzinfo=UTC)),
        ("2025-12-31 10:00:05.123+0200", datetime(2025, 12, 31, 8, 0, 5, tzinfo=UTC)),
        ("1.2.2025 2:30 PM", datetime(2025, 2, 1, 17, 30, tzinfo=UTC)),
        ("1.2.2025 12:30 am", datetime(2025, 2, 1, 3, 30, tzinfo=UTC)),
        ("31/12/2025 às 9h", datetime(2025, 12, 31, 12, tzinfo=UTC)),
        ("1/2/2025 14:30 PM", None),
        ("1/2/1999", None),
        ("12/31/2025", None),
        ("31/12/2025 25:00", None),
        ("9999-12-31 23:00", None),
        ("45000", None),
        ("", None),
    ],
)
def test_dates_as_people_write_them(typed: str, expected: datetime | None) -> None:
    assert parse_date(typed, BRASILIA) == expected


def test_dates_without_a_zone_are_of_this_computers_zone() -> None:
    assert parse_date("31/12/2025 10:00") == datetime(2025, 12, 31, 10).astimezone(UTC)


def test_a_file_whose_dates_can_only_be_american_is_read_so_and_a_mixed_one_is_not() -> None:
    heading = "Telefone;Data\n"
    american = read(heading + "11900000001;12/31/2025\n11900000002;02/03/2025\n", DEFAULTS)
    assert [row.at and (row.at.month, row.at.day) for row in american] == [(12, 31), (2, 3)]
    mixed = read(heading + "11900000001;12/31/2025\n11900000002;31/12/2025\n", DEFAULTS)
    assert codes(mixed) == [ProblemCode.CONSENT_DATE_UNREADABLE, None]


@pytest.mark.parametrize("purpose", [Purpose.CONVERSATION, Purpose.CAMPAIGN, Purpose.SMOKE_TEST])
def test_a_purpose_is_known_by_its_code(purpose: Purpose) -> None:
    assert purpose_of(purpose.value) is purpose
    assert purpose_of("opt_out_confirmation") is None


@given(st.binary(max_size=300))
def test_whatever_the_file_holds_it_is_rows_or_a_problem(data: bytes) -> None:
    try:
        rows = read_consents(data, DEFAULTS, NOON)
    except Problem:
        return
    assert all(row.problem is not None or row.contact.startswith("+") for row in rows)


cells = st.text(alphabet='ab 1;"\n,/+5ãé', max_size=12)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12))
def test_every_filled_physical_line_is_a_consent_or_a_row_that_is_named(table: list[tuple[str, str, str]]) -> None:
    text = "".join(";".join((f"119000000{place:02}", *row)) + "\n" for place, row in enumerate(table))
    rows = read("Telefone;Texto;Versão;Finalidade\n" + text, DEFAULTS)
    covered = [line for row in rows for line in range(row.line, row.last_line + 1)]
    assert len(covered) == len(set(covered))
    filled = {at for at, line in enumerate(text.split("\n"), 2) if line.strip('; "')}
    assert filled <= set(covered)


async def test_the_right_lines_are_recorded_together_and_can_be_taken_back(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        imports, ledger = p.core.consent.imports, p.ledger
        await ledger.opt_out(p.ana.id, DAVI)
        await p.clock.advance(3600)
        data = HEAD + BIA_ROW + "11900000002;conversa;Aceito;1;;\n123;campanha;Aceito;1;;\n"
        data += BIA_ROW + "11900000003;campanha;Aceito;1;;\n"
        rows = await imports.preview(p.ana.id, data.encode())
        assert codes(list(rows)) == [
            None,
            None,
            ProblemCode.PHONE_INVALID,
            ProblemCode.CONSENT_TWICE,
            ProblemCode.CONSENT_OPTED_OUT,
        ]
        assert rows[3].problem is not None
        assert rows[3].problem.context == {"row": "2"}
        assert len(await ledger.contacts(p.ana.id)) == 1  # a preview records nothing
        done = await imports.import_rows(p.ana.id, rows, file="maio.csv")
        assert done.count == 2
        (entry,) = await ledger.history(p.ana.id, BIA)
        assert (entry.source, entry.note, entry.import_id) == (ConsentSource.IMPORTED, "evento · maio.csv", done.id)
        assert (await ledger.history(p.ana.id, CAIO))[0].at == p.clock.now()
        record = (await p.core.audit.entries(limit=1))[0].record
        assert (record.action, record.after) == (
            AuditAction.IMPORT_CONSENTS,
            {"added": "2", "left_out": "3", "file": "maio.csv"},
        )
        again = await imports.preview(p.ana.id, data.encode())
        assert codes(list(again))[:2] == [ProblemCode.CONSENT_KNOWN] * 2
        assert await imports.undo(p.ana.id, done.id) == 2
        assert await p.consenting(Purpose.CAMPAIGN) == []
        assert [each.change for each in await ledger.history(p.ana.id, BIA)] == [
            ConsentChange.GRANTED,
            ConsentChange.REVOKED,
        ]
        assert await imports.undo(p.ana.id, done.id) == 0
        again = await imports.preview(p.ana.id, data.encode())  # the corrected file may be taken
        assert codes(list(again))[:2] == [None, None]
        with pytest.raises(Problem) as caught:
            await imports.undo(p.ana.id, "unknown")
        assert caught.value.code is ProblemCode.CONSENT_IMPORT_UNKNOWN


async def test_who_opts_out_between_preview_and_import_stops_it_whole(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        imports = p.core.consent.imports
        rows = await imports.preview(p.ana.id, (HEAD + BIA_ROW + BIA_ROW.replace("0001", "0002")).encode())
        await p.core.history.store(p.ana, [a_message("M", "SAIR", CAIO)], NOON)
        before = await p.actions()
        with pytest.raises(Problem) as caught:
            await imports.import_rows(p.ana.id, rows)
        assert caught.value.code is ProblemCode.CONSENT_OPTED_OUT
        assert await p.ledger.history(p.ana.id, BIA) == []
        assert await p.actions() == before


async def test_who_revoked_is_let_in_by_a_younger_consent_only(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await p.ledger.revoke(p.ana.id, BIA, Purpose.CAMPAIGN)
        await p.clock.advance(3600)
        for date, code in (
            ("", ProblemCode.CONSENT_REVOKED),
            ("01/01/2026", ProblemCode.CONSENT_REVOKED),
            (NOON, None),
        ):
            typed = date if isinstance(date, str) else "2026-01-05 12:30Z"
            data = HEAD + f"11900000001;campanha;Aceito;2;;{typed}\n"
            rows = await p.core.consent.imports.preview(p.ana.id, data.encode())
            assert codes(list(rows)) == [code]
        assert (await p.core.consent.imports.import_rows(p.ana.id, rows)).count == 1
        data = HEAD + "11900000001;campanha;Aceito;3;;\n"  # another text
        rows = await p.core.consent.imports.preview(p.ana.id, data.encode())
        assert codes(list(rows)) == [None]


async def test_taking_back_leaves_what_was_said_since_and_brings_back_an_opt_out(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        imports, ledger = p.core.consent.imports, p.ledger
        await p.core.history.store(p.ana, [a_message("M", "SAIR", BIA)], NOON)  # dated at dawn, four days before
        line = "{};campanha;Aceito;2;;04/01/2026\n"
        rows = await imports.preview(
            p.ana.id, (HEAD + "".join(line.format(f"1190000000{n}") for n in (1, 2, 3))).encode()
        )
        assert codes(list(rows)) == [None, None, None]  # the consent is younger than the opt-out
        done = await imports.import_rows(p.ana.id, rows)
        await ledger.grant(p.ana.id, CAIO, Purpose.CAMPAIGN, **WORDS)
        await ledger.revoke(p.ana.id, DAVI, Purpose.CAMPAIGN)
        assert await imports.undo(p.ana.id, done.id) == 1
        assert await p.consenting(Purpose.CAMPAIGN) == [CAIO]
        state = await ledger.state(p.ana.id, BIA, Purpose.CAMPAIGN)
        assert state.opted_out_at == a_message("M").sent_at


async def test_ten_thousand_dirty_lines_are_read_recorded_and_reported(tmp_path: Path) -> None:
    lines = [HEAD]
    for number in range(10_000):
        contact = (
            f"119{number:08}"
            if number % 10
            else ("123", "", "x" * 20, f"11 9{number:08} / 21 98765-4321")[number // 10 % 4]
        )
        purpose = "campanha" if number % 17 else "spam"
        lines.append(f'{contact};{purpose};"Aceito, ""sim"" {number}";1;evento;{number % 35}/12/2025\n')
    async with program(tmp_path) as p:
        rows = await p.core.consent.imports.preview(p.ana.id, "".join(lines).encode("cp1252"))
        assert [row.line for row in rows] == list(range(2, 10_002))
        right = [row for row in rows if row.problem is None]
        done = await p.core.consent.imports.import_rows(p.ana.id, rows)
        assert 7_000 < done.count == len(right) < 9_000
        assert len(await p.consenting(Purpose.CAMPAIGN)) == done.count
        assert await p.core.consent.imports.undo(p.ana.id, done.id) == done.count


async def test_an_import_that_is_stopped_takes_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        rows = await p.core.consent.imports.preview(p.ana.id, (HEAD + BIA_ROW).encode(), DEFAULTS)
        with pytest.raises(Problem) as caught:
            await p.core.consent.imports.import_rows(p.ana.id, rows, go_on=lambda count: count > 0)
        assert caught.value.code is ProblemCode.CONSENT_IMPORT_STOPPED
        assert await p.ledger.contacts(p.ana.id) == []
        assert await p.actions() == []
