"""The ledger of consent: what two copies of it come to, whatever is in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.consent import (
    ASKED_FOR,
    ConsentChange,
    ConsentEntry,
    ConsentSource,
    Purpose,
    last_about,
    merging,
    state_for,
)
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from tests.clock import DAWN

BIA = Address(AddressKind.PHONE, "+5521987650001")
CAMPAIGN = Purpose.CAMPAIGN


def entry(change: ConsentChange, minute: int, purpose: Purpose | None = CAMPAIGN, wording: str = "") -> ConsentEntry:
    return ConsentEntry(
        mentorado_id=MentoradoId("a" * 32),
        contact=BIA,
        change=change,
        purpose=None if change in (ConsentChange.OPTED_OUT, ConsentChange.ERASED) else purpose,
        source=ConsentSource.TYPED,
        at=DAWN + timedelta(minutes=minute),
        wording=wording,
    )


GRANTED, REVOKED, OUT, ERASED = (
    entry(each, minute, wording="Aceito") if each is ConsentChange.GRANTED else entry(each, minute)
    for minute, each in enumerate(ConsentChange)
)
entries = st.builds(entry, st.sampled_from(ConsentChange), st.integers(0, 4), st.sampled_from(ASKED_FOR))
ledgers = st.lists(entries, max_size=6)


@given(ledgers, ledgers)
def test_a_restore_grants_nothing_that_was_revoked_in_either_copy_and_doubles_nothing(
    here: list[ConsentEntry], other: list[ConsentEntry]
) -> None:
    made = merging(here, other)
    after = [*here, *made]
    known = {each.identity for each in after}
    assert {each.identity for each in other} <= known
    assert len({each.identity for each in made} - {each.identity for each in here}) == len(made)
    for purpose in ASKED_FOR:
        now = state_for(after, purpose)
        for copy in (here, other):
            last, state = last_about(copy, purpose), state_for(copy, purpose)
            assert state.granted or last is None or not now.granted or not made
            if state.opted_out_at is not None and made:
                assert now.opted_out_at is not None
    assert merging(after, other) == []
    assert merging(after, here) == []


@given(ledgers)
def test_an_empty_ledger_takes_all_of_the_other_and_says_the_same(other: list[ConsentEntry]) -> None:
    other = [each for place, each in enumerate(other) if each not in other[:place]]
    assert list(merging([], other)) == other


def test_an_older_copy_changes_nothing_and_an_opt_out_that_came_since_holds() -> None:
    assert merging([GRANTED, REVOKED], [GRANTED]) == []
    (missing, again) = merging([OUT], [GRANTED])
    assert missing == GRANTED
    assert (again.change, again.purpose, again.at) == (ConsentChange.OPTED_OUT, CAMPAIGN, OUT.at)
    assert again.source is ConsentSource.RESTORE
    (_, again) = merging([ERASED], [GRANTED])
    assert (again.change, again.at) == (ConsentChange.REVOKED, ERASED.at)
    (_, other) = merging([OUT, replace(GRANTED, purpose=Purpose.CONVERSATION)], [GRANTED])
    assert (other.change, other.purpose) == (ConsentChange.OPTED_OUT, CAMPAIGN), "the other purpose stays granted"


def test_an_entry_is_known_again_by_the_hash_of_its_wording() -> None:
    bare = replace(GRANTED, note="evento").without_words()
    assert bare.note == ""
    assert "Aceito" not in bare.wording
    assert bare.identity == GRANTED.identity
    assert bare.without_words() == bare
    assert merging([bare], [GRANTED]) == []
