from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.mentorado import LinkId
from app.domain.notifications import Snooze, SnoozeRepository
from app.storage.database import Database
from app.storage.settings import SqlSettings, SqlSnoozes
from tests.clock import DAWN

FIRST, SECOND = LinkId("a" * 32), LinkId("b" * 32)


async def test_snoozes_are_kept_as_they_are_and_beside_the_settings(path: Path) -> None:
    async with Database(path) as database:
        store: SnoozeRepository = SqlSnoozes(database)
        assert await store.load() == {}
        await store.save({FIRST: Snooze(None), SECOND: Snooze(DAWN + timedelta(hours=1))}, DAWN)
        assert await store.load() == {FIRST: Snooze(None), SECOND: Snooze(DAWN + timedelta(hours=1))}
        settings = SqlSettings(database)
        await settings.save(await settings.load(), DAWN)
        await store.save({SECOND: Snooze(None)}, DAWN)
        assert await store.load() == {SECOND: Snooze(None)}


@pytest.mark.parametrize("damaged", ["[]", "{", '{"a": 1}', '{"a": "2026-01-01T00:00:00"}'])
async def test_a_damaged_row_leaves_nobody_alone(path: Path, damaged: str) -> None:
    async with Database(path) as database:
        store = SqlSnoozes(database)
        await store.save({FIRST: Snooze(None)}, DAWN)
        await database.run(
            lambda c: c.execute(text("UPDATE setting SET value = :v WHERE key = 'snoozes'"), {"v": damaged})
        )
        assert await store.load() == {}
