"""Hands a message to an open line, and tells what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import Code, Problem
from app.domain.mentorado import LinkId
from app.domain.messages import AddressKind
from app.domain.phone import PhoneNumber
from app.domain.sending import Accepted, NotSent, Outgoing, SendResult, SendTrouble, Uncertain
from app.providers.whatsapp_web.line import HostLine
from app.providers.whatsapp_web.send_errors import refusal


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
    return refusal(why) or Uncertain(detail=why)
