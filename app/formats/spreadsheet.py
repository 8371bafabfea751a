"""Spreadsheets saved as text: characters, separator, rows, and which column holds what.

Every physical row of the file belongs to exactly one `SpreadsheetRow`, except empty rows, the heading and a ``sep=``
row. A row with unbalanced quotation marks becomes a record of its own, marked as such; it never swallows later rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.names import fold_accents

_DELIMITERS: Final = ";\t,|"
_SAMPLE: Final = 30
"""Records from which the separator and the columns are found out."""

_LONGEST_CELL: Final = 32_767
"""Characters; a spreadsheet program has no longer cell."""

_WIDEST: Final = 500
"""Columns; the exports of address books have about a hundred."""

_MOST_ROWS_SHOWN: Final = 300
"""Characters that tell what a cell is; a name or a number is never longer."""

_HEADING_WITHIN: Final = 6
"""Records among which the heading is looked for: some programs write a title above it."""

_OWN_COUNTRY: Final = "55"
"""Brazil, where a number has ten or eleven digits after the country's."""

_SEPARATOR_ROW: Final = re.compile(r'\s*"?sep=(?P<delimiter>.)"?\s*', re.IGNORECASE)
_NO_PHONE_NUMBER: Final = re.compile(r".*@.*|\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b.*|\d{3}\.\d{3}\.\d{3}-\d\d")
"""An e-mail address, a date, the number of a Brazilian's papers (CPF)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadsheetRow:
    """The cells of one row, or of several when a cell goes over a line end; *problem* when they cannot be told."""

    first: int  # physical row, counted from 1
    last: int
    cells: tuple[str, ...]
    exact: tuple[str, ...] = ()  # the cells as they stand in the file, where *problem* is None
    search_words: frozenset[int] = frozenset()  # the cells that hold a line end
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns hold what, counted from 0; several are joined in their order, none means that there is no such."""

    name: tuple[int, ...] = ()
    phone: tuple[int, ...] = ()
    cohort: tuple[int, ...] = ()
    country: tuple[int, ...] = ()
    """Which of *phone* is the country code alone."""

    @property
    def complete(self) -> bool:
        """Whether people can be read from them."""
        return bool(self.name and self.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreadsheet:
    """A file as a table. *heading* is empty when the file has none."""

    heading: tuple[str, ...]
    records: Sequence[SpreadsheetRow]
    width: int
    columns: Columns
    """As found out from the heading and the contents."""


IsHeading = Callable[[Sequence[str]], bool]


def read_spreadsheet(
    data: bytes, most: int, is_heading: IsHeading = lambda cells: _columns_of(cells).complete
) -> Spreadsheet:
    """Read *data* as UTF-8, UTF-16 or Windows-1252 text; what is beyond *most* rows and the heading is left out.

    *is_heading* says whether cells are surely the heading of such a table.
    Raises `Problem(IMPORT_UNREADABLE)` when it is no table.
    """
    lines = re.split(r"\r\n|\n|\r", _decode(data))
    declared = _SEPARATOR_ROW.fullmatch(lines[0])
    delimiter = declared["delimiter"] if declared else _delimiter(lines, is_heading)
    records = list(islice(_records(lines, delimiter, 1 if declared else 0), most + 1))
    if not 2 <= _width(records) <= _WIDEST:
        raise Problem(ProblemCode.IMPORT_UNREADABLE)
    place = _heading_place(records, is_heading)
    heading = records.pop(place).cells if place is not None else ()
    return Spreadsheet(
        heading=heading,
        records=[_check_width(record, len(heading)) for record in records],
        width=max(len(heading), _width(records)),
        columns=_columns(heading, records),
    )


def column_label(table: Spreadsheet, place: int) -> str:
    """How a person knows a column: its letter, as spreadsheet programs have it, and its heading or its first cell."""
    letter, rest = "", place
    while rest >= 0:
        letter, rest = chr(ord("A") + rest % 26) + letter, rest // 26 - 1
    cells = (record.cells[place] for record in table.records if place < len(record.cells) and record.cells[place])
    words = table.heading[place] if place < len(table.heading) else next(cells, "")
    return f"{letter} · {words}" if words else letter


def filled_columns(table: Spreadsheet) -> Sequence[int]:
    """The columns in which anything stands below the heading."""
    return sorted(_filled(table.records))


def _filled(records: Sequence[SpreadsheetRow]) -> set[int]:
    return {at for record in records for at, cell in enumerate(record.cells) if cell}


_MAC: Final = re.compile(rb"(?<=[A-Za-z])[\x83-\x91\x93-\x95\x97-\x9f](?=[a-z;,\t ])")
_WINDOWS: Final = re.compile(rb"[\xc0-\xff]")
"""Where the accented small letters of Portuguese are, on a Mac and on Windows."""


# --- characters --------------------------------------------------------------------------------------------------


def _decode(data: bytes) -> str:
    text = _decode_utf_16(data) or _decode_utf_8(data)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise Problem(ProblemCode.IMPORT_UNREADABLE)  # a workbook, or any other file that is not text
    return text


def _decode_utf_16(data: bytes) -> str | None:
    """*data* when it is UTF-16, as Excel's "Unicode text" is; without a mark the zero bytes tell which half is high."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    sample = data[:4096]
    half = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > half // 2 and even <= half // 10:
        return data.decode("utf-16-le", "replace")
    if even > half // 2 and odd <= half // 10:
        return data.decode("utf-16-be", "replace")
    return None


def _decode_utf_8(data: bytes) -> str:
    """UTF-8, or what Excel in Brazil writes on Windows or a Mac. A few broken bytes do not make a file another one."""
    text = data.decode("utf-8-sig", "replace")
    broken = text.count("\ufffd")
    if not broken:
        return text
    whole = sum(letter > "\x7f" for letter in text) - broken
    if whole >= broken:
        return text
    return data.decode("mac_roman" if len(_MAC.findall(data)) > len(_WINDOWS.findall(data)) else "cp1252", "replace")


# --- rows --------------------------------------------------------------------------------------------------------


class _Unclosed(Exception):
    """A quotation mark opens a cell that does not end where a cell may end."""


def _records(lines: Sequence[str], delimiter: str, start: int = 0) -> Iterator[SpreadsheetRow]:
    """Records from the line with index *start* on, without the empty ones."""
    at = start
    while at < len(lines):
        try:
            cells, after = _cells(lines, at, delimiter)
            broken = any(_spans_rows(cell, delimiter) for cell in cells if "\n" in cell)
        except _Unclosed:
            after, broken = at + 1, True
        if broken:
            for place in range(at, after):
                yield _unreadable(ProblemCode.IMPORT_ROW_QUOTES, place, lines[place].split(delimiter, _WIDEST + 1))
        elif any("\ufffd" in cell for cell in cells):
            yield replace(_unreadable(ProblemCode.IMPORT_ROW_LETTERS, at, cells), last=after)
        elif any(tidy := _strip_cells(cells)):
            search_words = frozenset(place for place, cell in enumerate(cells) if "\n" in cell.strip())
            yield SpreadsheetRow(first=at + 1, last=after, cells=tidy, exact=tuple(cells), search_words=search_words)
        at = after


def _unreadable(code: ProblemCode, at: int, cells: Sequence[str]) -> SpreadsheetRow:
    return SpreadsheetRow(first=at + 1, last=at + 1, cells=_strip_cells(cells), problem=Problem(code, row=str(at + 1)))


def _strip_cells(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(cell.split()) for cell in cells)


def _spans_rows(cell: str, delimiter: str) -> bool:
    """Whether a *cell* that goes over line ends has rows in it: then one of its marks belongs to another cell.

    A comma may stand in prose, where a space follows it.
    """
    for line in cell.split("\n"):
        pieces = line.split(delimiter)
        if len(pieces) > 1 and (any(map(may_be_phone, pieces)) or any(each and each[0] != " " for each in pieces[1:])):
            return True
    return False


def _cells(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """The cells of the record that begins in line *at*, and the line after it. Raises `_Unclosed`."""
    cells: list[str] = []
    line, place = lines[at], 0
    while True:
        mark = _over_blanks(line, place)
        if line.startswith('"', mark):
            cell, at, place = _read_quoted_cell(lines, at, mark, delimiter)
            line = lines[at]
        else:
            cell, place = _read_plain_cell(line, place, place, delimiter)
        cells.append(cell)
        if place >= len(line) or len(cells) > _WIDEST:  # such a file is refused
            return cells, at + 1
        place += 1  # over the delimiter


def _over_blanks(line: str, place: int) -> int:
    while line.startswith(" ", place):
        place += 1
    return place


def _read_plain_cell(line: str, begin: int, place: int, delimiter: str) -> tuple[str, int]:
    """The plain cell from *begin* to the first delimiter after *place*, and where that stands."""
    end = line.find(delimiter, place)
    end = len(line) if end < 0 else end
    return line[begin:end], end


def _read_quoted_cell(lines: Sequence[str], at: int, begin: int, delimiter: str) -> tuple[str, int, int]:
    """The quoted cell at *begin* of line *at*, with the line and the place where it ends. Raises `_Unclosed`."""
    first, line, place = at, lines[at], begin + 1
    parts: list[str] = []
    left = _LONGEST_CELL
    while left > 0:
        mark = line.find('"', place)
        parts.append(line[place : mark if mark >= 0 else len(line)])
        left -= len(parts[-1]) + 1
        after = _over_blanks(line, mark + 1)
        if mark < 0:
            at += 1
            if at == len(lines):
                break
            line, place = lines[at], 0
            parts.append("\n")
        elif line.startswith('"', mark + 1):
            parts.append('"')
            place = mark + 2
        elif after == len(line) or line.startswith(delimiter, after):
            return "".join(parts), at, after
        elif at == first and delimiter not in line[begin:mark]:
            nickname, end = _read_plain_cell(line, begin, mark, delimiter)  # as in: "Vivi" Reis
            return nickname, at, end
        else:
            break
    raise _Unclosed


def _width(records: Sequence[SpreadsheetRow]) -> int:
    return max((len(record.cells) for record in records), default=0)


def _delimiter(lines: Sequence[str], is_heading: IsHeading) -> str:
    """The separator with which the beginning of the file looks most like a table."""

    def fits(delimiter: str) -> tuple[bool, int, int]:
        sample = [record for record in islice(_records(lines, delimiter), _SAMPLE) if record.problem is None]
        sample = [record for record in sample if len(record.cells) <= _WIDEST]
        known = any(is_heading(record.cells) for record in sample[:_HEADING_WITHIN])
        widths = Counter(len(record.cells) for record in sample if len(record.cells) > 1)
        width, often = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return known, often, width

    return max(_DELIMITERS, key=fits)


def _check_width(record: SpreadsheetRow, width: int) -> SpreadsheetRow:
    """A row with more cells than the heading may have slipped: of two numbers in it nobody can tell whose they are."""
    if record.problem is not None or not width or len(record.cells) <= width:
        return record
    if not any(record.cells[width:]) or sum(map(may_be_phone, record.cells)) < 2:
        return record
    return replace(record, problem=Problem(ProblemCode.IMPORT_ROW_CELLS, row=str(record.first)))


# --- columns -----------------------------------------------------------------------------------------------------


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SMALL: Final = _vocabulary("o a os as do da dos das de e the of s")
_NAME: Final = _vocabulary("nome nomes name names nombre nombres nomecompleto")
_PERSON: Final = _vocabulary(
    "mentorado mentorada mentorados aluno aluna alunos cliente clientes participante participantes pessoa contato "
    "contacto contact student client customer mentee person fullname inscrito inscrita"
)
_FIRST: Final = _vocabulary("first primeiro given firstname prenome proprio")
_MIDDLE: Final = _vocabulary("middle additional segundo meio middlename")
_LAST: Final = _vocabulary("last family familia sobrenome sobrenomes surname ultimo apellido apellidos lastname")
_NO_NAME: Final = _vocabulary(
    "empresa company organization organisation organizacao usuario user username arquivo file mae pai responsavel "
    "grupo group turma cohort curso course produto product fonetico phonetic yomi prefix prefixo suffix sufixo "
    "nickname apelido fantasia conjuge emergencia emergency maiden title titulo tratamento label rotulo etiqueta type "
    "tipo id codigo code email mail data date vendedor mentor professor"
)
_PHONE: Final = tuple(
    _vocabulary(words)
    for words in (
        "whatsapp whats whatsap watsapp wpp wapp zap zapzap",
        "celular celulares cel mobile cell cellphone movil telemovel handy",
        "telefone telefones telefono fone tel phone phones telephone phonenumber",
        "numero number num",
        "contato contacto contatos",
    )
)
"""From what is most surely the number of WhatsApp to what may be one."""

_NO_PHONE: Final = _vocabulary(
    "type tipo label rotulo etiqueta fax pager operadora carrier modelo model tem possui aceita aceito autoriza deseja "
    "grupo group turma mae pai responsavel conjuge emergencia emergency recado recados email mail data date hora nome "
    "name id matricula cpf rg cnpj documento pedido order nascimento cep endereco rua casa ordem"
)
_LESSER_PHONE: Final = _vocabulary(
    "residencial home comercial business trabalho work empresa company outro other fixo alternativo secundario main "
    "assistant radio car 2 3 4 5 6 7 8 9"
)
_AREA: Final = (frozenset({"ddd"}), frozenset({"area", "code"}), frozenset({"codigo", "area"}))
_COUNTRY: Final = (frozenset({"ddi"}), frozenset({"country", "code"}), frozenset({"codigo", "pais"}))
_COHORT: Final = _vocabulary("turma turmas cohort coorte grupo group classe class")
_NO_COHORT: Final = _vocabulary("membership data date inicio fim link whatsapp")


def heading_words(heading: str) -> frozenset[str]:
    """The words of *heading* in small letters without accents or signs."""
    return frozenset(re.findall(r"[^\W_]+", fold_accents(heading[:_MOST_ROWS_SHOWN]).replace("e-mail", "email")))


def _columns_of(heading: Sequence[str]) -> Columns:
    """What the words of a heading say about its columns."""
    words = [heading_words(cell) for cell in heading]
    ranks = [(rank, at) for at, each in enumerate(words) if (rank := _phone_rank(each)) is not None]
    phone = (min(ranks)[1],) if ranks else ()
    area = tuple(at for at, each in enumerate(words) if each - _SMALL in _AREA)[:1] if phone else ()
    country = tuple(at for at, each in enumerate(words) if each - _SMALL in _COUNTRY)[:1] if phone else ()
    cohort = tuple(at for at, each in enumerate(words) if each & _COHORT and not each & _NO_COHORT)[:1]
    parts: dict[str, int] = {}
    for at, each in enumerate(words):
        if at not in {*phone, *cohort} and (kind := _name_kind(each)):
            parts.setdefault(kind, at)
    return Columns(name=_name_columns(parts), phone=country + area + phone, cohort=cohort, country=country)


def _phone_rank(words: frozenset[str]) -> tuple[bool, int] | None:
    """Lower for a column that holds rather the person's own number; None for one that holds none."""
    rank = next((rank for rank, known in enumerate(_PHONE) if words & known), None)
    return None if rank is None or words & _NO_PHONE else (bool(words & _LESSER_PHONE), rank)


def _name_kind(words: frozenset[str]) -> str:
    if words & _NO_NAME:
        return ""
    named = bool(words & _NAME)
    if named and words & _LAST and words & {"e", "and", "y"}:
        return "full"
    for kind, known in (("last", _LAST), ("middle", _MIDDLE), ("first", _FIRST)):
        if words & known and (named or len(words) == 1):
            return kind
    return "full" if named or (words & _PERSON and words <= _PERSON | _SMALL) else ""


def _name_columns(parts: dict[str, int]) -> tuple[int, ...]:
    """The column of the full name, or those of its parts; beside a last name alone, "Name" is the first one."""
    if "full" in parts and ("first" in parts or "last" not in parts):
        return (parts["full"],)
    return tuple(parts[kind] for kind in ("full", "first", "middle", "last") if kind in parts)


def _heading_place(records: Sequence[SpreadsheetRow], is_heading: IsHeading) -> int | None:
    """Which record is the heading: one that names name and number, or a first one above numbers that is none."""
    for place, record in enumerate(records[:_HEADING_WITHIN]):
        if record.problem is None and is_heading(record.cells) and not any(map(may_be_phone, record.cells)):
            return place
    if not records or records[0].problem is not None:
        return None
    first = records[0].cells
    columns = _columns_of(first)
    phone = (columns.phone or _guess_columns((), records[1:], columns).phone)[-1:]
    if phone:
        above = _join_cells(first, phone)
        return 0 if above and not any(map(str.isdigit, above)) else None
    return 0 if columns.name and not any(map(str.isdigit, "".join(first))) else None


def _columns(heading: Sequence[str], records: Sequence[SpreadsheetRow]) -> Columns:
    """What the heading says of columns that are not empty; where it says nothing, what stands in them."""
    filled = _filled(records)
    columns = _columns_of([cell if at in filled else "" for at, cell in enumerate(heading)])
    if not columns.complete and _columns_of(heading).complete:
        columns = _columns_of(heading)
    if columns.complete:
        return columns
    found = _guess_columns(heading, records, columns)
    if not heading and found.name == (0,) and found.phone == (1,) and _width(records) > 2:
        return replace(found, cohort=(2,))
    return found


def _guess_columns(heading: Sequence[str], records: Sequence[SpreadsheetRow], columns: Columns) -> Columns:
    """*columns*, completed by the column in which most cells may be numbers and the first of names."""
    sample = [record.cells for record in records if record.problem is None][:_SAMPLE]
    words = [heading_words(cell) for cell in heading] + [frozenset[str]()] * (_width(records) - len(heading))
    free = [at for at in range(len(words)) if at not in {*columns.name, *columns.phone, *columns.cohort}]
    phone, name = columns.phone, columns.name
    if not phone:
        shares = {at: _fraction_passing(sample, at, may_be_phone) for at in free if not words[at] & _NO_PHONE}
        likely = max(shares, key=lambda at: shares[at], default=-1)
        phone = (likely,) if shares.get(likely, 0) >= 0.3 else ()
    if not name:
        likely_names = (at for at in free if at not in phone and not words[at] & _NO_NAME)
        name = tuple(at for at in likely_names if _fraction_passing(sample, at, _may_be_name) > 0.5)[:1]
    if (
        not phone
        and not heading
        and name == (0,)
        and _fraction_passing(sample, 1, lambda cell: any(map(str.isdigit, cell))) > 0
    ):
        phone = (1,)
    return replace(columns, name=name, phone=phone)


def _fraction_passing(sample: Sequence[Sequence[str]], at: int, test: Callable[[str], bool]) -> float:
    """How many of the filled cells of a column pass *test*, from 0 to 1."""
    cells = [cells[at] for cells in sample if at < len(cells) and cells[at]]
    return sum(map(test, cells)) / len(cells) if cells else 0


def may_be_phone(cell: str) -> bool:
    digits, letters = (sum(map(test, cell[:_MOST_ROWS_SHOWN])) for test in (str.isdigit, str.isalpha))
    return (
        len(cell) <= _MOST_ROWS_SHOWN
        and 8 <= digits <= 17
        and letters < digits
        and _NO_PHONE_NUMBER.fullmatch(cell.strip()) is None
    )


def _may_be_name(cell: str) -> bool:
    return (
        sum(map(str.isalpha, cell[:_MOST_ROWS_SHOWN])) > 1
        and len(cell) <= _MOST_ROWS_SHOWN
        and not any(letter.isdigit() or letter in "@/" for letter in cell)
    )


def _join_cells(cells: Sequence[str], places: Sequence[int]) -> str:
    return " ".join(cells[at] for at in places if at < len(cells) and cells[at])


def name_in(record: SpreadsheetRow, columns: Columns) -> str:
    return _join_cells(record.cells, columns.name)


def phone_in(record: SpreadsheetRow, columns: Columns) -> str:
    """The number, with the codes that stand in columns of their own; one that has its own keeps those."""
    number = _join_cells(record.cells, columns.phone[-1:])
    parts = [at for at in columns.phone if at not in columns.country]
    whole = number if sum(map(str.isdigit, number)) > 9 or not number else _join_cells(record.cells, parts)
    country = "".join(
        filter(str.isdigit, _join_cells(record.cells, [at for at in columns.phone if at in columns.country]))
    )
    digits = "".join(filter(str.isdigit, whole))
    if not country or not digits or whole.lstrip(" (").startswith("+") or digits.startswith("00"):
        return whole
    country = country.lstrip("0")
    own = digits.startswith(country) and len(digits) >= len(country) + (10 if country == _OWN_COUNTRY else 9)
    return f"+{whole}" if own else f"+{country} {whole}"


def cohort_in(record: SpreadsheetRow, columns: Columns) -> str:
    return _join_cells(record.cells, columns.cohort)
