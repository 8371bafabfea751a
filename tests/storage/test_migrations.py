# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.migrations import OURS
from app.storage.migrations import upgrade as upgrade_module
from app.storage.transitions import SqlTransitionRepository
from tests.migrated import by_alembic
from tests.storage.people import blocked, new_mentorado
from tests.storage.revisions import NEXT, with_next

ADDS = "op.execute('ALTER TABLE mentorado ADD COLUMN nickname VARCHAR')"
FAILS = "op.execute('CREATE TABLE half (id INTEGER)')\n" + ADDS + "\nraise ZeroDivisionError"


def _ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(sql).fetchall()


def _files(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


async def test_a_newer_database_is_refused_and_left_as_it_is(path: Path, tmp_path: Path) -> None:
    async with Database(path, migrations=with_next(tmp_path / "next", ADDS)) as newer:
        await SqlMentoradoRepository(newer).add(ana := new_mentorado())
    before = path.read_bytes()
    with pytest.raises(Problem) as caught:
        async with Database(path):
            pass
    assert caught.value.code is ProblemCode.DATABASE_NEWER
    assert caught.value.context == {"path": str(path), "found": NEXT, "known": OURS.head}
    assert path.read_bytes() == before
    async with Database(path, migrations=with_next(tmp_path / "again", ADDS)) as newer:
        assert await SqlMentoradoRepository(newer).all() == [ana]


async def test_what_is_executed_for_the_other_tests_makes_the_database_that_alembic_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("noted.db", "executed.db", "alembic.db")]
    for path in paths:
        if path is paths[-1]:
            monkeypatch.setattr(upgrade_module, "upgrade", by_alembic)
        async with Database(path):
            pass
    dumps = []
    for path in paths:
        with closing(sqlite3.connect(path)) as raw:
            dumps.append([*raw.iterdump()])
    assert dumps[0] == dumps[1] == dumps[2]


async def test_a_new_database_needs_no_copy(path: Path) -> None:
    async with Database(path):
        assert _files(path) == ["conecta.db", "conecta.db-shm", "conecta.db-wal"]


async def test_the_copy_taken_before_a_migration_is_a_whole_database_of_before(path: Path, tmp_path: Path) -> None:
    ana = new_mentorado()
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        await SqlTransitionRepository(database).append(moved := blocked(ana.link))
    async with Database(path, migrations=with_next(tmp_path / "next", ADDS)) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]
    (copy,) = path.parent.glob(f"conecta.{OURS.head}.*.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "nickname" in {row[1] for row in _ask(path, "PRAGMA table_info(mentorado)")}
    assert "nickname" not in {row[1] for row in _ask(copy, "PRAGMA table_info(mentorado)")}
    assert _ask(copy, "PRAGMA integrity_check") == [("ok",)]
    async with Database(copy) as former:
        assert await SqlMentoradoRepository(former).all() == [ana]
        assert await SqlTransitionRepository(former).for_mentorado(ana.id) == [moved]


async def test_what_a_crash_left_in_the_write_ahead_log_is_in_the_copy_too(path: Path, tmp_path: Path) -> None:
    database = Database(path)
    await SqlMentoradoRepository(database).add(ana := new_mentorado())
    crashed = path.parent / "crashed" / "conecta.db"
    crashed.parent.mkdir()
    for end in ("", "-wal"):
        (crashed.parent / f"conecta.db{end}").write_bytes((path.parent / f"conecta.db{end}").read_bytes())
    await database.close()
    async with Database(crashed, migrations=with_next(tmp_path / "next", ADDS)):
        (copy,) = crashed.parent.glob(f"conecta.{OURS.head}.*.db")
    async with Database(copy) as former:
        assert await SqlMentoradoRepository(former).all() == [ana]


async def test_a_migration_that_fails_leaves_nothing_behind(path: Path, tmp_path: Path) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
    shape = _ask(path, "SELECT * FROM sqlite_master")
    broken = Database(path, migrations=with_next(tmp_path / "broken", FAILS))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await broken.open()
    await broken.close()
    assert _files(path) == ["conecta.db"]
    assert _ask(path, "SELECT * FROM sqlite_master") == shape
    assert _ask(path, "SELECT version_num FROM alembic_version") == [(OURS.head,)]
    async with Database(path) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]


async def test_a_first_migration_that_fails_leaves_an_empty_database(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Database(path, migrations=with_next(tmp_path / "broken", FAILS)):
            pass
    assert _ask(path, "SELECT * FROM sqlite_master") == []
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(new_mentorado())


async def test_a_table_may_be_rebuilt_although_others_point_to_it(path: Path, tmp_path: Path) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
    rebuild = "with op.batch_alter_table('mentorado', recreate='always') as batch:\n    batch.drop_column('cohort')"
    async with Database(path, migrations=with_next(tmp_path / "rebuild", rebuild)):
        pass
    assert _ask(path, "SELECT mentorado_id FROM link") == [(ana.id,)]
    assert _ask(path, "PRAGMA foreign_key_check") == []


async def test_a_migration_that_leaves_rows_pointing_nowhere_does_not_count(path: Path, tmp_path: Path) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
    careless = with_next(tmp_path / "careless", "op.execute('DELETE FROM mentorado')")
    with pytest.raises(Problem, match="point nowhere"):
        async with Database(path, migrations=careless):
            pass
    async with Database(path) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]


@pytest.mark.parametrize("when", ["during", "copy"])
async def test_a_program_killed_in_the_middle_of_a_migration_loses_nothing(
    path: Path, tmp_path: Path, when: str
) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
    die = "import os, signal\nop.execute('CREATE TABLE half (id INTEGER)')\n" + ADDS
    # Rows beyond SQLite's page cache, so that half of the migration is in the file's log when the program dies.
    die += "\nop.execute('PRAGMA cache_size = 5')\nop.execute('CREATE TABLE filler (x)')"
    die += '\nop.execute("INSERT INTO filler SELECT hex(randomblob(2000)) FROM (WITH RECURSIVE n(i) AS'
    die += ' (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n)")'
    die += "\nos.kill(os.getpid(), signal.SIGKILL)"
    with_next(tmp_path / "die", die)
    script = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from app.storage.database import Database; from app.storage.migrations import Migrations\n"
        "if sys.argv[3] == 'copy':\n"
        "    sys.addaudithook(lambda event, _: event == 'os.rename' and os.kill(os.getpid(), signal.SIGKILL))\n"
        "migrations = Migrations(Path(sys.argv[2]), tuple(sys.argv[4:]))\n"
        "asyncio.run(Database(Path(sys.argv[1]), migrations=migrations).open())"
    )
    command = [sys.executable, "-B", "-c", script, str(path), str(tmp_path / "die"), when, *OURS.revisions, NEXT]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    if when == "during":
        assert path.with_name("conecta.db-wal").stat().st_size > 500_000

    async with Database(path, migrations=with_next(tmp_path / "good", ADDS)) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]
    assert _ask(path, "SELECT name FROM sqlite_master WHERE name IN ('half', 'filler')") == []
    assert _ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert _ask(path, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert not list(path.parent.glob("*.part"))
    for copy in path.parent.glob(f"conecta.{OURS.head}.*.db"):
        assert _ask(copy, "SELECT name FROM mentorado") == [("Ana Lima",)]
