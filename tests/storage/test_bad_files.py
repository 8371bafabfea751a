# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from app.domain.diagnosis import CheckOutcome, DiagnosisCode
from app.domain.errors import Problem, ProblemCode
from app.storage.database import Database
from app.storage.engine import open_engine
from app.storage.inspection import inspect_database
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.transitions import SqlTransitionRepository
from tests.storage.people import blocked, new_mentorado
from tests.storage.revisions import with_next


async def _fill(path: Path, people: int = 300) -> None:
    def add(connection: Connection) -> None:
        for number in range(people):
            connection.exec_driver_sql(
                "INSERT INTO mentorado VALUES (?, ?, ?, ?, '', '2026-01-01T00:00:00.000000+00:00', NULL)",
                (f"{number:032x}", f"Mentorado {number}", f"+55219{number:08}", f"+5521{number:08}"),
            )
            row = (f"{number:032x}", f"{number:032x}")
            connection.exec_driver_sql("INSERT INTO link VALUES (?, ?, 'whatsapp_web', 1, 0, NULL, NULL)", row)

    async with Database(path) as database:
        await database.run(add)


@pytest.mark.parametrize(
    "content",
    [os.urandom(20_000), b"name;phone\nAna;11987654321\n" * 500, b"SQLite format 3\0" + os.urandom(8_000), b"x"],
    ids=["random bytes", "a table of text", "only the first words of a database", "one byte"],
)
async def test_what_is_not_a_database_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    database = Database(path)
    for _ in range(2):
        with pytest.raises(Problem) as caught:
            await database.open()
        assert caught.value.code is ProblemCode.DATABASE_CORRUPT
        assert caught.value.context["path"] == str(path)
    assert path.read_bytes() == content

    path.unlink()  # the cause is gone, so the same object works
    await database.open()
    assert await SqlMentoradoRepository(database).all() == []
    await database.close()


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("DROP TABLE case_note", "missing: case_note"),
        ("ALTER TABLE message DROP COLUMN failure", "missing: message.failure"),
        (
            "UPDATE alembic_version SET version_num = '0010'",
            "of a later version: case_note, support_case, outbound_stop.detail, campaign, campaign_recipient, …",
        ),
        ("UPDATE alembic_version SET version_num = '0013a'", "unknown version: 0013a"),
        ("UPDATE alembic_version SET version_num = ''", "unknown version: "),
        ("DELETE FROM alembic_version", "a database of another program"),
    ],
)
async def test_a_database_that_is_not_of_the_shape_that_its_stamp_says_is_refused(
    path: Path, statement: str, detail: str
) -> None:
    await _fill(path, people=2)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(statement)
    content = path.read_bytes()
    with pytest.raises(Problem) as caught:
        await Database(path).open()
    assert (caught.value.code, caught.value.context["detail"]) == (ProblemCode.DATABASE_CORRUPT, detail)
    assert path.read_bytes() == content


async def test_a_table_that_goes_while_the_database_is_open_is_damage_and_no_error_of_the_program(path: Path) -> None:
    async with Database(path) as database:
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DROP TABLE setting")
        with pytest.raises(Problem) as caught:
            await database.read(lambda connection: connection.exec_driver_sql("SELECT * FROM setting").all())
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT


async def test_rows_that_a_migration_cannot_bring_along_are_damage(path: Path, tmp_path: Path) -> None:
    await _fill(path, people=2)
    migrations = with_next(tmp_path / "next", "op.execute('INSERT INTO mentorado SELECT * FROM mentorado')")
    with pytest.raises(Problem) as caught:
        await Database(path, migrations=migrations).open()
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert "UNIQUE" in caught.value.context["detail"]


@pytest.mark.parametrize("kind", ["circle", "nowhere", "folder above"])
async def test_a_link_that_leads_nowhere_is_named_and_nothing_is_made_of_it(path: Path, kind: str) -> None:
    link, target = (
        (path.parent, "gone") if kind == "folder above" else (path, "conecta.db" if kind == "circle" else "x")
    )
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    with pytest.raises(Problem) as caught:
        await Database(path).open()
    assert caught.value.code is ProblemCode.LINK_BROKEN
    assert caught.value.context == {"path": str(link), "target": target}
    assert not link.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
async def test_what_is_no_file_is_never_waited_for(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    async with asyncio.timeout(5):
        with pytest.raises(Problem) as caught:
            await Database(path).open()
    assert (caught.value.code, caught.value.context["detail"]) == (ProblemCode.DATABASE_NOT_WRITABLE, "not a file")


@pytest.mark.parametrize("kept", [1, 50, 512, 4096, 20_000, -1])
async def test_a_truncated_database_is_refused_and_left_as_it_is(path: Path, kept: int) -> None:
    await _fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    with pytest.raises(Problem) as caught:
        async with Database(path):
            pass
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert path.read_bytes() == whole[:kept]


async def test_damage_in_the_middle_is_found_when_it_is_read(path: Path) -> None:
    await _fill(path)
    with closing(sqlite3.connect(path)) as raw:
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'mentorado'").fetchone()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = os.urandom(4096)
    path.write_bytes(content)
    async with Database(path) as database:
        with pytest.raises(Problem) as caught:
            await SqlMentoradoRepository(database).all()
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT


async def test_half_a_change_that_a_journal_takes_back_is_no_damage(path: Path, tmp_path: Path) -> None:
    await _fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        raw.execute("PRAGMA cache_size = 2")  # so that the change reaches the file before it is done
        raw.execute("BEGIN")
        raw.execute("UPDATE mentorado SET cohort = printf('%.500c', 'x')")
        for name in (path.name, f"{path.name}-journal"):
            shutil.copy(path.with_name(name), tmp_path)
    stopped = tmp_path / path.name
    assert b"x" * 500 in stopped.read_bytes()
    (found,) = inspect_database(stopped)
    assert (found.code, found.outcome) == (DiagnosisCode.DATABASE_INTERRUPTED, CheckOutcome.UNKNOWN)
    async with Database(stopped) as database:
        assert {each.cohort for each in await SqlMentoradoRepository(database).all()} == {""}
    (found,) = inspect_database(stopped)
    assert found.code is DiagnosisCode.DATABASE_FINE


async def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
        assert await SqlMentoradoRepository(database).all() == [ana]


async def test_an_emptied_file_whose_write_ahead_log_is_full_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    log = path.with_name("conecta.db-wal")
    log.write_bytes(b"what was committed last")
    with pytest.raises(Problem) as caught:
        async with Database(path):
            pass
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert log.read_bytes() == b"what was committed last"


async def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(Problem) as caught:
        async with Database(path):
            pass
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert caught.value.context["detail"] == "a database of another program"
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


async def test_a_program_that_is_killed_loses_nothing_that_was_stored(path: Path) -> None:
    script = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from app.storage.database import Database; from app.storage.mentorados import SqlMentoradoRepository\n"
        "from tests.storage.people import new_mentorado\n"
        "async def main():\n"
        "    await SqlMentoradoRepository(Database(Path(sys.argv[1]))).add(new_mentorado('Ana'))\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    async with Database(path) as database:
        assert [mentorado.name for mentorado in await SqlMentoradoRepository(database).all()] == ["Ana"]


@contextmanager
def _held_by_another_program(path: Path, *statements: str) -> Iterator[None]:
    script = (
        "import sqlite3, sys\n"
        "raw = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: raw.execute(statement)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        yield
        program.communicate()  # its input ends, and so does it


_ALONE = ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE")


async def test_a_locked_database_says_so_and_works_once_it_is_free(path: Path) -> None:
    async with Database(path):
        pass
    database = Database(path, busy_timeout=0.05)
    with _held_by_another_program(path, *_ALONE):
        for attempt in (database.open, SqlMentoradoRepository(database).all):
            with pytest.raises(Problem) as caught:
                await attempt()
            assert caught.value.code is ProblemCode.DATABASE_LOCKED
    assert await SqlMentoradoRepository(database).all() == []
    await database.close()


async def test_those_who_asked_meanwhile_do_not_each_wait_for_a_lock_in_vain(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start many ask at once, and the person is told why nothing is there."""
    tried: list[Path] = []

    def count(path: Path, **how: Any) -> Engine:
        tried.append(path)
        return open_engine(path, **how)

    async with Database(path):
        pass
    monkeypatch.setattr("app.storage.database.open_engine", count)
    database = Database(path, busy_timeout=0.05)
    people = SqlMentoradoRepository(database)
    with _held_by_another_program(path, *_ALONE):
        for again in (1, 2):
            found = await asyncio.gather(*(people.all() for _ in range(9)), database.open(), return_exceptions=True)
            assert [isinstance(each, Problem) and each.code for each in found] == [ProblemCode.DATABASE_LOCKED] * 10
            assert len(tried) == again
    assert await people.all() == []
    await database.close()


async def test_a_lock_that_comes_later_loses_nothing_either(path: Path) -> None:
    ana = new_mentorado()
    async with Database(path, busy_timeout=0.05) as database:
        mentorado_repository, log = SqlMentoradoRepository(database), SqlTransitionRepository(database)
        await mentorado_repository.add(ana)
        with _held_by_another_program(path, "BEGIN IMMEDIATE"):
            with pytest.raises(Problem) as caught:
                await log.append(blocked(ana.link))
            assert caught.value.code is ProblemCode.DATABASE_LOCKED
            assert await mentorado_repository.all() == [ana]  # reading does not wait for somebody else's write
        await log.append(moved := blocked(ana.link))
        assert await log.for_mentorado(ana.id) == [moved]


async def test_a_lock_that_is_short_is_waited_for(path: Path) -> None:
    async with Database(path, busy_timeout=5) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            adding = SqlMentoradoRepository(database).add(new_mentorado())
            waiting = asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
            await adding
            waiting.cancel()
        assert len(await SqlMentoradoRepository(database).all()) == 1


async def test_a_full_disk_says_so_and_works_once_there_is_room(path: Path) -> None:
    """SQLite's own limit on the pages of a file raises what a full disk does."""
    await _fill(path, 10)
    async with Database(path) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        await database.run(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1"))  # means: no more than now
        added: list[int] = []

        async def fill() -> None:
            for number in range(500):
                await mentorado_repository.add(new_mentorado(f"N{number}", f"+5531900{number:05}"))
                added.append(number)

        with pytest.raises(Problem) as caught:
            await fill()
        assert caught.value.code is ProblemCode.DATABASE_DISK_FULL
        assert len(await mentorado_repository.all()) == 10 + len(added)
        await database.run(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000"))
        await mentorado_repository.add(new_mentorado("After", "+351912345678"))
        assert len(await mentorado_repository.all()) == 11 + len(added)


@pytest.mark.parametrize("place", ["file/conecta.db", "file/deeper/conecta.db", "folder"])
async def test_a_place_that_cannot_be_is_said_and_works_once_it_can(fast_dir: Path, place: str) -> None:
    (fast_dir / "file").touch()
    (fast_dir / "folder").mkdir(0o755)
    database = Database(fast_dir / place)
    with pytest.raises(Problem) as caught:
        await database.open()
    assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE
    assert caught.value.context["path"] == str(fast_dir / place)
    assert stat.S_IMODE((fast_dir / "folder").stat().st_mode) == 0o755
    (fast_dir / "file").unlink()
    (fast_dir / "folder").rmdir()
    await database.open()
    await database.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_of_somebody_elses_is_said(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o500)
    with pytest.raises(Problem) as caught:
        async with Database(path):
            pass
    assert caught.value.code is ProblemCode.DATABASE_NOT_WRITABLE
