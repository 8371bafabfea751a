"""Takes one mentorado's whole history out of the database, and brings it in again without doubling anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from app.domain.mentorado import MentoradoId
from app.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.storage.history_dump import Dump

_BATCH = 1_000
"""Messages in one batch of a dump: other work waits for tens of milliseconds."""

_MOVED = 5_000


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

    def check(self, rows: Sequence[Mapping[str, object]]) -> None:
        from app.storage.history_rows import read

        read(rows)

    async def merge(self, mentorado_id: MentoradoId, rows: Sequence[Mapping[str, object]]) -> int:
        def work(connection: Connection) -> int:
            from app.storage.history_merge import merge

            return merge(connection, mentorado_id, rows)

        return await self._database.run(work)

    async def put_in_order(self, mentorado_id: MentoradoId) -> None:
        def work(connection: Connection) -> bool:
            from app.storage.history_order import move_some

            return move_some(connection, mentorado_id, _MOVED)

        while await self._database.run(work):
            pass
