# ruff: noqa: ASYNC240 - tests may touch files while their loop waits
"""The shape that migrations lead to is the one of tables.py, from every revision that was ever released."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex

from app.domain.audit import Actor, AuditRecord
from app.domain.link_status import LinkState, LinkStatus, Trigger
from app.domain.messages import DeliveryStatus, MessageUpdate
from app.domain.repositories import Transition
from app.storage.audit_log import SqlAuditLog
from app.storage.columns import metadata
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.migrations import ADDED, OURS, SHAPE_QUERY, Migrations, shape_fault
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado
from tests.storage.talk import BIA, BIA_LID, a_message, edit, reaction, receipt

SHAPES = Path(__file__).parent / "shapes"
"""One dump for each revision: its shape as it was released, and a few rows."""


def _scripts() -> list[Script]:
    config = Config()
    config.set_main_option("script_location", str(OURS.folder))
    return [*ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_the_revisions_that_are_known_without_alembic_are_those_of_the_scripts() -> None:
    assert tuple(script.revision for script in _scripts()) == OURS.revisions
    assert [script.revision for script in _scripts() if script.is_head] == [OURS.head]


def test_no_migration_depends_on_code_that_lives_on() -> None:
    for script in (OURS.folder / "versions").glob("*.py"):
        assert "from app" not in script.read_text()
        assert "import app" not in script.read_text()


async def test_migrations_lead_to_the_tables_of_today(path: Path) -> None:
    async with Database(path) as database:
        assert await database.read(_differences) == []


async def test_the_comparison_would_notice_a_difference(path: Path) -> None:
    async with Database(path) as database:
        await database.run(lambda c: c.exec_driver_sql("ALTER TABLE link ADD COLUMN more VARCHAR"))
        await database.run(lambda c: c.exec_driver_sql("DROP INDEX uq_link_active"))
        assert len(await database.read(_differences)) == 2


def _differences(connection: Connection) -> Sequence[object]:
    """The search index aside: its tables are SQLite's own, and only migrations speak of them."""
    opts = {"compare_type": True, "include_name": lambda name, *_: not str(name).startswith("message_fts")}
    context = MigrationContext.configure(connection, opts=opts)
    differences: list[object] = compare_metadata(context, metadata)
    return differences


async def test_partial_indexes_hold_for_the_same_rows_as_in_the_tables(path: Path) -> None:
    """What the comparison does not look at."""
    async with Database(path) as database:
        rows = await database.read(
            lambda c: c.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
            ).all()
        )
        tables = [index for table in metadata.sorted_tables for index in table.indexes]
        dialect = await database.read(lambda c: c.dialect)
    expected = {str(index.name): str(CreateIndex(index).compile(dialect=dialect)) for index in tables}
    found = {str(row[0]): str(row[1]) for row in rows}
    assert found == {name: sql for name, sql in expected.items() if " WHERE " in sql}
    assert len(found) == 6


def test_the_migrations_can_be_run_on_a_server() -> None:
    written = StringIO()
    options = {"as_sql": True, "output_buffer": written}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        for script in _scripts():
            script.module.upgrade()
    assert all(f"CREATE TABLE {table.name}" in written.getvalue() for table in metadata.sorted_tables)
    assert written.getvalue().count(" WHERE ") == 6  # the partial indexes
    assert "TRIGGER" not in written.getvalue()


@pytest.mark.parametrize("revision", OURS.revisions)
async def test_every_released_shape_is_frozen(path: Path, revision: str) -> None:
    known = OURS.revisions[: OURS.revisions.index(revision) + 1]
    frozen = SHAPES / f"{revision}.sql"
    async with Database(path, migrations=Migrations(OURS.folder, known)) as database:
        if os.environ.get("CONECTA_FREEZE") and revision == OURS.head and not frozen.exists():
            await _freeze(database, path, frozen)
    assert _shape(_load(path.with_suffix(".frozen"), frozen)) == _shape(path)


def test_what_each_revision_added_is_what_its_frozen_shape_has_and_the_one_before_has_not(path: Path) -> None:
    path.parent.mkdir()
    before: set[str] = set()
    for revision in OURS.revisions:
        with closing(sqlite3.connect(_load(path.with_suffix(f".{revision}"), SHAPES / f"{revision}.sql"))) as raw:
            found = {name for (name,) in raw.execute(SHAPE_QUERY)}
        assert before <= found, "nothing was taken away"
        own = ("alembic_version", "sqlite_", "message_fts_")  # SQLite's and Alembic's
        tables = {each for each in found - before if "." not in each and not each.startswith(own)}
        columns = {each for each in found - before if "." in each and each.partition(".")[0] in before}
        assert tables | columns == set(ADDED[revision])
        assert shape_fault(frozenset(found), revision, OURS) == ""
        before = found


@pytest.mark.parametrize("revision", OURS.revisions)
async def test_a_database_of_any_release_is_brought_to_today_with_all_its_rows(path: Path, revision: str) -> None:
    path.parent.mkdir()
    _load(path, SHAPES / f"{revision}.sql")
    async with Database(path) as database:
        assert await database.read(_differences) == []
        ana, bruno = await SqlMentoradoRepository(database).all()
        moves = await SqlTransitionRepository(database).for_mentorado(ana.id)
    assert (ana.name, ana.link.enabled, bruno.archived) == ("Ana Lima", True, True)
    assert [move.trigger.name for move in moves] == ["OPENED", "CONNECT"]


async def test_history_and_audit_of_a_release_are_still_there(path: Path) -> None:
    path.parent.mkdir()
    _load(path, SHAPES / "0002.sql")
    async with Database(path) as database:
        ana = (await SqlMentoradoRepository(database).all())[0]
        history, audit = SqlMessageRepository(database), SqlAuditLog(database)
        (bia,) = await history.conversations(ana.id)
        answer, question = await history.messages(bia.id)
        (found,) = await history.search("AMANHA")
        (late,) = await history.search("mais tarde", mentorado_id=ana.id)
        assert await audit.verify() is None
        assert [entry.record.action for entry in await audit.entries()] == ["reconnect", "connect"]
    assert (question.text, question.original_text, question.reactions) == ("Amanhã às 9?", "Amanhã?", ("👍",))
    assert (answer.quoted_text, answer.delivery) == ("Amanhã às 9?", DeliveryStatus.READ)
    assert (found, late) == (question, answer)


async def _freeze(database: Database, path: Path, frozen: Path) -> None:
    ana, bruno = new_mentorado("Ana Lima"), new_mentorado("Bruno Sá", "+5521912345678", archived_at=DAWN)
    mentorado_repository, log = SqlMentoradoRepository(database), SqlTransitionRepository(database)
    for mentorado in (ana, bruno):
        await mentorado_repository.add(mentorado)
    await mentorado_repository.save_link(replace(ana.link, enabled=True))
    statuses = [
        LinkStatus(state=state, since=DAWN) for state in (LinkState.OFF, LinkState.CONNECTING, LinkState.CONNECTED)
    ]
    for trigger, before, after in zip((Trigger.CONNECT, Trigger.OPENED), statuses, statuses[1:], strict=False):
        await log.append(Transition(link_id=ana.link.id, at=DAWN, trigger=trigger, before=before, after=after))
    facts: list[MessageUpdate] = [
        a_message("Q", "Amanhã?", BIA, BIA_LID, sender_name="Bia"),
        edit("E", "Q", "Amanhã às 9?", minute=1),
        a_message("A", "Mais tarde", from_me=True, refers_to="Q", minute=2),
        reaction("R", "Q", "👍", from_me=True, minute=3),
        receipt(DeliveryStatus.READ, "A", "early", minute=4),
    ]
    await SqlMessageRepository(database).store(ana, facts, DAWN)
    await SqlMessageRepository(database).index_pending()
    for action in ("connect", "reconnect"):
        await SqlAuditLog(database).record(AuditRecord(at=DAWN, actor=Actor(user="rosa"), action=action))
    frozen.write_text(_dump(path), encoding="utf-8")


def _dump(path: Path) -> str:
    """The search index is filled when the dump is read: what it consists of is another matter in each SQLite."""
    with closing(sqlite3.connect(path)) as raw:
        lines = [line for line in raw.iterdump() if "message_fts" not in line and "writable_schema" not in line]
        (search,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'message_fts'").fetchone()
        triggers = [line for line in raw.iterdump() if line.startswith("CREATE TRIGGER message_words")]
    fill = "INSERT INTO message_fts (message_fts) VALUES ('rebuild')"
    return "\n".join([*lines[:-1], f"{search};", f"{fill};", *triggers, lines[-1]]) + "\n"


def _load(path: Path, dump: Path) -> Path:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(dump.read_text(encoding="utf-8"))
    return path


def _shape(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(name, " ".join(sql.split())) for name, sql in rows}  # libraries may break lines anew
