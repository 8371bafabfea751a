"""Every message of every link, on disk. The work is done in the `history_*` modules beside this one.

They bring SQLAlchemy along, which only the worker thread may load, so they are imported when there is work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import (
    Address,
    ContactId,
    Conversation,
    ConversationId,
    ConversationRef,
    Correspondent,
    HistoryStats,
    MessageUpdate,
    StoredMessage,
)
from app.domain.repositories import RowsCheck
from app.storage.database import Database
from app.storage.history.dump_rows import DumpCheck

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.storage.history.dump import HistoryReader


_SLICE = 5_000
"""So many messages are indexed, exported or forgotten at a time: other work waits for tens of milliseconds at most."""


class SqlMessageRepository:
    """Implements `MessageRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(
        self, mentorado: Mentorado, facts: Sequence[MessageUpdate], at: datetime
    ) -> Sequence[ConversationId]:
        def work(connection: Connection) -> Sequence[ConversationId]:
            from app.storage.history.writing import store

            return store(connection, mentorado, facts, at)

        return await self._database.run(work)

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        def work(connection: Connection) -> Sequence[Conversation]:
            from app.storage.history.reading import conversations

            return conversations(connection, mentorado_id)

        return await self._database.read(work)

    async def messages(
        self, conversation_id: ConversationId, *, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history.reading import messages

            return messages(connection, conversation_id, before, limit)

        return await self._database.read(work)

    async def messages_after(
        self, conversation_id: ConversationId, number: int, *, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history.reading import messages_after

            return messages_after(connection, conversation_id, number, limit)

        return await self._database.read(work)

    async def names(self, conversation_ids: Collection[ConversationId]) -> Mapping[ConversationId, ConversationRef]:
        def work(connection: Connection) -> Mapping[ConversationId, ConversationRef]:
            from app.storage.history.reading import names

            return names(connection, conversation_ids)

        return await self._database.read(work)

    async def correspondent(self, conversation_id: ConversationId) -> Correspondent | None:
        def work(connection: Connection) -> Correspondent | None:
            from app.storage.history.reading import correspondent

            return correspondent(connection, conversation_id)

        return await self._database.read(work)

    async def search(
        self, text: str, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        def work(connection: Connection) -> Sequence[StoredMessage]:
            from app.storage.history.reading import search

            return search(connection, text, mentorado_id, before, limit)

        await self.index_pending()
        return await self._database.read(work)

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats:
        def work(connection: Connection) -> HistoryStats:
            from app.storage.history.reading import extent

            return extent(connection, mentorado_id)

        return await self._database.read(work)

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history.reading import contacts

            return contacts(connection, mentorado_id)

        return await self._database.read(work)

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        def work(connection: Connection) -> ContactId | None:
            from app.storage.history.contacts import find

            return find(connection, mentorado_id, address)

        return await self._database.read(work)

    async def export(
        self, mentorado_id: MentoradoId, *, contact_id: ContactId | None = None
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        after = 0
        while True:

            def work(connection: Connection, after: int = after) -> Sequence[StoredMessage]:
                from app.storage.history.reading import export

                return export(connection, mentorado_id, contact_id, after, _SLICE // 5)

            batch = await self._database.read(work)
            if not batch:
                return
            yield batch
            after = batch[-1].number

    async def erase(self, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history.erasure import erase

            return erase(connection, mentorado_id, contact_id, at)

        return await self._database.run(work, count=lambda messages: messages)

    async def addresses(self, mentorado_id: MentoradoId, contact_id: ContactId) -> Sequence[Address]:
        def work(connection: Connection) -> Sequence[Address]:
            from app.storage.history.erasure import addresses

            return addresses(connection, mentorado_id, contact_id)

        return await self._database.read(work)

    async def was_erased(self, mentorado_id: MentoradoId, address: Address) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history.erasure import was_erased

            return was_erased(connection, mentorado_id, address)

        return await self._database.read(work)

    async def traces_left(self) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history.erasure import traces_left

            return traces_left(connection)

        return await self._database.read(work)

    async def overwrite(self) -> None:
        def work(connection: Connection) -> None:
            from app.storage.history.erasure import no_traces_left

            no_traces_left(connection)

        await self._database.rewrite()
        await self._database.run(work)

    async def total(self) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history.reading import total

            return total(connection)

        return await self._database.read(work)

    async def delete_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        from_number, count = 0, 0
        while at_most is None or count < at_most:
            left = _SLICE if at_most is None else min(_SLICE, at_most - count)

            def work(connection: Connection, start: int = from_number, left: int = left) -> tuple[int, int | None]:
                from app.storage.history.erasure import forget

                return forget(connection, mentorado_id, moment, start=start, limit=_SLICE, at_most=left)

            forgotten, following = await self._database.run(work, count=lambda result: result[0])
            count += forgotten
            if following is None:
                return count
            from_number = following
        return count

    async def index_pending(self) -> None:
        while await self._waiting():
            await self._database.run(_index)

    async def _waiting(self) -> bool:
        def work(connection: Connection) -> bool:
            from app.storage.history.reading import waiting

            return waiting(connection)

        return await self._database.read(work)


def _index(connection: Connection) -> None:
    from app.storage.history.reading import index

    index(connection, _SLICE)


_BATCH = 1_000
"""Messages in one batch of a dump: other work waits for tens of milliseconds."""


class _NotKeptError(Exception):
    """Takes back a merge that was only counted."""


class SqlHistoryDump:
    """Implements `HistoryDump`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, mentorado_id: MentoradoId) -> Mapping[str, int]:
        def work(connection: Connection) -> Mapping[str, int]:
            from app.storage.history.dump import counts

            return counts(connection, mentorado_id)

        return await self._database.read(work)

    async def dump(self, mentorado_id: MentoradoId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        def begin(_connection: Connection) -> HistoryReader:
            from app.storage.history.dump import HistoryReader

            return HistoryReader(mentorado_id, _BATCH)

        dump = await self._database.read(begin)
        while not dump.ended:
            if rows := await self._database.read(dump.next_batch):
                yield rows

    def checker(self) -> RowsCheck:

        return DumpCheck()

    async def merge(
        self, mentorado_id: MentoradoId, batches: Iterable[Sequence[Mapping[str, object]]], *, keep: bool = True
    ) -> int:
        new = 0

        def work(connection: Connection) -> None:
            nonlocal new
            from app.storage.history.merge import merge
            from app.storage.history.ordering import put_in_order

            try:
                new = sum(merge(connection, mentorado_id, rows) for rows in batches)
            finally:
                if isinstance(batches, Generator):
                    batches.close()  # in the thread that it ran in
            if not keep:
                raise _NotKeptError
            put_in_order(connection, mentorado_id)

        with suppress(_NotKeptError):
            await self._database.run(work)
        return new
