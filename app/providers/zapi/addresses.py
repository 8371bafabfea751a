"""Who is meant by the names Z-API writes: numbers, hidden ids, groups, broadcast lists, each in several spellings."""

from __future__ import annotations

import re
from typing import Final

from app.domain.messages import Address, AddressKind
from app.domain.phone import is_e164

_GROUP: Final = re.compile(r"(\d{5,30}(?:-\d{5,20})?)(?:-group)?")
_OLD_GROUP: Final = re.compile(r"\d{10,15}-\d{9,12}")  # named by its founder and the time; no number has such a dash
_NEW_GROUP: Final = re.compile(r"120363\d{10,14}")  # longer than any number
_LIST: Final = re.compile(r"(\d{3,30})-broadcast")
_DIGITS: Final = re.compile(r"\d{3,30}")
_BETWEEN_DIGITS: Final = str.maketrans("", "", " -.()\u00a0")
_LONGEST: Final = 100


def address(name: str, *, group: bool = False) -> Address | None:
    """The address called *name*; None for what is none. *group* is what is said beside it."""
    name = name.strip()
    if not name.replace("\u00a0", " ").isascii() or len(name) > _LONGEST:
        return None
    local, at, server = name.partition("@")
    if at:
        return _at(local, server.lower())
    if match := _LIST.fullmatch(name):
        return Address(AddressKind.OTHER, f"{match[1]}@broadcast")
    if group or name.endswith("-group") or _OLD_GROUP.fullmatch(name) or _NEW_GROUP.fullmatch(name):
        match = _GROUP.fullmatch(name)
        return Address(AddressKind.GROUP, match[1]) if match else None
    return _phone(name)


def publishes(name: str) -> bool:
    """Whether *name* is of statuses or a channel, where nobody talks to the mentorado."""
    return name.strip().lower().startswith("status@") or name.strip().lower().endswith("@newsletter")


def _at(local: str, server: str) -> Address | None:
    """An address as WhatsApp writes it, perhaps with the device behind a colon."""
    local = local.partition(":")[0]
    match server:
        case "c.us" | "s.whatsapp.net":
            return _phone(local)
        case "lid":
            return Address(AddressKind.LID, local) if _DIGITS.fullmatch(local) else None
        case "g.us":
            found = _GROUP.fullmatch(local)
            return Address(AddressKind.GROUP, found[1]) if found else None
        case "broadcast":
            return Address(AddressKind.OTHER, f"{local}@broadcast") if _DIGITS.fullmatch(local) else None
        case _:
            return None


def _phone(written: str) -> Address | None:
    """A number with its country in front, with or without a plus, and with whatever stands between its digits."""
    digits = written.translate(_BETWEEN_DIGITS)
    digits = digits.removeprefix("+") if digits.startswith("+") else digits.removeprefix("00")
    number = f"+{digits}"
    return Address(AddressKind.PHONE, number) if is_e164(number) else None
