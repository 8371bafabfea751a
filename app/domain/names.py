"""Names of people and cohorts: what may be one, and how text that others wrote is shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from app.domain.errors import Problem, ProblemCode

MOST_NAME: Final = 120
"""Characters of a mentorado's or a contact's name; no register of births knows one half as long."""

MOST_COHORT: Final = 60

_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What steers a terminal or turns the order of letters around: control characters, marks and overrides of direction,
halves of characters. Line feed and tabulator are not among it.
"""

_DIRECTION: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """*text* with a sign in the place of each character that would do something instead of being read."""
    return _STEERING.sub(_visible_sign, text)


def without_steering(text: str) -> str:
    """*text* of several lines as it can be shown and kept: marks of direction go, other such characters get a sign."""
    return visible(_DIRECTION.sub("", text))


def shown_name(stored: str) -> str:
    """A name from elsewhere (an earlier version, an archive, a provider's profile) as it can be shown and kept."""
    name = " ".join(visible(stored).split())
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1].rstrip()}…"


def checked_name(typed: str) -> str:
    """*typed* as a name is stored. Raises `Problem`: nothing is left of it, it is too long, it cannot be read."""
    name = _checked(typed, MOST_NAME, ProblemCode.NAME_TOO_LONG)
    if not name:
        raise Problem(ProblemCode.NAME_MISSING)
    return name


def checked_cohort(typed: str) -> str:
    """*typed* as a cohort is stored; it may be empty. Raises `Problem` as `checked_name` does."""
    return _checked(typed, MOST_COHORT, ProblemCode.COHORT_TOO_LONG)


def _checked(typed: str, most: int, too_long: ProblemCode) -> str:
    text = " ".join(_DIRECTION.sub("", typed).split())  # programs that export contacts add marks of direction
    if len(text) > most:
        raise Problem(too_long, most=str(most), length=str(len(text)))
    if _STEERING.search(text):
        raise Problem(ProblemCode.NAME_UNREADABLE, typed=visible(text))
    return text


def _visible_sign(found: re.Match[str]) -> str:
    place = ord(found[0])
    return chr(0x2400 + place) if place < 0x20 else "\u2421" if place == 0x7F else "\N{REPLACEMENT CHARACTER}"


def fold_accents(text: str) -> str:
    """*text* in small letters without accents, for comparing and sorting: "João" and "joao" become the same."""
    if text.isascii():
        return text.casefold()
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def initials(name: str) -> str:
    """The first letters of the first and the last word of *name*, in capitals."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()
