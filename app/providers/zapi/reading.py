"""How Z-API's JSON is read: texts, times, and the few errors that mean something."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final

from app.domain.connection import Reason

_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_LONG: Final = re.compile(r"[A-Za-z0-9_-]{16,}|\d{8,}")  # tokens, ids, numbers: nothing that a detail may repeat

_CLIENT_TOKEN: Final = re.compile(r"(?:your )?client[- _]?token\b(.*)\bnot allowed", re.IGNORECASE)
_QUOTES: Final = " '\"`[](){}:"
_NO_TOKEN: Final = ("", "null", "undefined")


def denial(text: str) -> Reason | None:
    """Why Z-API lets nobody in who hears *text*; None for any other text. Compared by parts: wordings vary."""
    low = " ".join(text.lower().split()).rstrip(".!")
    if re.search(r"client[- _]?token\b.*not configured", low):
        return Reason.CLIENT_TOKEN_MISSING
    if match := _CLIENT_TOKEN.fullmatch(low):
        return Reason.CLIENT_TOKEN_MISSING if match[1].strip(_QUOTES) in _NO_TOKEN else Reason.CLIENT_TOKEN_INVALID
    if low.strip(_QUOTES) == "null not allowed":
        return Reason.CLIENT_TOKEN_MISSING
    if "must subscribe" in low:
        return Reason.BILLING
    if low == "instance not found":
        return Reason.TOKEN_INVALID
    who, _, rest = low.rpartition(" not allowed")
    if rest or not who:
        return None
    if who == "[ip request]" or any(_is_address(word.strip("[]()'\"")) for word in who.split()):
        return Reason.ADDRESS_NOT_ALLOWED
    return Reason.TOKEN_INVALID if " " not in who and who != "method" else None


def plain(text: str) -> str:
    """*text* as a detail may repeat it: short, on one line, without what could be a token or a number."""
    visible = "".join(character if character.isprintable() else " " for character in text[:1000])
    visible = _CLIENT_TOKEN.sub("Client-Token … not allowed", visible)
    return _LONG.sub("…", " ".join(visible.split()))[:120]


def moment(value: object) -> datetime | None:
    """A time in seconds or in milliseconds, which the documentation both has, also as a text; or as ISO 8601."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            return _written(value)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        return None
    return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)


def _written(text: str) -> datetime | None:
    """A date with its time, and UTC where no zone is told."""
    try:
        parsed = datetime.fromisoformat(text) if "T" in text or " " in text else None
        return None if parsed is None else parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_in(value: object) -> str:
    """*value* if it is a text, in characters that can be stored; JSON may smuggle in halves of them."""
    return value.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(value, str) else ""


def name_in(value: object) -> str:
    """The name of somebody or of a conversation; a number may come without its quotes."""
    return str(value) if type(value) is int and 0 < value < 10**30 else text_in(value)


def id_in(value: object) -> str:
    """*value* if it can be an id of Z-API's, else nothing."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def flag(value: object) -> bool | None:
    """A boolean, or the text of one. What is missing is no; None is nonsense."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def json_in(body: bytes) -> Any:
    """What *body* says as JSON, None when it is none; it may be deeper than anybody can follow."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
