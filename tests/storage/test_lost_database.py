"""A database that is missing beside what it knew of: nothing begins anew unasked, and a copy can take its place."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.services import Services
from tests.services import build_services

SESSION = "sessions/" + "0" * 32 + "/session-20261129T000000-aaaaaaaa.db"
TRACES = {
    "a session": SESSION,
    "a copy of a session": "sessions/" + "0" * 32 + "/snapshots/20261129.db",
    "a backup": "backups/Conecta Ana 2026-11-29.conecta",
    "secrets": "secrets.enc",
    "a copy of the database": "conecta.0001.20261129T000000000000Z.db",
}


def run(folder: Path, use: Callable[[Services], object]) -> None:
    async def main() -> None:
        core = build_services(folder)
        try:
            await use(core)  # type: ignore[misc] # a coroutine function
        finally:
            await core.database.close()

    asyncio.run(main())


def planted(folder: Path, name: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"something of earlier work")
    return file


async def refused(core: Services) -> Problem:
    with pytest.raises(Problem) as caught:
        await core.open()
    return caught.value


def gone(_path: Path) -> None:
    """There is no file."""


def empty(path: Path) -> None:
    path.touch()


def without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("VACUUM")


@pytest.mark.parametrize("what", [gone, empty, without_tables])
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_where_something_is_left_of_earlier_work_nothing_begins_anew_unasked(
    fast_dir: Path, trace: str, what: Callable[[Path], None]
) -> None:
    what(fast_dir / "conecta.db")
    left = planted(fast_dir, trace)

    def names() -> list[str]:
        return sorted(path.name for path in fast_dir.rglob("*"))

    before = names()

    async def use(core: Services) -> None:
        for _ in range(2):
            problem = await refused(core)
            assert problem.code is ProblemCode.DATABASE_MISSING
            assert problem.context["path"] == str(fast_dir / "conecta.db")
            assert Path(problem.context["left"].split(", ")[0]) in left.parents
        assert names() == before
        await core.begin_anew()
        await core.open()
        assert list(core.mentorados.all()) == []
        async with core.supervisor:
            await core.audit_service.flush()
        assert [entry.record.action for entry in await core.audit.entries()] == ["begin_database"]

    run(fast_dir, use)
    assert left.read_bytes() == b"something of earlier work"


def test_a_first_start_asks_nothing(fast_dir: Path) -> None:
    (fast_dir / "sessions").mkdir()
    planted(fast_dir, "sessions/about-this-folder.txt")
    planted(fast_dir, "logs/conecta.log")
    planted(fast_dir, "window.ini")
    run(fast_dir, lambda core: core.open())


def test_what_stayed_of_the_lost_file_is_kept_and_not_applied_to_the_new_one(fast_dir: Path) -> None:
    planted(fast_dir, SESSION)
    waiting = planted(fast_dir, "conecta.db-wal")

    async def use(core: Services) -> None:
        assert (await refused(core)).code is ProblemCode.DATABASE_MISSING
        assert waiting.exists()
        await core.begin_anew()
        await core.open()

    run(fast_dir, use)
    (kept,) = fast_dir.glob("conecta.db-wal.*")
    assert kept.read_bytes() == b"something of earlier work"


def test_a_copy_takes_the_place_of_the_lost_one_and_stays_as_it_is(fast_dir: Path) -> None:
    home, copy = fast_dir / "data", fast_dir / "carried away.db"

    async def lose(core: Services) -> None:
        await core.open()
        await core.mentorados.add("Ana", "11 98765-4321")
        with closing(sqlite3.connect(home / "conecta.db")) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    run(home, lose)
    for file in home.glob("conecta.db*"):
        file.unlink()
    planted(home, SESSION)
    before = copy.read_bytes()

    async def use(core: Services) -> None:
        assert (await refused(core)).code is ProblemCode.DATABASE_MISSING
        await core.use_copy(copy)
        await core.open()
        assert [mentorado.name for mentorado in core.mentorados.all()] == ["Ana"]
        with pytest.raises(Problem) as caught:
            await core.use_copy(copy)
        assert caught.value.code is ProblemCode.DATABASE_PRESENT
        with pytest.raises(Problem) as caught:
            await core.begin_anew()
        assert caught.value.code is ProblemCode.DATABASE_PRESENT

    run(home, use)
    assert copy.read_bytes() == before
    assert (home / "conecta.db").stat().st_mode & 0o777 == 0o600


def cut_off(copy: Path) -> None:
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])


def of_another_program(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as made:
        made.execute("CREATE TABLE t (x)")


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as made, made:
        made.execute("UPDATE alembic_version SET version_num = '9999'")


def no_database(copy: Path) -> None:
    copy.write_bytes(b"a letter" * 1000)


@pytest.mark.parametrize("harm", [cut_off, of_another_program, newer, no_database, Path.unlink])
def test_a_copy_that_is_not_whole_or_not_ours_changes_nothing(fast_dir: Path, harm: Callable[[Path], None]) -> None:
    home, copy = fast_dir / "data", fast_dir / "copy.db"
    run(home, lambda core: core.open())
    shutil.move(home / "conecta.db", copy)
    harm(copy)
    planted(home, SESSION)

    async def use(core: Services) -> None:
        with pytest.raises(Problem) as caught:
            await core.use_copy(copy)
        assert (caught.value.code, caught.value.context["path"]) == (ProblemCode.DATABASE_COPY_UNUSABLE, str(copy))
        assert (await refused(core)).code is ProblemCode.DATABASE_MISSING

    run(home, use)
    assert not (home / "conecta.db").exists()
    assert list(home.glob("*.part")) == []
