"""WhatsApp's addresses (JIDs, whatsmeow's types/jid.go) in the domain's words."""

from __future__ import annotations

from typing import Any, Final

from app.domain.messages import Address, AddressKind
from app.domain.phone import is_e164

_PEOPLE: Final = frozenset({"s.whatsapp.net", "c.us", "hosted"})
_HIDDEN: Final = frozenset({"lid", "hosted.lid"})
STATUS: Final = "status@broadcast"


def jid_text(jid: Any) -> str:
    """A JID without its device, as whatsmeow writes it."""
    return f"{jid.User}@{jid.Server}" if jid.User else str(jid.Server)


def address_of(jid: Any) -> Address | None:
    """Who *jid* is; None when it is empty."""
    return address(jid.User, jid.Server)


def address(user: str, server: str) -> Address | None:
    if not user:
        return None
    user = user.partition(":")[0].partition(".")[0]  # without the device
    if server in _PEOPLE and is_e164(f"+{user}"):
        return Address(AddressKind.PHONE, f"+{user}")
    if server in _HIDDEN:
        return Address(AddressKind.LID, user)
    if server == "g.us":
        return Address(AddressKind.GROUP, user)
    return Address(AddressKind.OTHER, f"{user}@{server}")


def named(*jids: Any) -> tuple[Address, ...]:
    """Everything one of them is called, each name once."""
    found = (address_of(jid) for jid in jids)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def is_publication(jid: Any) -> bool:
    """Whether nobody talks to the mentorado there: status updates and channels are read by whoever likes to. They are
    not conversations, there can be hundreds a day, and their authors never wrote to us: they are not kept."""
    return bool(jid.Server == "newsletter" or jid_text(jid) == STATUS)
