"""What strangers write is shown as what it is, whatever is hidden in it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.conversation import (
    clipped,
    one_line,
    reactions,
    sanitize,
)
from app.ui.conversations.highlight import excerpt, spans


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Olá, tudo bem?", "Olá, tudo bem?"),
        ("documento\u202efdp.exe", "documentofdp.exe"),
        ("se\u200bnha\ufeff", "senha"),
        ("um\r\ndois\u2028três\vquatro", "um\ndois\ntrês\nquatro"),
        ("família 👩\u200d👩\u200d👧", "família 👩\u200d👩\u200d👧"),
        ("a\u200db", "ab"),
        ("\x00\x07", "\ufffd\ufffd"),
        ("\ud800", "\ufffd"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>x</b>", "<b>x</b>"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", None),
        ("x\U000e0067", "x"),
    ],
)
def test_what_is_not_seen_goes(sent: str, shown: str | None) -> None:
    assert sanitize(sent) == (sent if shown is None else shown)


def test_no_letter_climbs_over_its_neighbours() -> None:
    shown = sanitize("Z" + "\u0351" * 50 + "algo")
    assert sum(unicodedata.combining(sign) > 0 for sign in shown) == 4
    assert shown.endswith("algo")


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_whatever_is_sent_can_be_shown(sent: str) -> None:
    shown = sanitize(sent)
    assert sanitize(shown) == shown
    shown.encode("utf-8")
    assert not {unicodedata.bidirectional(sign) for sign in shown} & {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI"}
    assert "\n" not in one_line(sent)


def test_long_texts_end_with_a_sign_that_there_is_more() -> None:
    assert clipped("abc", 3, 9) == "abc"
    assert clipped("abcd", 3, 9) == "abc…"
    assert clipped("a\nb\nc", 99, 2) == "a\nb…"
    assert clipped("a\nb", 99, 2) == "a\nb"


def test_reactions_are_counted_the_most_frequent_first() -> None:
    assert reactions(("👍", "❤", "👍")) == ["👍 2", "❤"]
    assert reactions(("", "\u202e")) == []


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("A mentoria começa já", "MENTORIA comeca", ["mentoria", "começa"]),
        ("ação e AÇÕES", "acao", ["ação"]),
        ("ação e AÇÕES", "aco", ["AÇÕES"]),
        ("João, joão e Joana", "joao ", ["João", "joão"]),
        ("João, joão e Joana", "joa", ["João", "joão", "Joana"]),
        ("pa\u0301 de pa", "pá ", ["pa\u0301", "pa"]),
        ("nada aqui", "*", []),
        ("nada aqui", "", []),
    ],
)
def test_words_are_found_as_the_search_finds_them(text: str, typed: str, marked: list[str]) -> None:
    assert [text[start:stop] for start, stop in spans(text, typed)] == marked


def test_an_excerpt_begins_shortly_before_the_word() -> None:
    text = "palavra " * 40 + "mentoria " + "palavra " * 40
    shown = excerpt(text, "mentoria", 100)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "mentoria" in shown[:50]
    assert excerpt("mentoria", "mentoria", 100) == "mentoria"
