"""Finding somebody by whatever staff type."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.names import fold_accents
from app.ui.mentorado_list.query import Query, search_text
from tests.ui.window_harness import person

ANA = search_text(replace(person(1), name="João Pedro d'Ávila", cohort="Turma Ênfase 12"))


@pytest.mark.parametrize(
    "typed",
    ["", " ", "joao", "JOÃO", "pedro joao", "d'avila", "ávila", "enfase", "turma 12", "9000", "90000-0001", "(21) 9",
     "+55 21 90000-0001", "21900000001"],
)  # fmt: skip
def test_found(typed: str) -> None:
    assert Query.parse(typed).matches(ANA)


@pytest.mark.parametrize("typed", ["joana", "joao maria", "90000-0002", "turma 13", "+1 202", "zzz"])
def test_not_found(typed: str) -> None:
    assert not Query.parse(typed).matches(ANA)


def test_folding_takes_accents_and_capitals_away() -> None:
    assert fold_accents("JOÃO Conceição Straße") == "joao conceicao strasse"


TYPED = st.text(alphabet="aãbj 019-+", max_size=8)


@given(before=TYPED, after=TYPED, name=st.text(alphabet="aãbj ", max_size=10), number=st.integers(0, 999))
def test_whoever_a_narrower_query_finds_the_wider_one_found_too(
    before: str, after: str, name: str, number: int
) -> None:
    hay = search_text(replace(person(number), name=name))
    wide, narrow = Query.parse(before), Query.parse(after)
    if narrow.narrows(wide) and narrow.matches(hay):
        assert wide.matches(hay)


def test_typing_on_narrows() -> None:
    steps = ["j", "jo", "joao", "joao p"]
    assert all(Query.parse(b).narrows(Query.parse(a)) for a, b in itertools.pairwise(steps))
    assert not Query.parse("12a").narrows(Query.parse("12"))  # a number became a word
    assert not Query.parse("jo").narrows(Query.parse("joao"))
