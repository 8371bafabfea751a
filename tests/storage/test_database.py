# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app.domain.errors import Problem, ProblemCode
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.people import new_mentorado


async def test_all_work_runs_in_one_thread_that_is_not_the_callers(path: Path) -> None:
    async with Database(path) as database:
        threads = await asyncio.gather(*(database.run(lambda _: threading.current_thread()) for _ in range(20)))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()


async def test_closing_ends_the_thread_and_leaves_one_file(path: Path) -> None:
    database = Database(path)
    thread = await database.run(lambda _: threading.current_thread())
    await database.close()
    assert not thread.is_alive()
    assert [file.name for file in path.parent.iterdir()] == ["conecta.db"]


async def test_work_is_done_in_the_order_it_was_asked_for(path: Path) -> None:
    done: list[int] = []
    async with Database(path) as database:
        await asyncio.gather(*(database.run(partial(_note, done, number)) for number in range(200)))
    assert done == list(range(200))


async def test_another_programs_commit_is_noticed_and_our_own_is_not(path: Path) -> None:
    async with Database(path) as database, Database(path) as other:
        before = await database.version()
        await SqlMentoradoRepository(database).add(new_mentorado("Ana", "11 98765-4321"))
        await SqlMentoradoRepository(other).all()
        assert await database.version() == before
        await SqlMentoradoRepository(other).add(new_mentorado("Bia", "21 98765-4321"))
        after = await database.version()
        assert after != before
        assert await database.version() == after


async def test_work_that_fails_changes_nothing_and_the_next_is_done(path: Path) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        connection.exec_driver_sql("INSERT INTO half VALUES (1)")
        raise ZeroDivisionError

    async with Database(path) as database:
        with pytest.raises(ZeroDivisionError):
            await database.run(half)
        assert "half" not in await database.read(_tables)


async def test_a_bug_in_the_sql_is_not_dressed_up_as_a_problem(path: Path) -> None:
    from sqlalchemy.exc import OperationalError

    async with Database(path) as database:
        with pytest.raises(OperationalError, match="no such table"):
            await database.run(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))


async def test_cancelled_work_that_has_begun_happens_whole_and_what_had_not_begun_does_not(path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE slow_one (id INTEGER)")
        begun.set()
        go_on.wait(5)
        connection.exec_driver_sql("CREATE TABLE slow_two (id INTEGER)")

    async with Database(path) as database, asyncio.TaskGroup() as group:
        running = group.create_task(database.run(slow))
        waiting = group.create_task(database.run(lambda c: c.exec_driver_sql("CREATE TABLE never (id INTEGER)")))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        running.cancel()
        waiting.cancel()
        await asyncio.wait([running, waiting])
        go_on.set()
        tables = await database.read(_tables)
    assert {"slow_one", "slow_two"} <= tables
    assert "never" not in tables


async def test_it_opens_by_itself_when_work_comes_first(path: Path) -> None:
    database = Database(path)
    assert "mentorado" in await database.read(_tables)
    await database.close()


async def test_every_commit_reaches_the_disk_and_rows_point_somewhere(path: Path) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    async with Database(path) as database:
        found = await database.read(
            lambda connection: [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]
        )
    assert found == ["wal", 2, 1, 5000]


async def test_only_this_user_may_read_the_files(path: Path) -> None:
    async with Database(path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
        assert len(list(path.parent.iterdir())) == 3


async def test_a_folder_that_was_there_keeps_its_mode_and_a_wide_open_file_does_not(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.touch(0o644)
    async with Database(path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_signs_in_the_path_mean_nothing(fast_dir: Path) -> None:
    path = fast_dir / "50% off?mode=ro&x=1 #ção" / "conecta.db"
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(new_mentorado())
    assert path.stat().st_size > 0


async def test_two_programs_may_create_it_at_the_same_time(path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from app.storage.database import Database\n"
        "async def main():\n"
        "    async with Database(Path(sys.argv[1])): pass\n"
        "asyncio.run(main())"
    )
    programs = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(4)]
    assert [program.wait(30) for program in programs] == [0, 0, 0, 0]
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


async def test_a_file_replaced_under_us_is_not_written_to(path: Path) -> None:
    async with Database(path) as database:
        ana = new_mentorado()
        await SqlMentoradoRepository(database).add(ana)
        path.rename(aside := path.with_suffix(".aside"))
        for there in (False, True):
            if there:
                path.touch()
            with pytest.raises(Problem) as caught:
                await SqlMentoradoRepository(database).all()
            assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE
        aside.replace(path)
        assert await SqlMentoradoRepository(database).all() == [ana]


def test_opening_a_database_of_today_does_not_load_alembic(path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from app.storage.database import Database\n"
        "async def main():\n"
        "    async with Database(Path(sys.argv[1])): print('alembic' in sys.modules)\n"
        "asyncio.run(main())"
    )
    opened = [subprocess.check_output([sys.executable, "-c", script, str(path)], text=True).strip() for _ in range(2)]
    assert opened == ["True", "False"]


async def test_the_callers_loop_goes_on_while_the_database_waits(path: Path) -> None:
    async with Database(path) as database, asyncio.TaskGroup() as group:
        slow = group.create_task(database.run(lambda _: time.sleep(0.2)))
        turns = 0
        while not slow.done():
            await asyncio.sleep(0.005)
            turns += 1
    assert turns > 5


def _note(done: list[int], number: int, _: Connection) -> None:
    done.append(number)


def _tables(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
