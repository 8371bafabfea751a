"""A message that a person writes to one contact, in the conversation with them."""

from __future__ import annotations

from app.core.mentorado_service import MentoradoService
from app.core.outbound.service import OutboundService
from app.domain.consent import Purpose
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import Address, ConversationId
from app.domain.outbound import Hold, HoldReason, OutboundMessage, OutboundStop
from app.domain.repositories import MessageRepository
from app.domain.sending import OutgoingMessage


class ReplyService:
    """Sends to the contact of a conversation, through the outbound service."""

    def __init__(self, *, mentorados: MentoradoService, history: MessageRepository, outbound: OutboundService) -> None:
        self._mentorados = mentorados
        self._history = history
        self._outbound = outbound

    async def check(self, conversation_id: ConversationId) -> Hold | None:
        """Why a reply would be held back now. Raises `Problem`."""
        found = await self._recipient(conversation_id)
        if isinstance(found, Hold):
            return found
        mentorado_id, to = found
        return await self._outbound.check(mentorado_id, OutgoingMessage(to=to), Purpose.CONVERSATION)

    async def send(self, conversation_id: ConversationId, text: str) -> OutboundMessage | Hold:
        """Send *text*, after waiting for its turn, or say what holds it back. Raises `Problem`."""
        found = await self._recipient(conversation_id)
        if isinstance(found, Hold):
            return found
        mentorado_id, to = found
        return await self._outbound.send(mentorado_id, OutgoingMessage(to=to, text=text), Purpose.CONVERSATION)

    async def stopped(self, conversation_id: ConversationId) -> tuple[Mentorado, OutboundStop] | None:
        """The stop of the conversation's number, if there is one."""
        found = await self._history.correspondent(conversation_id)
        stop = None if found is None else self._outbound.stopped(found.mentorado_id)
        return None if found is None or stop is None else (self._mentorados.get(found.mentorado_id), stop)

    async def release(self, conversation_id: ConversationId) -> None:
        """Release the stop of the conversation's number."""
        if (found := await self.stopped(conversation_id)) is not None:
            await self._outbound.release(found[0].id)

    async def _recipient(self, conversation_id: ConversationId) -> tuple[MentoradoId, Address] | Hold:
        found = await self._history.correspondent(conversation_id)
        if found is None or found.is_group:
            return Hold(HoldReason.NOT_A_PERSON)
        provider = self._mentorados.get(found.mentorado_id).link.provider
        if not self._outbound.can_send(provider):
            return Hold(HoldReason.CANNOT_SEND)
        for kind in self._outbound.reaches(provider):
            for address in found.addresses:
                if address.kind is kind:
                    return found.mentorado_id, address
        return Hold(HoldReason.NO_ADDRESS)
