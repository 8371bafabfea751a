"""Hands a message to an open line, and reads what became of it out of the library's words (whatsmeow, `send.go`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from app.domain.errors import Code, Problem
from app.domain.mentorado import LinkId
from app.domain.messages import AddressKind
from app.domain.phone import PhoneNumber
from app.domain.sending import Accepted, NotSent, Outgoing, SendResult, SendTrouble, Uncertain
from app.providers.whatsapp_web.line import HostLine

_SERVER_SAID: Final = re.compile(r"server returned error (\d+)")
_BY_CODE: Final = MappingProxyType(
    {
        "429": SendTrouble.RATE_GLOBAL,
        "463": SendTrouble.POLICY_BLOCK,  # this account may not write to whom it does not know; again makes it worse
    }
)
_BEFORE_IT_LEFT: Final = (
    "the session is not open",
    "websocket not connected",
    "the store doesn't contain a device JID",
)
_BUSY: Final = "this host is busy"


class OpenLines:
    """The lines that are open now, by their links."""

    def __init__(self) -> None:
        self._lines: dict[LinkId, HostLine] = {}

    @contextmanager
    def holding(self, link_id: LinkId, line: HostLine) -> Iterator[None]:
        """*line* can be sent over inside."""
        self._lines[link_id] = line
        try:
            yield
        finally:
            if self._lines.get(link_id) is line:
                del self._lines[link_id]

    async def pairing_code(self, link_id: LinkId, phone: PhoneNumber) -> str:
        """A code to type instead of scanning. Raises `Problem`, also where no line is open that shows one."""
        line = self._lines.get(link_id)
        if line is None:
            raise Problem(Code.NOT_POSSIBLE_NOW, why="no code is shown")
        return await line.pairing_code(phone)

    async def send(self, link_id: LinkId, message: Outgoing) -> SendResult:
        """Returns once the server took it, or did not. What ends in silence is `Uncertain`."""
        line = self._lines.get(link_id)
        if message.template is not None or not message.text:
            return NotSent(trouble=SendTrouble.REQUEST, detail="only texts can be sent")
        if message.to.kind is not AddressKind.PHONE:
            return NotSent(trouble=SendTrouble.RECIPIENT_INVALID)
        if line is None:
            return NotSent(trouble=SendTrouble.NOT_CONNECTED)
        try:
            sent = await line.send_text(PhoneNumber(message.to.value), message.text)
        except Problem as problem:
            return _unsent(problem)
        return Accepted(provider_id=sent.message_id, to=message.to)


def _unsent(problem: Problem) -> SendResult:
    """Whoever does not say that it did not leave may have sent it."""
    why = problem.context.get("why", "")
    if problem.code is not Code.REQUEST_REFUSED:
        return Uncertain(detail=str(problem.code))
    if said := _SERVER_SAID.search(why):
        return NotSent(trouble=_BY_CODE.get(said[1], SendTrouble.UNKNOWN), code=said[1], detail=why)
    if any(words in why for words in _BEFORE_IT_LEFT):
        return NotSent(trouble=SendTrouble.NOT_CONNECTED, detail=why)
    if _BUSY in why:
        return NotSent(trouble=SendTrouble.TRANSIENT, detail=why)
    return Uncertain(detail=why)
