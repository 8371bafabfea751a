"""Names are bounded, and text of others is read instead of doing something."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Problem, ProblemCode
from app.domain.names import (
    MOST_COHORT,
    MOST_NAME,
    checked_cohort,
    checked_name,
    fold_accents,
    initials,
    shown_name,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ana\x1b[2J\x07", "Ana␛[2J␇"),
        ("Ana\x7f\x9b31m", "Ana␡\ufffd31m"),
        ("fdp\u202eexe", "fdp\ufffdexe"),
        ("\ud83d", "\ufffd"),
        ("João 👩‍👩‍👧 שלום\n\tx", "João 👩‍👩‍👧 שלום\n\tx"),
    ],
)
def test_what_would_steer_a_terminal_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_steers_is_left_whatever_the_text(text: str) -> None:
    left = {each for each in visible(text) if unicodedata.category(each) in {"Cc", "Cs"}} - {"\n", "\t"}
    directions = {
        each for each in visible(text) if unicodedata.bidirectional(each) in {"RLO", "LRO", "RLE", "LRE", "RLI"}
    }
    assert not left
    assert not directions
    assert len(shown_name(text)) <= MOST_NAME


@given(st.text(st.characters()))
def test_a_name_is_kept_as_it_can_be_shown_or_refused(typed: str) -> None:
    try:
        name = checked_name(typed)
    except Problem:
        return
    assert shown_name(name) == name != ""


def test_a_name_has_a_longest_form_and_says_so() -> None:
    assert checked_name("á" * MOST_NAME) == "á" * MOST_NAME
    with pytest.raises(Problem) as caught:
        checked_name("á" * (MOST_NAME + 1))
    assert (caught.value.code, caught.value.context) == (ProblemCode.NAME_TOO_LONG, {"most": "120", "length": "121"})
    with pytest.raises(Problem, match="cohort_too_long"):
        checked_cohort("x" * (MOST_COHORT + 1))
    assert checked_cohort("") == ""


def test_marks_of_direction_that_a_program_added_are_no_part_of_the_name() -> None:
    assert checked_name("\u200eAna\u202c  Prates ") == "Ana Prates"
    with pytest.raises(Problem, match="name_unreadable"):
        checked_name("Ana\x1b[2J")


@pytest.mark.parametrize(
    ("text", "same"), [("João", "joao"), ("JOAO", "joao"), ("Conceição", "conceicao"), ("Straße", "strasse"), ("", "")]
)
def test_accents_and_capitals_make_no_difference_when_names_are_compared(text: str, same: str) -> None:
    assert fold_accents(text) == same


INITIALS = [("Ana", "A"), ("ana maria de sá", "AS"), ("Álvaro Lima", "ÁL"), ("", "")]


@pytest.mark.parametrize(("name", "letters"), INITIALS)
def test_initials_are_of_the_first_and_the_last_name(name: str, letters: str) -> None:
    assert initials(name) == letters
