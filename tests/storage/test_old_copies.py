"""Copies of the database from before a migration are found by their names, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.storage.database import Database
from app.storage.lost_database import DatabaseCopies
from tests.storage.revisions import with_next
from tests.storage.talk import add_mentorado

WHO = MentoradoId("a" * 32)


async def test_the_copy_that_a_migration_made_is_named_with_its_date_and_can_be_removed(
    path: Path, tmp_path: Path
) -> None:
    async with Database(path) as database:
        await add_mentorado(database)
    adds = "op.execute('ALTER TABLE mentorado ADD COLUMN nickname VARCHAR')"
    async with Database(path, migrations=with_next(tmp_path / "next", adds)):
        copies = DatabaseCopies(path)
        (found,) = await copies.copies(WHO)
        assert found.kind is CopyKind.DATABASE
        assert abs((datetime.now(UTC) - found.at).total_seconds()) < 60
        assert await copies.wipe(WHO, [b"55119"]) == 0
        await copies.remove([found, OldCopy(kind=CopyKind.BACKUP, path=path, at=found.at)])
        assert await copies.copies(WHO) == []
        assert path.exists()  # noqa: ASYNC240 - a look


@pytest.mark.parametrize(
    "name",
    ["conecta.db", "conecta.0001.db", "conecta.0001.20261399T000000000000Z.db", "other.0001.20260101T000000000000Z.db"],
)
async def test_what_has_no_such_name_is_no_copy(path: Path, name: str) -> None:
    path.parent.mkdir()
    (path.parent / name).write_text("mine")
    assert await DatabaseCopies(path).copies(WHO) == []


async def test_a_copy_that_cannot_be_removed_is_a_problem(path: Path) -> None:
    folder = path.parent / "conecta.0001.20260101T000000000000Z.db"
    folder.mkdir(parents=True)
    (found,) = await DatabaseCopies(path).copies(WHO)
    with pytest.raises(Problem) as caught:
        await DatabaseCopies(path).remove([found])
    assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE
