"""What the contents of messages are made of, whichever provider carries them: lists, lines, and contact cards.

A contact card is a vCard (RFC 6350 and its predecessors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_MOST: Final = 20
_LONGEST: Final = 60
_CONTINUED: Final = re.compile(r"\r?\n[ \t]")
_ACCOUNT: Final = re.compile(r";waid=(\d{5,20})", re.IGNORECASE)


def list_of_dicts(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; whatever else is in it is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def joined(*parts: str, between: str = "\n") -> str:
    """The parts that say something."""
    return between.join(filter(None, parts))


def numbers_on(card: str) -> list[str]:
    """The telephone numbers on *card* as they are written there, or the account's where nothing is written."""
    found: dict[str, None] = {}
    for head, value in _properties(card, "TEL"):
        account = _ACCOUNT.search(head)
        number = value.removeprefix("tel:").strip()[:_LONGEST] or (f"+{account[1]}" if account else "")
        if number and len(found) < _MOST:
            found[number] = None
    return list(found)


def name_on(card: str) -> str:
    """Whose card it is; empty when it does not say."""
    return next((value for _, value in _properties(card, "FN")), "").strip()


def _properties(card: str, wanted: str) -> list[tuple[str, str]]:
    """Head and value of each property called *wanted*, also in a group such as ``item1.``."""
    found = []
    for line in _CONTINUED.sub("", card).splitlines():
        head, colon, value = line.partition(":")
        name = head.partition(";")[0].rpartition(".")[2].strip().upper()
        if colon and name == wanted:
            found.append((head, value))
    return found
