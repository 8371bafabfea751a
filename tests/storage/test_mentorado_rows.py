"""Who there is, as `sqlite3` alone reads it for the first picture."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.mentorado import Mentorado
from app.domain.phone import PhoneNumber
from app.storage import mentorado_rows
from app.storage.database import Database
from app.storage.mentorado_rows import read_mentorados
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado


async def fill(path: Path, count: int = 3) -> None:
    async with Database(path) as database:
        repository = SqlMentoradoRepository(database)
        for number in range(count):
            await repository.add(new_mentorado(f"Pessoa {number}", f"+55119876543{number:02}"))


async def everybody_in(path: Path) -> list[Mentorado]:
    async with Database(path) as database:
        return list(await SqlMentoradoRepository(database).all())


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        for statement in statements:
            opened.execute(statement)


async def test_it_reads_what_the_repository_does(path: Path) -> None:
    ana = new_mentorado("Ágata", cohort="Turma 7", archived_at=DAWN)
    linked = replace(ana.link, enabled=True, account=PhoneNumber("+551187654321"))
    async with Database(path) as database:
        repository = SqlMentoradoRepository(database)
        await repository.add(new_mentorado("Bruno", "+5521912345678"))
        await repository.add(replace(ana, link=linked))
        await repository.add_link(replace(new_mentorado().link, mentorado_id=ana.id, in_use=False))
        everybody = list(await repository.all())
        assert read_mentorados(path) == everybody  # also while it is open elsewhere
    assert read_mentorados(path) == everybody
    assert [each.link.enabled for each in everybody] == [True, False]


def test_it_changes_nothing(path: Path) -> None:
    asyncio.run(fill(path))
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert len(read_mentorados(path)) == 3
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert asyncio.run(everybody_in(path)) == read_mentorados(path)  # and who opens the file next finds all well


def test_a_file_that_is_not_there_is_not_made(path: Path) -> None:
    assert read_mentorados(path) == ()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE alembic_version SET version_num = '0001'",  # has to be brought to today's shape first
        "UPDATE alembic_version SET version_num = '9999'",  # of a later version
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
        "DROP TABLE link",
        "UPDATE link SET provider = 'pigeon'",
        "DELETE FROM link",
    ],
)
async def test_a_file_of_another_shape_or_with_other_contents_is_left_to_the_checks(path: Path, harm: str) -> None:
    await fill(path)
    execute(path, "PRAGMA foreign_keys = OFF", harm)
    assert read_mentorados(path) == ()


def test_a_damaged_file_is_left_to_the_checks(path: Path) -> None:
    asyncio.run(fill(path))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 3], whole[:100] + bytes(len(whole) - 100), b"no database"):
        path.write_bytes(damaged)
        assert read_mentorados(path) == ()


async def test_it_waits_for_nobody(path: Path) -> None:
    await fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert read_mentorados(path) == ()


async def test_more_than_are_read_at_once_come_with_the_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path, 3)
    monkeypatch.setattr(mentorado_rows, "MOST", 2)
    assert read_mentorados(path) == ()


def test_it_takes_nothing_that_is_slow_to_load() -> None:
    script = "import sys, app.storage.mentorado_rows; print([m for m in ('sqlalchemy', 'asyncio') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_a_pipe_in_the_place_of_the_database_is_not_waited_for(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert read_mentorados(path) == ()
