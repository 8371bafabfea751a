"""Every message of every link, on disk. The work is done by the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.messages import (
    Address,
    ContactId,
    Conversation,
    ConversationId,
    ConversationRef,
    Correspondent,
    HistoryStats,
    LastMessages,
    MessageUpdate,
    StoredMessage,
)
from app.domain.opt_out import DEFAULT_WORDS
from app.domain.repositories import RowsCheck
from app.storage.consents import recorded_addresses
from app.storage.database import Database
from app.storage.history import contacts, dump, erasure, merge, ordering, reading, writing
from app.storage.history.dump_rows import DumpCheck

_SLICE = 5_000
"""So many messages are indexed, exported or forgotten at a time: other work waits for tens of milliseconds at most."""

_SEARCHED_WITHOUT_INDEX = 500
"""So many new messages are searched as they are, with every search; more are indexed first."""


class SqlMessageRepository:
    """Implements `MessageRepository`."""

    def __init__(
        self, database: Database, *, opt_out_words: Callable[[], Sequence[str]] = lambda: DEFAULT_WORDS
    ) -> None:
        """Who writes one of the *opt_out_words* is taken down in the ledger of consent."""
        self._database = database
        self._opt_out_words = opt_out_words

    async def store(
        self, mentorado: Mentorado, facts: Sequence[MessageUpdate], at: datetime
    ) -> Sequence[ConversationId]:
        words = self._opt_out_words()
        return await self._database.run(writing.store, mentorado, facts, at, words)

    async def conversations(self, mentorado_id: MentoradoId) -> Sequence[Conversation]:
        return await self._database.read(reading.conversations, mentorado_id)

    async def messages(
        self, conversation_id: ConversationId, *, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        return await self._database.read(reading.messages, conversation_id, before, limit)

    async def messages_after(
        self, conversation_id: ConversationId, number: int, *, limit: int = 60
    ) -> Sequence[StoredMessage]:
        return await self._database.read(reading.messages_after, conversation_id, number, limit)

    async def names(self, conversation_ids: Collection[ConversationId]) -> Mapping[ConversationId, ConversationRef]:
        return await self._database.read(reading.names, conversation_ids)

    async def correspondent(self, conversation_id: ConversationId) -> Correspondent | None:
        return await self._database.read(reading.correspondent, conversation_id)

    async def search(
        self, text: str, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 60
    ) -> Sequence[StoredMessage]:
        look = partial(reading.search, text=text, mentorado_id=mentorado_id, before=before, limit=limit)
        with suppress(Problem):  # a full disk or somebody else's lock: it is found without the index, only slower
            if await self._waiting(_SEARCHED_WITHOUT_INDEX + 1) > _SEARCHED_WITHOUT_INDEX:
                await self.index_pending()
        try:
            return await self._database.read(look)
        except Problem as problem:
            if problem.code is not ProblemCode.DATABASE_CORRUPT:
                raise
        return await self._database.read(partial(look, indexed=False))  # the index could not be made anew

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats:
        return await self._database.read(reading.extent, mentorado_id)

    async def last_messages(self, mentorado_id: MentoradoId) -> LastMessages:
        """What is known of a mentorado's line from before the program began."""
        return await self._database.read(reading.last_messages, mentorado_id)

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        return await self._database.read(reading.contacts, mentorado_id)

    async def find_contact(self, mentorado_id: MentoradoId, address: Address) -> ContactId | None:
        return await self._database.read(contacts.find, mentorado_id, address)

    async def export(
        self, mentorado_id: MentoradoId, *, contact_id: ContactId | None = None
    ) -> AsyncIterator[Sequence[StoredMessage]]:
        after = 0
        while batch := await self._database.read(
            partial(reading.export, mentorado_id=mentorado_id, contact_id=contact_id, after=after, limit=_SLICE // 5)
        ):
            yield batch
            after = batch[-1].number

    async def erase(self, mentorado_id: MentoradoId, contact_id: ContactId, at: datetime) -> int:
        return await self._database.run(erasure.erase, mentorado_id, contact_id, at, count=lambda messages: messages)

    async def erase_recorded(self, mentorado_id: MentoradoId, address: Address, at: datetime) -> int:
        return await self._database.run(erasure.erase_recorded, mentorado_id, address, at)

    async def recorded(self, mentorado_id: MentoradoId, address: Address) -> Sequence[Address]:
        return await self._database.read(recorded_addresses, mentorado_id, address)

    async def addresses(self, mentorado_id: MentoradoId, contact_id: ContactId) -> Sequence[Address]:
        return await self._database.read(erasure.addresses, mentorado_id, contact_id)

    async def was_erased(self, mentorado_id: MentoradoId, address: Address) -> bool:
        return await self._database.read(erasure.was_erased, mentorado_id, address)

    async def traces_left(self) -> bool:
        return await self._database.read(erasure.traces_left)

    async def overwrite(self) -> None:
        await self._database.rewrite()
        await self._database.run(erasure.no_traces_left)

    async def total(self) -> int:
        return await self._database.read(reading.total)

    async def delete_before(
        self, mentorado_id: MentoradoId | None, moment: datetime, *, at_most: int | None = None
    ) -> int:
        from_number, count = 0, 0
        while at_most is None or count < at_most:
            left = _SLICE if at_most is None else min(_SLICE, at_most - count)
            forget = partial(
                erasure.forget, mentorado_id=mentorado_id, moment=moment, start=from_number, limit=_SLICE, at_most=left
            )
            forgotten, following = await self._database.run(forget, count=lambda result: result[0])
            count += forgotten
            if following is None:
                return count
            from_number = following
        return count

    async def index_pending(self) -> None:
        if not await self._waiting(1):
            return
        newest, mark = await self._database.read(reading.newest_number), 0
        while mark < newest:  # what arrives meanwhile waits for the next time
            mark = await self._database.run(reading.index, _SLICE)

    async def _waiting(self, most: int) -> int:
        return await self._database.read(reading.waiting, most)


_BATCH = 1_000
"""Messages in one batch of a dump: other work waits for tens of milliseconds."""


class _NotKeptError(Exception):
    """Takes back a merge that was only counted."""


class SqlHistoryDump:
    """Implements `HistoryDump`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, mentorado_id: MentoradoId) -> Mapping[str, int]:
        return await self._database.read(dump.counts, mentorado_id)

    async def dump(self, mentorado_id: MentoradoId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        reader = dump.HistoryReader(mentorado_id, _BATCH)
        while not reader.ended:
            if rows := await self._database.read(reader.next_batch):
                yield rows

    def checker(self) -> RowsCheck:
        return DumpCheck()

    async def merge(
        self, mentorado_id: MentoradoId, batches: Iterable[Sequence[Mapping[str, object]]], *, keep: bool = True
    ) -> int:
        new = 0

        def work(connection: Connection) -> None:
            nonlocal new
            try:
                new = sum(merge.merge(connection, mentorado_id, rows) for rows in batches)
            finally:
                if isinstance(batches, Generator):
                    batches.close()  # in the thread that it ran in
            if not keep:
                raise _NotKeptError
            ordering.put_in_order(connection, mentorado_id)

        with suppress(_NotKeptError):
            await self._database.run(work, again=False)  # the batches come once
        return new
