"""What is stored is indexed for the search beside all other work, whatever keeps it from that for a while."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from app.core.background import INDEX_SECONDS, keep_search_ready
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from tests.clock import ManualClock
from tests.storage.talk import a_message, add_mentorado, minutes, rows


async def test_what_is_stored_is_indexed_in_time_also_after_a_lock_and_after_a_start(tmp_path: Path) -> None:
    path, clock = tmp_path / "conecta.db", ManualClock()
    async with Database(path, busy_timeout=0.05) as database:
        ana = await add_mentorado(database)
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message("M1")], minutes(1))  # before the program began
        indexing = asyncio.get_running_loop().create_task(keep_search_ready(history, clock))
        for count in (1, 2):
            await clock.until_asleep()
            await clock.advance(INDEX_SECONDS)
            await clock.until_asleep()
            assert await rows(database, "SELECT number FROM search_mark") == [(count,)]
            await history.store(ana, [a_message(f"N{count}")], minutes(2))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await clock.advance(INDEX_SECONDS)
            await clock.until_asleep()
        assert await rows(database, "SELECT number FROM search_mark") == [(2,)]
        await clock.advance(INDEX_SECONDS)
        await clock.until_asleep()
        assert await rows(database, "SELECT number FROM search_mark") == [(3,)]
        indexing.cancel()
        with suppress(asyncio.CancelledError):
            await indexing
