"""Disks that are really full or really read-only: small ones, mounted for the test alone, where root obeys too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.small_disk import MOUNTS, needs_small_disk

PRELUDE = """
import asyncio, os, subprocess, sys
from pathlib import Path
from app.domain.errors import ProblemCode, Problem
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.people import new_mentorado
from tests.storage.revisions import with_next

disk = Path(sys.argv[1])
path = disk / "data" / "conecta.db"

def fill_up(leaving=0):
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            for size in (65536, 4096, 1):
                while True:
                    if ballast.write(bytes(size)) < size: break
        except OSError: pass
        ballast.truncate(ballast.tell() - leaving)

async def code_of(awaitable):
    try: await awaitable
    except Problem as problem: return problem.code
"""


pytestmark = needs_small_disk


def _on_a_small_disk(folder: Path, script: str) -> None:
    shell = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" -c "$3" "$1" "$4"'
    disk = folder / "disk"
    disk.mkdir()
    command = [*MOUNTS, "sh", "-c", shell, "sh", str(disk), sys.executable, PRELUDE + script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_disk_that_fills_up_loses_nothing_and_is_used_again_when_there_is_room(tmp_path: Path) -> None:
    _on_a_small_disk(
        tmp_path,
        """
async def main():
    async with Database(path) as database:
        roster = SqlMentoradoRepository(database)
        await roster.add(ana := new_mentorado())
        fill_up()
        code, stored = None, 1
        while code is None and stored < 3000:  # the log has some room left in its last page
            code = await code_of(roster.add(new_mentorado(f"N{stored}", f"+5531900{stored:05}")))
            stored += code is None
        assert code is ProblemCode.DATABASE_DISK_FULL, code
        assert len(await roster.all()) == stored
        (disk / "ballast").unlink()
        await roster.add(new_mentorado("Later", "+351912345678"))
    async with Database(path) as database:
        assert len(await SqlMentoradoRepository(database).all()) == stored + 1
asyncio.run(main())
""",
    )


def test_a_disk_that_is_full_from_the_start_says_so_and_works_when_there_is_room(tmp_path: Path) -> None:
    _on_a_small_disk(
        tmp_path,
        """
async def main():
    path.parent.mkdir()
    fill_up()
    database = Database(path)
    assert await code_of(database.open()) is ProblemCode.DATABASE_DISK_FULL
    (disk / "ballast").unlink()
    await SqlMentoradoRepository(database).add(new_mentorado())
    await database.close()
asyncio.run(main())
""",
    )


def test_a_copy_that_does_not_fit_stops_the_migration_before_it_begins(tmp_path: Path) -> None:
    _on_a_small_disk(
        tmp_path,
        """
async def main():
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado(cohort="x" * 500_000))
    before = path.read_bytes()
    fill_up(leaving=200_000)
    adds = "op.execute('ALTER TABLE mentorado ADD COLUMN nickname VARCHAR')"
    newer = Database(path, migrations=with_next(Path(sys.argv[2]) / "next", adds))
    assert await code_of(newer.open()) is ProblemCode.DATABASE_DISK_FULL
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["conecta.db"], [*path.parent.iterdir()]
    (disk / "ballast").unlink()
    assert [each.id for each in await SqlMentoradoRepository(newer).all()] == [ana.id]
    await newer.close()
asyncio.run(main())
""",
    )


def test_a_disk_that_becomes_read_only_says_so_and_works_when_it_is_writable_again(tmp_path: Path) -> None:
    _on_a_small_disk(
        tmp_path,
        """
def remount(how): subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)

async def main():
    database = Database(path)
    path.parent.mkdir()
    remount("ro")
    assert await code_of(database.open()) is ProblemCode.DATABASE_NOT_WRITABLE
    remount("rw")
    await SqlMentoradoRepository(database).add(ana := new_mentorado())
    await database.close()
    remount("ro")
    database = Database(path)
    assert await code_of(database.open()) is ProblemCode.DATABASE_NOT_WRITABLE
    assert await code_of(SqlMentoradoRepository(database).all()) is ProblemCode.DATABASE_NOT_WRITABLE
    remount("rw")
    assert await SqlMentoradoRepository(database).all() == [ana]
    await database.close()
asyncio.run(main())
""",
    )
