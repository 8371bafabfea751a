"""A spreadsheet of consents: what it says, what of it can be taken, and taking it as one."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService, parse_phone
from app.core.outbound.consents import recorder, require_length
from app.domain.audit import AuditAction
from app.domain.consent import (
    ConsentChange,
    ConsentEntry,
    ConsentRepository,
    ConsentSource,
    Purpose,
    last_about,
    state_for,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ConsentsChanged
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.names import visible
from app.domain.opt_out import letters
from app.domain.repositories import Clock
from app.formats.spreadsheet import Columns, Spreadsheet, SpreadsheetRow, heading_words, phone_in, read_spreadsheet

LARGEST: Final = 16 << 20
MOST_ROWS: Final = 50_000
AHEAD: Final = timedelta(days=1)
"""A date may be so far in the future: a day begins earlier elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDefaults:
    """What stands for a cell that is empty or a column that is missing."""

    purpose: Purpose | None = None
    wording: str = ""
    version: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One row of the file; *problem* says why it is not taken."""

    line: int  # the physical row, counted from 1
    last_line: int
    contact: str  # E.164, or what is written there where that is no number
    purpose: Purpose | None = None
    wording: str = ""
    version: str = ""
    note: str = ""
    at: datetime | None = None  # None where the file does not say
    problem: Problem | None = None

    @property
    def address(self) -> Address:
        return Address(AddressKind.PHONE, self.contact)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedConsents:
    """An import that is in the ledger, with the id by which it can be taken back."""

    id: str
    count: int


class ConsentImport:
    """Takes the rows that are right, all of them or none. Taking an import back is a revocation."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        consents: ConsentRepository,
        audit_service: AuditService,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._consents = consents
        self._audit_service = audit_service
        self._clock = clock

    async def preview(
        self, mentorado_id: MentoradoId, data: bytes, defaults: ConsentDefaults = ConsentDefaults()
    ) -> Sequence[ConsentRow]:
        """`read_consents`, compared with the ledger and with the rows above. Raises `Problem` as that does."""
        mentorado = self._mentorados.get(mentorado_id)
        rows = await asyncio.to_thread(read_consents, data, defaults, self._clock.now())
        right = [row for row in rows if row.problem is None]
        ledgers = await self._consents.ledgers(mentorado.id, [row.address for row in right])
        checked: dict[int, ConsentRow] = {}
        above: dict[tuple[str, Purpose | None], int] = {}
        for row, ledger in zip(right, ledgers, strict=True):
            problem = self._trouble(row, ledger)
            line = above.setdefault((row.address.key, row.purpose), row.line)
            if problem is None and line != row.line:
                problem = Problem(ProblemCode.CONSENT_TWICE, row=str(line))
            checked[row.line] = replace(row, problem=problem)
        return [checked.get(row.line, row) for row in rows]

    async def import_rows(
        self,
        mentorado_id: MentoradoId,
        rows: Sequence[ConsentRow],
        *,
        file: str = "",
        go_on: Callable[[int], bool] = lambda _count: True,
    ) -> ImportedConsents:
        """Record every row without a problem in one transaction.

        *go_on* is asked in the database's thread, with how many rows were checked. Raises `Problem` when it says no, or
        when somebody opted out or revoked since the preview: then nothing is recorded.
        """
        mentorado, import_id, now = self._mentorados.get(mentorado_id), uuid4().hex, self._clock.now()
        by = recorder(self._audit_service.actor)
        taken = [row for row in rows if row.problem is None]
        entries = [
            ConsentEntry(
                mentorado_id=mentorado.id,
                contact=row.address,
                change=ConsentChange.GRANTED,
                purpose=row.purpose,
                source=ConsentSource.IMPORTED,
                at=row.at or now,
                recorded_by=by,
                wording=row.wording,
                version=row.version,
                note=" · ".join(filter(None, (row.note, file))),
                import_id=import_id,
            )
            for row in taken
        ]
        # By the entry itself: the repository hands back the very objects it was given.
        place_of = {id(entry): place for place, entry in enumerate(entries)}

        def check(entry: ConsentEntry, ledger: Sequence[ConsentEntry]) -> None:
            place = place_of[id(entry)]
            if not go_on(place):
                raise Problem(ProblemCode.CONSENT_IMPORT_STOPPED)
            problem = self._trouble(taken[place], ledger)
            if problem is not None and problem.code is not ProblemCode.CONSENT_KNOWN:
                raise problem

        after = {"added": str(len(entries)), "left_out": str(len(rows) - len(entries)), "file": file}
        with self._audit_service.with_changes(AuditAction.IMPORT_CONSENTS, mentorado, after=after):
            await self._consents.append_checked(entries, check)
        self._bus.publish(ConsentsChanged(mentorado.id))
        return ImportedConsents(id=import_id, count=len(entries))

    async def undo(self, mentorado_id: MentoradoId, import_id: str) -> int:
        """Take back what the import granted, where nothing was recorded since; returns how many consents that are.

        Raises `Problem(CONSENT_IMPORT_UNKNOWN)`.
        """
        mentorado = self._mentorados.get(mentorado_id)
        contacts = await self._consents.contacts(mentorado.id)
        if not any(each.import_id == import_id for contact in contacts for each in contact.entries):
            raise Problem(ProblemCode.CONSENT_IMPORT_UNKNOWN, id=import_id)
        with self._audit_service.with_changes(
            AuditAction.UNDO_CONSENT_IMPORT, mentorado, after=lambda count: {"revoked": str(count)}
        ):
            count = await self._consents.undo_import(
                mentorado.id, import_id, self._clock.now(), recorder(self._audit_service.actor)
            )
        self._bus.publish(ConsentsChanged(mentorado.id))
        return count

    def _trouble(self, row: ConsentRow, ledger: Sequence[ConsentEntry]) -> Problem | None:
        """Who opted out or revoked is let in by a consent that is surely younger; the same consent counts once."""
        assert row.purpose is not None  # noqa: S101 - rows without one have a problem
        opted_out_at = state_for(ledger, row.purpose).opted_out_at
        if opted_out_at is not None and (row.at is None or row.at <= opted_out_at):
            return Problem(ProblemCode.CONSENT_OPTED_OUT, contact=row.contact, day=f"{opted_out_at:%Y-%m-%d}")
        last = last_about(ledger, row.purpose)
        if last is None or last.change is ConsentChange.OPTED_OUT:
            return None
        if last.change in (ConsentChange.REVOKED, ConsentChange.ERASED):
            # What only took an import back says nothing of what the contact wants.
            younger = bool(last.import_id) or (row.at is not None and row.at > last.at)
            revoked = Problem(ProblemCode.CONSENT_REVOKED, contact=row.contact, day=f"{last.at:%Y-%m-%d}")
            return None if younger else revoked
        same = (last.wording, last.version) == (row.wording, row.version) and row.at in (None, last.at)
        return Problem(ProblemCode.CONSENT_KNOWN, contact=row.contact) if same else None


# --- reading ---------------------------------------------------------------------------------------------------------


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COLUMNS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "answer": _vocabulary(
            "aceita aceite aceitou autoriza autorizou concorda concordou optin agrees agreed accepts"
        ),
        "version": _vocabulary("versao version revisao"),
        "at": _vocabulary("data date quando dia hora horario carimbo timestamp datahora when"),
        "purpose": _vocabulary("finalidade proposito purpose objetivo uso fim tipo assunto"),
        "note": _vocabulary(
            "origem fonte source canal meio evento formulario nota notas note notes observacao observacoes onde obs"
        ),
        "wording": _vocabulary(
            "texto text wording termo termos consentimento consent frase redacao declaracao autorizacao mensagem"
        ),
    }
)
"""From what is told apart most surely; a column is what the first of them says."""

_CONTACT: Final = _vocabulary("contato contacto contact whatsapp telefone celular fone phone numero number")
_PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType(
    {
        **{purpose.value.replace("_", ""): purpose for purpose in (Purpose.CONVERSATION, Purpose.CAMPAIGN)},
        **dict.fromkeys(
            ("campanha", "campanhas", "campaigns", "marketing", "divulgacao", "promocao", "promocoes", "novidades"),
            Purpose.CAMPAIGN,
        ),
        **dict.fromkeys(
            ("conversa", "conversas", "atendimento", "mentoria", "suporte", "mensagem", "mensagens"),
            Purpose.CONVERSATION,
        ),
        **dict.fromkeys(("smoketest", "teste", "test", "testedeenvio"), Purpose.SMOKE_TEST),
    }
)
_YES: Final = _vocabulary(
    "sim s yes y true verdadeiro 1 x ok aceito aceita aceitou concordo concorda autorizo autoriza simaceito "
    "simconcordo simautorizo agree agreed iagree accepted"
)
_DATE: Final = re.compile(
    r"(?P<one>\d{1,4})[/.-](?P<two>\d{1,2})[/.-](?P<three>\d{1,4})"
    r"(?:[T ,]+(?:às |as )?(?P<hour>\d{1,2})[:h](?P<minute>\d{2})?(?::(?P<second>\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_CENTURY: Final = 2000


def purpose_of(typed: str) -> Purpose | None:
    """The purpose that *typed* names in either language; None for what is none."""
    return _PURPOSES.get(letters(typed))


def read_consents(
    data: bytes, defaults: ConsentDefaults, now: datetime, zone: tzinfo | None = None
) -> Sequence[ConsentRow]:
    """The rows of a CSV file, each checked by itself. Dates without a zone are of *zone*, or of this computer's.

    Raises `Problem`: `CONSENT_FILE_UNREADABLE` when nothing in it tells numbers, `IMPORT_TOO_LARGE`.
    """
    if len(data) > LARGEST:
        raise Problem(ProblemCode.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    try:
        table = read_spreadsheet(data, MOST_ROWS + 1, _is_heading)
    except Problem:
        raise Problem(ProblemCode.CONSENT_FILE_UNREADABLE) from None
    phone = _phone_columns(table)
    if not table.records or not phone.phone:
        raise Problem(ProblemCode.CONSENT_FILE_UNREADABLE)
    if len(table.records) > MOST_ROWS:
        raise Problem(ProblemCode.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    places = _places(table.heading, phone)
    dates = [_cell(record, places.get("at")) for record in table.records if record.problem is None]
    reading = _Reading(phone, places, defaults, now, zone, month_first=_is_month_first(dates))
    return [reading.row(record) for record in table.records]


def _is_heading(cells: Sequence[str]) -> bool:
    words = [heading_words(cell) for cell in cells]
    others = sum(any(each & known for known in _COLUMNS.values()) for each in words)
    return others > 0 and any(each & _CONTACT and len(each) <= 4 for each in words)


def _phone_columns(table: Spreadsheet) -> Columns:
    if table.columns.phone:
        return table.columns
    named = [place for place, cell in enumerate(table.heading) if heading_words(cell) & _CONTACT]
    return replace(table.columns, phone=tuple(named[:1]))


def _places(heading: Sequence[str], phone: Columns) -> Mapping[str, int]:
    """The column of each thing beside the number."""
    places: dict[str, int] = {}
    for place, cell in enumerate(heading):
        words = heading_words(cell.replace("opt-in", "optin").replace("Opt-in", "optin"))
        kind = next((kind for kind, known in _COLUMNS.items() if words & known), None)
        if kind is not None and place not in phone.phone:
            places.setdefault(kind, place)
    return places


def _cell(record: SpreadsheetRow, place: int | None) -> str:
    return record.cells[place] if place is not None and place < len(record.cells) else ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows of one file are read."""

    phone: Columns
    places: Mapping[str, int]
    defaults: ConsentDefaults
    now: datetime
    zone: tzinfo | None
    month_first: bool

    def row(self, record: SpreadsheetRow) -> ConsentRow:
        row = ConsentRow(line=record.first, last_line=record.last, contact=visible(phone_in(record, self.phone)))
        if record.problem is not None:
            return replace(row, problem=record.problem)
        try:
            return self._read(record, row)
        except Problem as problem:
            return replace(row, problem=problem)

    def _read(self, record: SpreadsheetRow, row: ConsentRow) -> ConsentRow:
        wording_place = self.places.get("wording")
        if record.search_words - {wording_place}:
            raise Problem(ProblemCode.IMPORT_ROW_QUOTES, row=str(record.first))
        contact = parse_phone(row.contact)
        if "answer" in self.places and letters(_cell(record, self.places["answer"])) not in _YES:
            raise Problem(ProblemCode.CONSENT_REFUSED, answer=visible(_cell(record, self.places["answer"])))
        exact = (
            record.exact[wording_place].strip()
            if wording_place is not None and wording_place < len(record.exact)
            else ""
        )
        wording = exact or self.defaults.wording
        version = visible(_cell(record, self.places.get("version"))) or self.defaults.version
        if not wording:
            raise Problem(ProblemCode.CONSENT_WORDING_MISSING)
        if not version:
            raise Problem(ProblemCode.CONSENT_VERSION_MISSING)
        note = visible(_cell(record, self.places.get("note"))) or self.defaults.note
        require_length(wording, version, note)
        return replace(
            row,
            contact=contact,
            purpose=self._purpose(_cell(record, self.places.get("purpose"))),
            wording=wording,
            version=version,
            note=note,
            at=self._at(_cell(record, self.places.get("at"))),
        )

    def _purpose(self, typed: str) -> Purpose:
        purpose = purpose_of(typed) if typed else self.defaults.purpose
        if purpose is None:
            raise Problem(ProblemCode.CONSENT_PURPOSE_UNKNOWN, purpose=visible(typed))
        return purpose

    def _at(self, typed: str) -> datetime | None:
        if not typed:
            return None
        at = parse_date(typed, self.zone, month_first=self.month_first)
        if at is None:
            raise Problem(ProblemCode.CONSENT_DATE_UNREADABLE, date=visible(typed))
        if at > self.now + AHEAD:
            raise Problem(ProblemCode.CONSENT_DATE_FUTURE, date=visible(typed))
        return at if at <= self.now else None  # what has not come yet proves no order: it counts as not said


def _is_month_first(dates: Sequence[str]) -> bool:
    """Whether dates are written as in the United States: some can be read only so, and none only the other way."""
    kinds: Counter[bool] = Counter()
    for typed in dates:
        found = _DATE.fullmatch(typed)
        if found is not None and len(found["one"]) <= 2 and (int(found["one"]) > 12) != (int(found["two"]) > 12):
            kinds[int(found["two"]) > 12] += 1
    return kinds[True] > 0 and kinds[False] == 0


def parse_date(typed: str, zone: tzinfo | None = None, *, month_first: bool = False) -> datetime | None:
    """A date with or without a time, as people and forms write it, in UTC; None for what is none since 2000."""
    found = _DATE.fullmatch(typed.strip())
    if found is None:
        return None
    one, two, three = (found[name] for name in ("one", "two", "three"))
    if len(one) > 2:
        year, month, day = int(one), int(two), int(three)
    else:
        day, month, year = (int(two), int(one), int(three)) if month_first else (int(one), int(two), int(three))
    hour, half = int(found["hour"] or 0), (found["half"] or "")[:1].casefold()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    try:
        local = datetime(
            year + _CENTURY if year < 100 else year,
            month,
            day,
            hour,
            int(found["minute"] or 0),
            int(found["second"] or 0),
            tzinfo=UTC,
        ).replace(tzinfo=None)
        zoned = _zoned(local, found["zone"], zone)
    except (ValueError, OverflowError, OSError):
        return None
    return zoned if zoned.year >= _CENTURY else None


def _zoned(local: datetime, written: str | None, zone: tzinfo | None) -> datetime:
    if written:
        return datetime.fromisoformat(local.isoformat() + written.upper()).astimezone(UTC)
    return (local if zone is None else local.replace(tzinfo=zone)).astimezone(UTC)
