"""Every message of every link, on disk. The work is done in the `history_*` modules beside this one.

They bring SQLAlchemy along, which only the worker thread may load, so they are imported when there is work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.messages import (
    Address,
    ContactId,
    Conversation,
    ConversationId,
    ConversationName,
    HistoryExtent,
    StoredMessage,
    WireFact,
)
from app.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SLICE = 5_000
"""So many messages are indexed, exported or forgotten at a time: other work waits for tens of milliseconds at most."""


class SqlHistory:
    """Implements `app.domain.ports.History`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, enrolment: Enrolment, facts: Sequence[WireFact], at: datetime) -> Sequence[ConversationId]:
        def work(connection: Connection) -> Sequence[ConversationId]:
            from app.storage.history_writing import store

            return store(connection, enrolment, facts, at)

        return await self._database.run(work)

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        def work(connection: Connection) -> Sequence[Conversation]:
            from app.storage.history_reading import conversations

            return conversations(connection, mentorado_id)

        return await self._database.read(work)

    async def messages(
        self, conversation_id: ConversationId, *, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history_reading import messages

            return messages(connection, conversation_id, before, limit)

        return await self._database.read(work)

    async def messages_after(
        self, conversation_id: ConversationId, number: int, *, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history_places import messages_after

            return messages_after(connection, conversation_id, number, limit)

        return await self._database.read(work)

    async def names(self, conversation_ids: Collection[ConversationId]) -> Mapping[ConversationId, ConversationName]:
        def work(connection: Connection) -> Mapping[ConversationId, ConversationName]:
            from app.storage.history_places import names

            return names(connection, conversation_ids)

        return await self._database.read(work)

    async def search(
        self, text: str, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history_search import search

            return search(connection, text, mentorado_id, before, limit)

        await self.catch_up()
        return await self._database.read(work)

    async def extent(self, mentorado_id: MentoradoId) -> HistoryExtent:
        def work(connection: Connection) -> HistoryExtent:
            from app.storage.history_reading import extent

            return extent(connection, mentorado_id)

        return await self._database.read(work)

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history_reading import contacts

            return contacts(connection, mentorado_id)

        return await self._database.read(work)

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        def work(connection: Connection) -> ContactId | None:
            from app.storage.history_contacts import find

            return find(connection, mentorado_id, address)

        return await self._database.read(work)

    async def export(
        self, mentorado_id: MentoradoId, *, contact_id: ContactId | None = None
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        after = 0
        while True:

            def work(connection: Connection, after: int = after) -> Sequence[StoredMessage]:
                from app.storage.history_reading import export

                return export(connection, mentorado_id, contact_id, after, _SLICE // 5)

            batch = await self._database.read(work)
            if not batch:
                return
            yield batch
            after = batch[-1].number

    async def erase(self, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history_erasure import erase

            return erase(connection, mentorado_id, contact_id, at)

        return await self._database.run(work, count=lambda messages: messages)

    async def addresses(self, mentorado_id: MentoradoId, contact_id: ContactId) -> Sequence[Address]:
        def work(connection: Connection) -> Sequence[Address]:
            from app.storage.history_erasure import addresses

            return addresses(connection, mentorado_id, contact_id)

        return await self._database.read(work)

    async def was_erased(self, mentorado_id: MentoradoId, address: Address) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history_erasure import was_erased

            return was_erased(connection, mentorado_id, address)

        return await self._database.read(work)

    async def traces_left(self) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history_erasure import traces_left

            return traces_left(connection)

        return await self._database.read(work)

    async def overwrite(self) -> None:
        def work(connection: Connection) -> None:
            from app.storage.history_erasure import no_traces_left

            no_traces_left(connection)

        await self._database.rewrite()
        await self._database.run(work)

    async def total(self) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history_reading import total

            return total(connection)

        return await self._database.read(work)

    async def forget_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        from_number, count = 0, 0
        while at_most is None or count < at_most:
            left = _SLICE if at_most is None else min(_SLICE, at_most - count)

            def work(connection: Connection, start: int = from_number, left: int = left) -> tuple[int, int | None]:
                from app.storage.history_erasure import forget

                return forget(connection, mentorado_id, moment, start=start, limit=_SLICE, at_most=left)

            forgotten, following = await self._database.run(work, count=lambda result: result[0])
            count += forgotten
            if following is None:
                return count
            from_number = following
        return count

    async def catch_up(self) -> None:
        while await self._waiting():
            await self._database.run(_index)

    async def _waiting(self) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history_search import waiting

            return waiting(connection)

        return await self._database.read(work)


def _index(connection: Connection) -> None:
    from app.storage.history_search import index

    index(connection, _SLICE)
