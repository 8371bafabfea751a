"""Where in a text the words are that were searched for, found as the index does: accents and case aside. Qt-free."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]

_WORD = re.compile(r"[^\W_]+")
_LEAD = 28
"""So many letters stand before the first word that was found, where the text is cut."""


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A search text: whole words, and a last one that may be unfinished."""

    words: frozenset[str]
    beginning: str = ""

    def matches(self, word: str) -> bool:
        return word in self.words or bool(self.beginning and word.startswith(self.beginning))


@lru_cache(maxsize=32)
def parse_query(typed: str) -> ParsedQuery:
    """Read *typed* as the search does: a space after the last word ends it."""
    words = [fold(match[0]) for match in _WORD.finditer(typed)]
    if words and not typed[-1:].isspace():
        return ParsedQuery(frozenset(words[:-1]), words[-1])
    return ParsedQuery(frozenset(words))


def fold(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign)).casefold()


def spans(text: str, typed: str) -> list[Span]:
    """The start and end of each matching word."""
    asked = parse_query(typed)
    if not asked.words and not asked.beginning:
        return []
    joined = unicodedata.normalize("NFC", text)
    if joined != text:  # a letter and its accent apart: places must be those of *text*
        return [match for match in _find_words(text) if asked.matches(fold(text[match[0] : match[1]]))]
    return [match.span() for match in _WORD.finditer(text) if asked.matches(fold(match[0]))]


def excerpt(text: str, typed: str, letters: int) -> str:
    """So much of *text* that the first word that was found is in it."""
    found = spans(text, typed)
    start = max(0, found[0][0] - _LEAD) if found else 0
    if start:
        space = text.find(" ", start, found[0][0])
        start = start if space < 0 else space + 1
    short = text[start : start + letters]
    return ("…" if start else "") + short.rstrip() + ("…" if start + letters < len(text) else "")


def _find_words(text: str) -> list[Span]:
    """Words, their accents being signs of their own."""
    found: list[Span] = []
    start: int | None = None
    for place, sign in enumerate(text):
        within = sign.isalnum() or (start is not None and unicodedata.combining(sign) > 0)
        if within and start is None:
            start = place
        elif not within and start is not None:
            found.append((start, place))
            start = None
    return found if start is None else [*found, (start, len(text))]
