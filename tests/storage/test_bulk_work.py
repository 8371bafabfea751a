from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.bulk_work import BulkKind, BulkWork, BulkWorkId, BulkWorkRepository
from app.domain.mentorado import MentoradoId
from app.storage.database import Database
from app.storage.settings import SqlBulkWork, SqlSettings
from tests.clock import DAWN

ANA, BIA = MentoradoId("a" * 32), MentoradoId("b" * 32)
WORK = BulkWork(id=BulkWorkId("1"), kind=BulkKind.COHORT, count=3, done=1, left=(BIA, ANA), typed="Turma É")
OTHER = BulkWork(id=BulkWorkId("2"), kind=BulkKind.CONNECT, count=1, left=(ANA,))


async def test_it_is_kept_in_its_order_and_beside_the_settings(path: Path) -> None:
    async with Database(path) as database:
        store: BulkWorkRepository = SqlBulkWork(database)
        assert await store.load() == []
        await store.save([WORK, OTHER], DAWN)
        settings = SqlSettings(database)
        await settings.save(await settings.load(), DAWN)
        assert await store.load() == [WORK, OTHER]
        await store.save([], DAWN)
        assert await store.load() == []


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        "7",
        '[{"id": "1"}]',
        json.dumps([{"id": "1", "kind": "burn", "count": 1, "done": 0, "left": [], "typed": ""}]),
        json.dumps([{"id": "1", "kind": "archive", "count": 1, "done": 0, "left": "ab", "typed": ""}]),
    ],
)
async def test_a_damaged_row_is_no_work(path: Path, damaged: str) -> None:
    async with Database(path) as database:
        store = SqlBulkWork(database)
        await store.save([WORK], DAWN)
        await database.run(
            lambda c: c.execute(text("UPDATE setting SET value = :v WHERE key = 'bulk_work'"), {"v": damaged})
        )
        assert await store.load() == []
