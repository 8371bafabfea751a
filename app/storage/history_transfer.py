"""Takes one mentorado's whole history out of the database, and brings it in again without doubling anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from app.domain.mentorado import MentoradoId
from app.domain.ports import RowsCheck
from app.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.storage.history_dump import Dump

_BATCH = 1_000
"""Messages in one batch of a dump: other work waits for tens of milliseconds."""


class _NotKeptError(Exception):
    """Takes back a merge that was only counted."""


class SqlHistoryTransfer:
    """Implements `app.domain.ports.HistoryTransfer`. Its parts are in the `history_*` modules beside this one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, mentorado_id: MentoradoId) -> Mapping[str, int]:
        def work(connection: Connection) -> Mapping[str, int]:
            from app.storage.history_dump import counts

            return counts(connection, mentorado_id)

        return await self._database.read(work)

    async def dump(self, mentorado_id: MentoradoId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        def begin(_connection: Connection) -> Dump:
            from app.storage.history_dump import Dump

            return Dump(mentorado_id, _BATCH)

        dump = await self._database.read(begin)
        while not dump.ended:
            if rows := await self._database.read(dump.following):
                yield rows

    def checker(self) -> RowsCheck:
        from app.storage.history_rows import DumpCheck

        return DumpCheck()

    async def merge(
        self, mentorado_id: MentoradoId, batches: Iterable[Sequence[Mapping[str, object]]], *, keep: bool = True
    ) -> int:
        new = 0

        def work(connection: Connection) -> None:
            nonlocal new
            from app.storage.history_merge import merge
            from app.storage.history_order import put_in_order

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
