"""A wish told to the provider: what it adds to the ledger of consent."""

from __future__ import annotations

from datetime import timedelta

from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind, WirePreference
from app.domain.opt_out import preference_entries
from tests.clock import DAWN

ANA = MentoradoId("a" * 32)
BIA = Address(AddressKind.PHONE, "+5521987650001")


def line(
    change: ConsentChange,
    minute: int,
    source: ConsentSource = ConsentSource.PROVIDER,
    *,
    purpose: Purpose | None = None,
    wording: str = "",
) -> ConsentEntry:
    return ConsentEntry(
        mentorado_id=ANA,
        contact=BIA,
        change=change,
        purpose=purpose,
        source=source,
        at=DAWN + timedelta(minutes=minute),
        wording=wording,
    )


GRANTED = line(ConsentChange.GRANTED, 0, ConsentSource.TYPED, purpose=Purpose.CAMPAIGN, wording="Aceito")


def added(stopped: bool, minute: int, *ledger: ConsentEntry) -> list[tuple[ConsentChange, Purpose | None, str]]:
    preference = WirePreference(who=(BIA,), stopped=stopped, at=DAWN + timedelta(minutes=minute))
    entries = preference_entries(ANA, preference, BIA, ledger)
    assert all((each.source, each.at) == (ConsentSource.PROVIDER, preference.at) for each in entries)
    return [(each.change, each.purpose, each.wording) for each in entries]


def test_a_stop_is_an_opt_out_once() -> None:
    out = (ConsentChange.OPTED_OUT, None, "")
    stopped = line(ConsentChange.OPTED_OUT, 1)
    assert added(True, 1, GRANTED) == [out]
    assert added(True, 1, GRANTED, stopped) == []
    assert added(True, 2, GRANTED, stopped) == [out]


def test_a_stop_that_is_told_late_is_nothing_once_its_end_is_known() -> None:
    given_back = line(ConsentChange.GRANTED, 2, purpose=Purpose.CAMPAIGN, wording="Aceito")
    assert added(True, 1, GRANTED, line(ConsentChange.OPTED_OUT, 0), given_back) == []


def test_the_end_of_a_stop_gives_back_what_they_had_agreed_to_and_no_more() -> None:
    back = (ConsentChange.GRANTED, Purpose.CAMPAIGN, "Aceito")
    stopped = [line(ConsentChange.OPTED_OUT, minute) for minute in (1, 2)]
    assert added(False, 3, GRANTED, *stopped) == [back]
    assert added(False, 3, *stopped) == [], "they had agreed to nothing"
    assert added(False, 3, GRANTED) == [], "nothing was stopped"
    assert added(False, 1, GRANTED, *stopped) == [], "it is older than the last stop"


def test_the_end_of_a_stop_takes_back_no_opt_out_that_came_in_another_way() -> None:
    typed = line(ConsentChange.OPTED_OUT, 1, ConsentSource.TYPED)
    assert added(False, 3, GRANTED, typed) == []
    assert added(False, 3, GRANTED, typed, line(ConsentChange.OPTED_OUT, 2)) == []
