"""The contacts in the ledger of a mentorado, as a list that is filtered while somebody types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QFontMetricsF, QPainter

from app.domain.consent import ConsentEntry, ConsentState, ContactConsents, Purpose, state_for
from app.domain.messages import Address, AddressKind
from app.domain.names import fold_accents
from app.domain.phone import PhoneNumber, readable
from app.text import consent as consent_text
from app.text.status import texts
from app.ui.widgets.tables import SIDE, RowDelegate, RowsModel

_HEIGHT, _ICON, _GAP = 60, 16, 8


class ConsentFilter(StrEnum):
    ALL = "all"
    CONVERSATION = "conversation"
    CAMPAIGN = "campaign"
    OPTED_OUT = "opted_out"
    NONE = "none"  # may not be written to, and did not ask for that


@dataclass(frozen=True, slots=True)
class ContactConsentRow:
    """One contact of the ledger; without an address when they were erased."""

    reference: str
    name: str  # as the history has it
    addresses: tuple[Address, ...]
    entries: Sequence[ConsentEntry]
    states: Mapping[Purpose, ConsentState]
    search_text: str

    @property
    def title(self) -> str:
        return self.name or self.number or texts("consent.erased_contact", reference=self.reference[:8])

    @property
    def number(self) -> str:
        """The best address as people write it."""
        if not self.addresses:
            return ""
        best = self.addresses[0]
        return readable(PhoneNumber(best.value)) if best.kind is AddressKind.PHONE else best.value

    def matches(self, chosen: ConsentFilter) -> bool:
        granted = {purpose.value for purpose, state in self.states.items() if state.granted}
        out = any(state.opted_out_at is not None for state in self.states.values())
        match chosen:
            case ConsentFilter.ALL:
                return True
            case ConsentFilter.OPTED_OUT:
                return out
            case ConsentFilter.NONE:
                return not granted and not out
            case _:
                return chosen.value in granted


def rows_of(contacts: Iterable[ContactConsents], names: Mapping[str, str]) -> list[ContactConsentRow]:
    """A row for each contact, who was recorded last coming first; *names* are by the key of an address."""
    rows = [_row(each, names) for each in contacts]
    rows.reverse()
    return rows


def _row(contact: ContactConsents, names: Mapping[str, str]) -> ContactConsentRow:
    name = next((names[each.key] for each in contact.addresses if each.key in names), "")
    if name in {each.value for each in contact.addresses}:
        name = ""
    digits = " ".join(each.value for each in contact.addresses)
    return ContactConsentRow(
        reference=contact.reference,
        name=name,
        addresses=contact.addresses,
        entries=contact.entries,
        states={purpose: state_for(contact.entries, purpose) for purpose in consent_text.SHOWN},
        search_text=fold_accents(f"{name} {digits} {contact.reference}"),
    )


class ConsentModel(RowsModel[ContactConsentRow]):
    """All rows are kept; those that are shown are found again in one pass."""

    def __init__(self, today: Callable[[], date], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self._all: Sequence[ContactConsentRow] = ()
        self._typed: tuple[str, ...] = ()
        self._filter = ConsentFilter.ALL

    @property
    def total(self) -> int:
        return len(self._all)

    def count(self, chosen: ConsentFilter) -> int:
        return sum(row.matches(chosen) for row in self._all)

    def show_all(self, rows: Sequence[ContactConsentRow]) -> None:
        self._all = rows
        self._find()

    def narrow(self, typed: str, chosen: ConsentFilter) -> None:
        """Show who has every word of *typed*, and is in *chosen*."""
        words = tuple(map(_as_stored, typed.split()))
        if (words, chosen) != (self._typed, self._filter):
            self._typed, self._filter = words, chosen
            self._find()

    def find(self, address: Address) -> ContactConsentRow | None:
        """Who has *address*, shown or not."""
        keys = set(address.keys)
        return next((row for row in self._all if any(keys & set(each.keys) for each in row.addresses)), None)

    def latest_wording(self, purpose: Purpose) -> tuple[str, str]:
        """The text and the version that were agreed to last for *purpose*; empty when nobody did."""
        granted = (e for row in self._all for e in row.entries if e.purpose is purpose and e.wording)
        last = max(granted, key=lambda entry: entry.at, default=None)
        return ("", "") if last is None else (last.wording, last.version)

    def key(self, row: ContactConsentRow) -> str:
        return row.reference

    def title(self, row: ContactConsentRow) -> str:
        return row.title

    def description(self, row: ContactConsentRow) -> str:
        states = (
            texts("consent.row_state", purpose=consent_text.purpose(p), state=consent_text.state(row.entries, p)[0])
            for p in consent_text.SHOWN
        )
        return ", ".join((row.title, row.number, *states))

    def painted(self, row: ContactConsentRow) -> object:
        return row, self._today()

    def _find(self) -> None:
        found = (row for row in self._all if row.matches(self._filter))
        self.show_rows([row for row in found if all(word in row.search_text for word in self._typed)])


def _as_stored(word: str) -> str:
    """A number is found however it is written."""
    digits = "".join(letter for letter in word if letter.isdigit())
    return digits if digits and not any(letter.isalpha() for letter in word) else fold_accents(word)


_RIGHT: Final = 190
"""Pixels for the states, at the usual size of text."""


class ConsentDelegate(RowDelegate):
    """Who it is and what was recorded last; on the right what holds for each purpose, in words beside an icon."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        contact, today = row
        assert isinstance(contact, ContactConsentRow)  # noqa: S101
        colours, side = self._colours, self._theme.px(_ICON)
        middle, step = self.row_height / 2, self._theme.px(10)
        known = {purpose: consent_text.state(contact.entries, purpose) for purpose in consent_text.SHOWN}
        states = [(f"{consent_text.purpose(each)}: {words}", sign, tone) for each, (words, sign, tone) in known.items()]
        if len(set(known.values())) == 1:
            states = list(known.values())[:1]
        metrics = QFontMetricsF(self._small_font)
        room = min(
            max(metrics.horizontalAdvance(words) for words, _, _ in states) + side + _GAP,
            max(self._theme.px(_RIGHT), width * 0.4),
        )
        left = width - SIDE - room
        for place, (words, sign, tone) in enumerate(states):
            at = middle if len(states) == 1 else middle + (step if place else -step)
            colour = colours.badge[tone].fg
            self._sign(painter, sign, colour, side, left, at)
            self._line(painter, words, self._small_font, colours.text, left + side + _GAP, at, room - side - _GAP + 1)
        words_room = left - SIDE - 2 * _GAP
        self._line(painter, contact.title, self._title_font, colours.text, SIDE, middle - step, words_room)
        last = consent_text.origin(contact.entries[-1], today)
        second = f"{contact.number} · {last}" if contact.name else last
        self._line(painter, second, self._tiny_font, colours.text2, SIDE, middle + step, words_room)
