"""Asks the history for a conversation piece by piece, oldest first, in the pieces a person scrolls by. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.messages import ConversationId, StoredMessage
from app.domain.ports import History

PIECE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Neighbouring messages, oldest first; *first* and *last* when nothing is kept before or after them."""

    messages: Sequence[StoredMessage]
    first: bool = False
    last: bool = False


async def newest(history: History, conversation_id: ConversationId) -> Piece:
    found = await history.messages(conversation_id, limit=PIECE)
    return Piece(messages=found[::-1], first=len(found) < PIECE, last=True)


async def oldest(history: History, conversation_id: ConversationId) -> Piece:
    found = await history.messages_after(conversation_id, 0, limit=PIECE)
    return Piece(messages=found, first=True, last=len(found) < PIECE)


async def around(history: History, conversation_id: ConversationId, number: int) -> Piece:
    """The message with *number* in the middle, or where it was."""
    before = await history.messages(conversation_id, before=number + 1, limit=PIECE)
    after = await history.messages_after(conversation_id, number, limit=PIECE)
    return Piece(messages=[*before[::-1], *after], first=len(before) < PIECE, last=len(after) < PIECE)


async def older(history: History, conversation_id: ConversationId, number: int) -> Piece:
    """What stands before *number*."""
    found = await history.messages(conversation_id, before=number, limit=PIECE)
    return Piece(messages=found[::-1], first=len(found) < PIECE)


async def newer(history: History, conversation_id: ConversationId, number: int) -> Piece:
    """What stands after *number*."""
    found = await history.messages_after(conversation_id, number, limit=PIECE)
    return Piece(messages=found, last=len(found) < PIECE)


async def again(history: History, conversation_id: ConversationId, first: int, last: int) -> Sequence[StoredMessage]:
    """The messages from *first* to *last* as they are now."""
    found: list[StoredMessage] = []
    after = first - 1
    while True:
        piece = await history.messages_after(conversation_id, after, limit=4 * PIECE)
        found.extend(message for message in piece if message.number <= last)
        if len(piece) < 4 * PIECE or piece[-1].number >= last:
            return found
        after = piece[-1].number
