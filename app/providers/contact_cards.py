"""What a contact card (vCard, RFC 6350 and its predecessors) says of whom it is about."""

from __future__ import annotations

import re
from typing import Final

_MOST: Final = 20
_LONGEST: Final = 60
_CONTINUED: Final = re.compile(r"\r?\n[ \t]")
_ACCOUNT: Final = re.compile(r";waid=(\d{5,20})", re.IGNORECASE)


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
