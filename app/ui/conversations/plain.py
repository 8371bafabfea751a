"""Makes strangers' text safe to show: what is read is what was sent, in the order it was sent. Qt-free."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the order of what follows around: "fdp.exe" reads as a document then."""
_UNSEEN = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0")
_JOINERS = frozenset("\u200c\u200d")
_BREAKS = str.maketrans({"\r": "\n", "\u0085": "\n", "\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
_HARMLESS = re.compile("[\n -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*")
"""Letters of Latin languages and their punctuation: most of what is written."""
_MARKS_PER_LETTER = 4
"""Every language makes do with fewer; more of them climb over the lines above."""
_FLAG, _FLAG_TAGS = "\U0001f3f4", range(0xE0020, 0xE0080)


def harmless(text: str) -> str:
    """*text* without what is not seen and changes how the rest is read; line ends become ``\\n``."""
    if _HARMLESS.fullmatch(text):
        return text
    text = text.replace("\r\n", "\n").translate(_BREAKS)
    kept: list[str] = []
    marks = 0
    for place, sign in enumerate(text):
        category = unicodedata.category(sign)
        marks = marks + 1 if category[0] == "M" else 0
        if marks > _MARKS_PER_LETTER or sign in _BIDI or sign in _UNSEEN:
            continue
        if sign in _JOINERS and not _joins(text, place):
            continue
        if ord(sign) in _FLAG_TAGS or ord(sign) == _FLAG_TAGS.stop - 1:
            if _FLAG not in text[max(0, place - 7) : place]:
                continue
        elif category in {"Cc", "Cs", "Cn", "Co"} and sign not in "\n\t":
            sign = "\ufffd"  # noqa: PLW2901 - a sign that stands for one that has no shape
        kept.append(sign)
    return "".join(kept)


def one_line(text: str) -> str:
    """The same, for places with room for one line."""
    return " ".join(harmless(text).split())


def clipped(text: str, letters: int, lines: int) -> str:
    """The beginning of *text*, ended by ``…`` when there is more."""
    short = text[:letters]
    ends = [place for place, sign in enumerate(short) if sign == "\n"]
    if len(ends) >= lines:
        short = short[: ends[lines - 1]]
    return text if len(short) == len(text) else short.rstrip() + "…"


def counted(signs: tuple[str, ...]) -> list[tuple[str, int]]:
    """Each reaction once, and how often it was given, the most frequent first."""
    short = sorted(one_line(sign)[:12] for sign in signs)
    found = [(sign, len(list(same))) for sign, same in groupby(short) if sign]
    return sorted(found, key=lambda each: -each[1])


def _joins(text: str, place: int) -> bool:
    """Whether a joiner has something to join: emoji, or letters of a script that needs it."""
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return len(around) == 2 and all(ord(sign) > 0x2FF for sign in around)
