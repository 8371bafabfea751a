# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
"""What follows from the rest of the database is made anew, and no message is ever missed or harmed by it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.diagnosis import DiagnosisCode, Fix
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.inspection import inspect_database
from app.storage.migrations import OURS, PARTS
from app.storage.repair import SEARCH, lacking_parts, search_damage
from tests.storage.talk import BIA, a_message, add_mentorado, edit, minutes, rows

SHAPES = Path(__file__).parent / "shapes"

DAMAGES = {
    "its pieces are gone": "DELETE FROM message_fts_data WHERE id > 10",
    "all of it is gone": "DELETE FROM message_fts_data",
    "its pieces are noise": "UPDATE message_fts_data SET block = randomblob(300) WHERE id > 10",
    "where its pieces begin is gone": "DELETE FROM message_fts_idx",
    "what it has is gone": "DELETE FROM message_fts_docsize",
    "a table of it is gone": "DROP TABLE message_fts_data",
    "its settings are gone": "DROP TABLE message_fts_config",
    "it is gone": "DROP TABLE message_fts",
    "up to where it goes is gone": "DELETE FROM search_mark",
    "it says to go further than it does": "UPDATE search_mark SET number = 1000000",
    "the table of its mark is gone": "DROP TABLE search_mark",
    "its view is gone": "DROP VIEW message_words",
    "its triggers are gone": "DROP TRIGGER message_words_change",
    "its first page is noise": "",
}


async def _talk(path: Path, count: int = 40) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        facts = [a_message(f"M{number}", f"palavra numero{number}", BIA, minute=number) for number in range(count)]
        await history.store(ana, facts, minutes(count))
        await history.index_pending()


def _damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        if statement:
            raw.execute(statement)
            return
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message_fts_data'").fetchone()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = os.urandom(4096)
    path.write_bytes(content)


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_index_is_found_made_anew_and_told_of_and_no_message_is_missed(
    path: Path, statement: str
) -> None:
    await _talk(path)
    _damage(path, statement)
    (found,) = inspect_database(path)
    assert found.code in (DiagnosisCode.SEARCH_DAMAGED, DiagnosisCode.DATABASE_LACKS)
    assert found.fix is Fix.REPAIR_DATABASE
    named: list[str] = []

    async def tell(names: Sequence[str]) -> None:
        named.extend(names)

    database = Database(path)
    database.on_repaired = tell
    async with database:
        history = SqlMessageRepository(database)
        await database.repair()
        assert "message_fts" in named
        assert len(await history.search("palavra")) == 40
        assert [each.provider_id for each in await history.search("numero7")] == ["M7"]
        await history.index_pending()
        assert [each.provider_id for each in await history.search("numero7")] == ["M7"]
        assert await history.traces_left(), "the pages of the former one wait to be freed"
        (left,) = inspect_database(path)
        assert left.code is DiagnosisCode.DATABASE_FINE
        await history.overwrite()
        await database.repair()
    assert named.count("message_fts") == 1
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (after,) = inspect_database(path)
    assert after.code is DiagnosisCode.DATABASE_FINE


async def test_a_search_that_meets_the_damage_finds_everything_and_has_it_mended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "app.storage")
    await _talk(path)
    async with Database(path) as database:
        history = SqlMessageRepository(database)
        assert len(await history.search("palavra")) == 40
        await database.run(lambda c: c.exec_driver_sql("DELETE FROM message_fts_data WHERE id > 10"))
        assert len(await history.search("palavra")) == 40
        assert await rows(database, "SELECT number FROM search_mark") == [(0,)]
        await history.index_pending()
        assert len(await history.search("palavra")) == 40
    assert "made anew: message_fts" in caplog.text


async def test_an_edit_and_an_erasure_that_meet_the_damage_happen_all_the_same(path: Path) -> None:
    await _talk(path)
    async with Database(path) as database:
        history = SqlMessageRepository(database)
        ((mentorado_id, contact_id),) = await rows(database, "SELECT mentorado_id, id FROM contact")
        await database.run(lambda c: c.exec_driver_sql("DELETE FROM message_fts_data"))
        assert await history.erase(MentoradoId(str(mentorado_id)), contact_id, minutes(50)) == 40
        assert await history.search("palavra") == []
        await history.overwrite()
    assert b"numero7" not in path.read_bytes()


async def test_a_message_that_is_changed_over_a_damaged_index_is_stored(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "uma palavra")], minutes(1))
        await history.index_pending()
        await database.run(lambda c: c.exec_driver_sql("DROP TABLE message_fts_data"))
        await history.store(ana, [edit("E1", "M1", "outra")], minutes(2))
        assert [each.text for each in await history.search("outra")] == ["outra"]
        assert await history.search("palavra") == []


async def test_while_nothing_can_be_written_all_messages_are_searched_as_they_are(path: Path) -> None:
    await _talk(path)
    _damage(path, DAMAGES["its pieces are noise"])
    async with Database(path, busy_timeout=0.05) as database:
        history = SqlMessageRepository(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert len(await history.search("palavra")) == 40
            assert [each.provider_id for each in await history.search("numero7")] == ["M7"]
        await asyncio.sleep(0)
        assert len(await history.search("palavra")) == 40
        assert await rows(database, "SELECT number FROM search_mark") == [(0,)]


async def test_where_messages_are_damaged_too_nothing_is_touched(path: Path) -> None:
    await _talk(path)
    with closing(sqlite3.connect(path)) as raw:
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = os.urandom(4096)
    path.write_bytes(content)
    _damage(path, "DELETE FROM message_fts_idx")
    before = path.read_bytes()
    (found,) = inspect_database(path)
    assert found.code is DiagnosisCode.DATABASE_UNUSABLE
    async with Database(path) as database:
        await database.repair()
        with pytest.raises(Problem) as caught:
            await SqlMessageRepository(database).search("palavra")
    assert caught.value.code is ProblemCode.DATABASE_CORRUPT
    assert path.read_bytes() == before


@pytest.mark.parametrize("revision", OURS.revisions)
def test_what_each_revision_brought_beside_tables_is_what_its_frozen_shape_has(revision: str) -> None:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.executescript((SHAPES / f"{revision}.sql").read_text(encoding="utf-8"))
        kinds = "('index', 'trigger', 'view')"
        found = raw.execute(f"SELECT name FROM sqlite_master WHERE type IN {kinds} AND sql IS NOT NULL")
        known = OURS.revisions[: OURS.revisions.index(revision) + 1]
        assert {name for (name,) in found} == {name for each in known for name in PARTS.get(each, ())}
        assert lacking_parts(raw, revision, OURS) == []


@pytest.mark.parametrize("name", [name for each in PARTS.values() for name in each])
async def test_each_part_that_is_missing_is_named_and_made_anew_at_the_next_start(path: Path, name: str) -> None:
    await _talk(path, 2)
    with closing(sqlite3.connect(path)) as raw, raw:
        kind, sql = raw.execute("SELECT type, sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        raw.execute(f"DROP {kind} {name}")
    (found,) = inspect_database(path)
    assert (found.code, found.evidence["names"]) == (DiagnosisCode.DATABASE_LACKS, name)
    async with Database(path) as database:
        assert await rows(database, f"SELECT sql FROM sqlite_master WHERE name = '{name}'") == [(sql,)]
    (after,) = inspect_database(path)
    assert after.code is DiagnosisCode.DATABASE_FINE


async def test_an_index_that_rows_forbid_keeps_nobody_out(path: Path) -> None:
    await _talk(path, 2)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DROP INDEX uq_mentorado_active_phone")
        columns = [row[1] for row in raw.execute("PRAGMA table_info(mentorado)")]
        taken = ", ".join("'x' || substr(id, 2)" if each == "id" else each for each in columns)
        raw.execute(f"INSERT INTO mentorado SELECT {taken} FROM mentorado")
    async with Database(path) as database:
        assert await rows(database, "SELECT count(*) FROM mentorado") == [(2,)]
    (found,) = inspect_database(path)
    assert (found.code, found.evidence["names"]) == (DiagnosisCode.DATABASE_LACKS, "uq_mentorado_active_phone")


def test_a_whole_index_is_never_called_damaged(path: Path) -> None:
    asyncio.run(_talk(path))
    with closing(sqlite3.connect(path)) as raw:
        assert search_damage(raw) == ""
        assert {name for (name,) in raw.execute("SELECT name FROM sqlite_master")} >= {
            each for each in SEARCH if "." not in each
        }
