"""From a message that was found one gets to its conversation, and reads on from there."""

from __future__ import annotations

from pathlib import Path

from app.domain.messages import ConversationId
from app.domain.repositories import MessageRepository
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from tests.storage.talk import BIA, BIA_LID, CAIO, GROUP, a_message, add_mentorado, edit, minutes


async def test_what_follows_comes_oldest_first(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history: MessageRepository = SqlMessageRepository(database)
        messages = [a_message(f"M{n}", f"texto {n}", minute=n) for n in range(10)]
        await history.store(ana, [*messages, edit("E1", "M9", "texto 9, corrigido")], minutes(20))
        (talk,) = await history.conversations(ana.id)
        everything = list(reversed(await history.messages(talk.id)))
        third = everything[2].number
        assert await history.messages_after(talk.id, third, limit=3) == everything[3:6]
        assert await history.messages_after(talk.id, third, limit=60) == everything[3:]
        assert await history.messages_after(talk.id, everything[-1].number) == []


async def test_a_conversation_that_was_merged_still_leads_on(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history: MessageRepository = SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "um", BIA), a_message("M2", "dois", BIA_LID)], minutes(1))
        before = [talk.id for talk in await history.conversations(ana.id)]
        await history.store(ana, [a_message("M3", "três", BIA, BIA_LID)], minutes(2))
        for conversation_id in before:
            found = await history.messages_after(conversation_id, 0)
            assert [message.text for message in found] == ["um", "dois", "três"]


async def test_conversations_are_named_as_people_know_them(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history: MessageRepository = SqlMessageRepository(database)
        messages = [
            a_message("M1", "oi", BIA, sender_name="Bia"),
            a_message("M2", "oi", CAIO),
            a_message("M3", "oi", GROUP),
        ]
        await history.store(ana, messages, minutes(1))
        talks = await history.conversations(ana.id)
        found = await history.names([*(talk.id for talk in talks), ConversationId("f" * 32)])
        assert {(name.id, name.mentorado_id, name.title, name.is_group) for name in found.values()} == {
            (talk.id, ana.id, talk.title, talk.is_group) for talk in talks
        }
        assert await history.names([]) == {}
