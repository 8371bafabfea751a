"""Reads values out of JSON that nobody vouches for: what is not as it should be is absent, never an error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from app.domain.phone import PhoneNumber, is_e164

LONGEST_DETAIL: Final = 200
"""Characters of a provider's own words that are kept for the details line."""

_MILLISECONDS: Final = 10**11
"""As seconds this is the year 5138: a time that large was told in a smaller unit."""

_SHOWN_NUMBER = re.compile(r"\+?[\d ().-]+")
_NOTHING: Final[Mapping[str, Any]] = {}


def document(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that *body* is, or None."""
    try:
        return mapping_or_none(json.loads(body))
    except (ValueError, RecursionError):  # no JSON, no text, or brackets without end
        return None


def mapping_or_none(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def mappings(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; whatever else is in it is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text that every database takes: half a surrogate pair cannot be stored."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def code_word(value: object) -> str:
    """One of the API's upper-case words, or an empty text."""
    return text(value).strip().upper()


def number(value: object) -> int | None:
    """A whole number, also where it came as a text of digits; a boolean is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: object) -> datetime | None:
    """A time that came as seconds, milliseconds or microseconds since 1970, or as ISO 8601."""
    seconds = int(value) if isinstance(value, float) and isfinite(value) else number(value)
    try:
        if seconds is not None:
            for _ in range(3):  # milliseconds, microseconds, nanoseconds: anything larger is nonsense
                seconds = seconds // 1000 if abs(seconds) >= _MILLISECONDS else seconds
            return datetime.fromtimestamp(seconds, UTC)
        parsed = datetime.fromisoformat(text(value))
    except (ValueError, OverflowError, OSError):
        return None
    try:
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return None


def phone(value: object) -> PhoneNumber | None:
    """A number with its country code, however it is spaced, with or without the plus."""
    shown = text(value).strip()
    if not _SHOWN_NUMBER.fullmatch(shown):
        return None
    digits = "+" + re.sub(r"\D", "", shown)
    return PhoneNumber(digits) if is_e164(digits) else None


def shortened(words: str) -> str:
    """*words* on one line, no longer than the details line has room for."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"
