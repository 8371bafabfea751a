"""Spreadsheets as programs and people save them: each row is somebody or is named, and no one gets another's number."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.csv_import import (
    LARGEST,
    MOST_ROWS,
    open_spreadsheet,
    read_rows,
)
from app.domain.errors import Problem, ProblemCode
from app.formats.spreadsheet import Columns

OPEN_QUOTE = """Nome;Telefone;Turma
Ana Prates;(11) 90000-0001;T1
"Bia Souza;(11) 90000-0002;T1
Caio Melo;(11) 90000-0003;T1
Davi Luz;(11) 90000-0004;T2
Eva "Vivi" Reis;(11) 90000-0005;T2
"""


def read(text: str) -> list[tuple[int, str, str, ProblemCode | None]]:
    return [
        (row.line, row.name, row.phone, row.problem.code if row.problem else None) for row in read_rows(text.encode())
    ]


def people(data: bytes) -> list[tuple[str, str]]:
    return [(row.name, row.phone[-4:]) for row in read_rows(data) if row.problem is None]


def test_an_unclosed_quote_names_its_row_and_leaves_everybody_else_their_own_number() -> None:
    counts = read(OPEN_QUOTE)
    assert [line for line, *_ in counts] == [2, 3, 4, 5, 6]
    assert [(name, phone[-4:]) for _, name, phone, code in counts if code is None] == [
        ("Ana Prates", "0001"),
        ("Caio Melo", "0003"),
        ("Davi Luz", "0004"),
        ('Eva "Vivi" Reis', "0005"),
    ]
    assert counts[1][3] is ProblemCode.IMPORT_ROW_QUOTES


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ('Ana;(11) 90000-0001;"T1\nBia;(11) 90000-0002;T2\n', [2]),  # in the last column, to the end of the file
        ('Ana;(11) 90000-0001;"T1\nBia;(11) 90000-0002;T2"\n', [2, 3]),  # a second mark closes it by chance
        ('Ana;(11) 90000-0001;"T1\nBia;(11) 90000-0002;"T2"\n', [2]),
        ('"Ana;(11) 90000-0001;T1\n"Bia";(11) 90000-0002;T2\n', [2]),
        ('"Ana\nBia";(11) 90000-0002;T2\n', [2]),  # two rows, or a name over two lines
        ('"Ana;(11) 90000-0001;T1', [2]),
        ('"Ana" x; y;(11) 90000-0001\n"Bia; x" y;(11) 90000-0002\n', [2, 3]),
        (f'Ana;(11) 90000-0001;"{"x" * 40_000}\n";x\n', [2, 3]),  # longer than any cell is
    ],
)
def test_quotes_that_do_not_fit_name_the_rows_they_spoil(rows: str, named: list[int]) -> None:
    counts = read(f"Nome;Telefone;Turma\n{rows}")
    assert [line for line, _, _, code in counts if code is not None] == named


name = st.text("abcdef ;\"'", min_size=1, max_size=8).filter(lambda text: text.strip(" ;\"'"))


def row_of(name: str, number: int, *, quoted: bool) -> str:
    cell = '"{}"'.format(name.replace('"', '""')) if quoted else re.sub('[;"]', "", name) or "x"
    return f"{cell};11 9{number:08};T{number % 3}"


@given(st.lists(st.tuples(name, st.booleans()), min_size=1, max_size=6), st.data())
def test_a_stray_quote_anywhere_never_gives_somebody_anothers_number(
    people: list[tuple[str, bool]], data: st.DataObject
) -> None:
    text = "\n".join(row_of(who, 10_000 + at, quoted=quoted) for at, (who, quoted) in enumerate(people))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from('"')) + text[at:]
    rows = read_rows(f"Nome;Telefone;Turma\n{text}\n".encode())
    covered = [line for row in rows for line in range(row.line, row.last_line + 1)]
    assert covered == list(range(2, len(people) + 2))
    for row in rows:
        if row.problem is None:
            assert row.phone == f"+55119{10_000 + row.line - 2:08}"


def test_a_note_over_several_lines_is_one_row_that_says_how_far_it_goes() -> None:
    (ana, bia) = read_rows(
        b'Name,Notes,Phone 1 - Value\nAna,"Only, please,\nafter ""six""\n",11 90000-0001\n"Bia" ,"x" ,11 90000-0002\n'
    )
    assert (ana.line, ana.last_line, ana.name, ana.phone) == (2, 4, "Ana", "+5511900000001")
    assert (bia.line, bia.name, bia.phone) == (5, "Bia", "+5511900000002")


def test_letters_that_were_damaged_name_their_row() -> None:
    rows = read_rows("Nome;Telefone\nJoão;11900000001\n".encode() + b"In\xeas;11900000002\nAna;11900000003\n")
    assert [(row.name, row.problem.code if row.problem else None) for row in rows] == [
        ("João", None),
        ("In\ufffds", ProblemCode.IMPORT_ROW_LETTERS),
        ("Ana", None),
    ]


def test_a_row_that_slipped_and_holds_two_numbers_is_named() -> None:
    head = "Nome,Telefone da mãe,Telefone\n"
    assert read(f"{head}Prates, Ana,11 90000-0009,11 90000-0001\n")[0][3] is ProblemCode.IMPORT_ROW_CELLS
    assert read(f"{head}Ana,,11 90000-0001,a note\n")[0][3] is None


@pytest.mark.parametrize(
    "heading",
    [
        "Nome completo;E-mail;Telefone celular;Turma|Ana Prates;a@b.com;(11) 90000-0001;T1",
        "Carimbo de data/hora;Nome do aluno;WhatsApp (com DDD);E-mail|1/2/2026 10:00;Ana Prates;11 90000-0001;a@b.c",
        "TURMA;CELULAR;NOME|T1;(11) 90000-0001;Ana Prates",
        "Número de telefone,Nome|11900000001,Ana Prates",
        "Turma\tWhats\tMentorado(a)|T1\t11900000001\tAna Prates",
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Group Membership,E-mail 1 - Value,Phone 1 - Type,"
        "Phone 1 - Value,Organization 1 - Name|Ana Prates,Ana,,Prates,,* myContacts,a@b.com,Mobile,+55 11 90000-0001,X",
        "First Name,Middle Name,Last Name,Phonetic First Name,Nickname,File As,Organization Name,Labels,"
        "E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value"
        "|Ana,,Prates,,Aninha,,X,* myContacts,,a@b.com,Mobile,11 90000-0001,Home,11 3333-4444",
        "Nome,Sobrenome,Telefone 1 - Tipo,Telefone 1 - Valor|Ana,Prates,Celular,+55 11 90000-0001",
        "First Name,Last Name,Home Phone,Mobile Phone,Business Phone|Ana,Prates,1133334444,11900000001,1133335555",
        "First Name,Last Name,Mobile Phone,Primary Phone|Ana,Prates,,11900000001",
        "Primeiro nome;Último nome;Telefone residencial;Celular|Ana;Prates;1133334444;11900000001",
        "Nome e sobrenome;Nome da mãe;Telefone da mãe;Contato|Ana Prates;Rosa;11900000009;11900000001",
        "Contato;Telefone|Ana Prates;11900000001",
        "Nome;DDD;Celular|Ana Prates;11;90000-0001",
        "Nome;DDD;Celular|Ana Prates;11;11 90000-0001",
        "Nome;DDI;DDD;Celular|Ana Prates;55;11;90000-0001",
        "Qual é o seu nome?;Qual o seu WhatsApp? (ex.: 11 98765-4321)|Ana Prates;11 90000-0001",
        "Quem;Onde falar|Ana Prates;11 90000-0001",  # no known word: what stands below tells
        "E-mail;Quem;Onde falar;CPF|a@b.com;Ana Prates;11 90000-0001;123.456.789-09",
        "Nome no WhatsApp;Nome do grupo;Nº|Ana Prates;Grupo 1;11 90000-0001",
        "sep=;|Telefone;Nome|11 90000-0001;Ana Prates",
        'sep=^|"Telefone"^"Nome"|11 90000-0001^Ana Prates',
        "Lista de mentorados;|Nome;Telefone|Ana Prates;11 90000-0001",
        "11 90000-0001;Ana Prates",  # no heading, and the other way round
        "1;Ana Prates;11 90000-0001",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_columns_are_found_whatever_program_wrote_the_heading(heading: str, encoding: str) -> None:
    assert people(heading.replace("|", "\r\n").encode(encoding)) == [("Ana Prates", "0001")]


@pytest.mark.parametrize(
    "text",
    [
        "Quem;Onde\nAna;casa\nBia;rua\n",
        "Nome;Telefone do responsável\nAna;11 90000-0001\n",  # another's number is not taken for hers
        "Nome da mãe;Telefone\nRosa;11 90000-0001\n",
        "Nome;Turma\nAna;T\n",
    ],
)
def test_columns_that_nothing_tells_are_asked_for(text: str) -> None:
    with pytest.raises(Problem) as caught:
        read_rows(text.encode())
    assert caught.value.code is ProblemCode.IMPORT_COLUMNS_UNKNOWN


@pytest.mark.parametrize(
    ("cells", "number"),
    [
        ("55;11;90000-0001", "+5511900000001"),
        ("+55;;11 90000-0001", "+5511900000001"),
        ("0055;;5511900000001", "+5511900000001"),
        ("55;55;99999-0016", "+5555999990016"),
        ("351;;912 345 678", "+351912345678"),
        ("1;415;555-2671", "+14155552671"),  # never a landline of Curitiba
        ("1;;1 415 555 2671", "+14155552671"),
        ("52;55;1234 5678", "+525512345678"),
        ("351;;+55 11 90000-0001", "+5511900000001"),
        (";11;90000-0001", "+5511900000001"),
        ("55;11;", ""),
    ],
)
def test_a_country_code_in_a_column_of_its_own_belongs_to_the_number(cells: str, number: str) -> None:
    data = f"Nome;Código do país;DDD;Celular\nAna;{cells}\n".encode()
    assert [row.phone for row in read_rows(data)] == [number]


def test_what_a_mac_wrote_is_read_as_it_was_written() -> None:
    names = ["João Conceição", "Inês Álvares", "Zoé", "Ônix Müller", "Luís Gonçalves"]
    data = "Nome;Telefone\r\n" + "".join(f"{name};11 90000-000{at}\r\n" for at, name in enumerate(names))
    for encoding in ("mac_roman", "cp1252"):
        assert [row.name for row in read_rows(data.encode(encoding))] == names


def test_a_person_may_say_which_column_holds_what() -> None:
    data = "Nome;Telefone do responsável;Telefone\nAna;11 90000-0001;11 90000-0002\n".encode()
    assert open_spreadsheet(data).columns == Columns(name=(0,), phone=(2,))
    (ana,) = read_rows(data, Columns(name=(0,), phone=(1,), cohort=(0,)))
    assert (ana.phone, ana.cohort) == ("+5511900000001", "Ana")


def test_a_first_row_without_a_number_is_somebody_to_be_named_not_a_heading() -> None:
    assert [code for *_, code in read("Ana;123\nBia;11 90000-0002\n")] == [ProblemCode.PHONE_INVALID, None]
    assert [code for *_, code in read("Ana;\nBia;11 90000-0002\n")] == [ProblemCode.PHONE_MISSING, None]
    assert [line for line, *_ in read('"Ana;1\nBia;11 90000-0002\n')] == [1, 2]


def test_the_heading_is_not_one_of_the_rows_that_fit() -> None:
    full = b"Ana;11987654321\n" * MOST_ROWS
    assert len(read_rows(b"sep=;\nNome;Telefone\n" + full)) == MOST_ROWS
    with pytest.raises(Problem):
        read_rows(b"Nome;Telefone\nBia;11987654321\n" + full)


@pytest.mark.parametrize(("encoding", "data"), [("utf-16-le", "Nome;Telefone\nAna;11 90000-0001\n")])
def test_zero_bytes_tell_utf_16_or_no_text_at_all(encoding: str, data: str) -> None:
    assert people(data.encode(encoding)) == [("Ana", "0001")]
    assert people(data.encode("utf-16-be")) == [("Ana", "0001")]
    with pytest.raises(Problem):
        read_rows(b"Nome;Telefone\0\nAna;11 90000-0001\n")


def test_a_file_of_separators_is_no_spreadsheet() -> None:
    for row in (b"a;", b'"""";', b'"a" ;', b"  ;"):
        with pytest.raises(Problem) as caught:
            read_rows(row * (LARGEST // len(row)))  # in a moment, however many there are
        assert caught.value.code is ProblemCode.IMPORT_UNREADABLE
