"""What the library's words say of a message that it could not send (whatsmeow, `send.go`)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from app.domain.sending import NotSent, SendTrouble

_SERVER_SAID: Final = re.compile(r"server returned error (\d+)")
_BY_CODE: Final = MappingProxyType(
    {
        "429": SendTrouble.RATE_GLOBAL,
        "463": SendTrouble.POLICY_BLOCK,  # this account may not write to whom it does not know; again makes it worse
    }
)
_NOT_ON_WHATSAPP: Final = re.compile(r"no LID found for \S+ from server")
_BEFORE_IT_LEFT: Final = (
    "the session is not open",
    "websocket not connected",
    "the store doesn't contain a device JID",
)
_BUSY: Final = "this host is busy"


def refusal(why: str) -> NotSent | None:
    """Why a message was certainly not sent; None when it may have left."""
    if said := _SERVER_SAID.search(why):
        return NotSent(trouble=_BY_CODE.get(said[1], SendTrouble.UNKNOWN), code=said[1], detail=why)
    if _NOT_ON_WHATSAPP.search(why):  # the server knows no account of that number; the message names it
        return NotSent(trouble=SendTrouble.RECIPIENT_INVALID, detail="the number is not on WhatsApp")
    if any(words in why for words in _BEFORE_IT_LEFT):
        return NotSent(trouble=SendTrouble.NOT_CONNECTED, detail=why)
    return NotSent(trouble=SendTrouble.TRANSIENT, detail=why) if _BUSY in why else None
