from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.messages import Address, AddressKind
from app.domain.notes import ERASED, MOST_NOTE, checked_note, without_erased, without_numbers

BIA = Address(AddressKind.PHONE, "+5521987650001")


def test_a_note_keeps_its_lines_and_loses_what_would_steer_the_text() -> None:
    assert checked_note("  Ligar à tarde.\r\nMãe: Rosa\rfim\u202e \n") == "Ligar à tarde.\nMãe: Rosa\nfim"


@pytest.mark.parametrize("typed", ["", " \n\t "])
def test_an_empty_note_is_none(typed: str) -> None:
    with pytest.raises(Problem) as refused:
        checked_note(typed)
    assert refused.value.code is ProblemCode.NOTE_EMPTY


def test_a_note_has_a_length_that_somebody_still_reads() -> None:
    assert len(checked_note("a" * MOST_NOTE)) == MOST_NOTE
    with pytest.raises(Problem) as refused:
        checked_note("a" * (MOST_NOTE + 1))
    assert refused.value.code is ProblemCode.NOTE_TOO_LONG
    assert refused.value.context == {"most": "4000", "length": "4001"}


@pytest.mark.parametrize(
    "written", ["+5521987650001", "+55 (21) 98765-0001", "021 98765.0001", "98765-0001", "8765 0001", "21 8765-0001"]
)
def test_the_number_of_who_is_erased_goes_from_a_note_however_it_is_written(written: str) -> None:
    assert without_numbers(f"Avisar {written}, a irmã", [BIA]) == f"Avisar {ERASED}, a irmã"


def test_other_numbers_and_names_without_digits_stay_in_a_note() -> None:
    lid = Address(AddressKind.LID, "123")
    for text in ("Protocolo 1987650001234", "11 98765-4321", "123"):
        assert without_numbers(text, [BIA, lid]) == text


@pytest.mark.parametrize("written", ["+55 21 98765-0001", "21 98765-0001", "(21) 8765-0001"])
def test_a_whole_number_is_known_again_by_what_is_left_of_it(written: str) -> None:
    def erased(addresses: Iterable[Address]) -> bool:
        return any(address.key == BIA.key for address in addresses)

    assert without_erased(f"Ligar {written}!", erased) == f"Ligar {ERASED}!"
    assert without_erased("Ligar 11 98765-4321!", erased) == "Ligar 11 98765-4321!"
    assert without_erased("Sala 12, às 14:30", lambda _addresses: True) == "Sala 12, às 14:30"
