"""Values in the database that no version writes: a row may be left out, and nothing that is asked ends in a bug."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.audit import Actor, AuditOutcome, AuditRecord
from app.domain.errors import Problem, ProblemCode
from app.domain.messages import DeliveryStatus, Media, MessageKind, MessageUpdate
from app.domain.procedure import EntryKind, JournalEntry, ProcedureId, ProcedureInfo, ProcedureKind
from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database, count, plain
from app.storage.history.repository import SqlMessageRepository
from app.storage.journal import SqlProcedureJournal
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.set_aside import SqlSetAside
from app.storage.settings import SqlRegistrationAttempts, SqlSettings
from app.storage.tables import EARLIEST, LATEST, UtcTime, metadata
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.people import blocked
from tests.storage.talk import BIA, GROUP, a_message, add_mentorado, edit, minutes, reaction, receipt

HOSTILE = (b"\xff\xfe", "zzz", 2**63 - 1)
KEYS = {"id", "number", "mentorado_id", "link_id", "conversation_id", "contact_id", "procedure_id", "key", "kind_key"}
"""What points to other rows is not changed: the database itself refuses that."""


async def filled(path: Path) -> None:
    """A row in every table that is read."""
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        media = Media(mime="image/png", name="a.png", size=3, seconds=1)
        facts: list[MessageUpdate] = [
            a_message("M1", "oi", sender_name="Bia"),
            a_message("M2", "foto", media=media, kind=MessageKind.IMAGE, refers_to="M1"),
            a_message("M3", "eu", from_me=True),
            a_message("G1", "grupo", GROUP, sender=(BIA,)),
            edit("E1", "M1", "olá"),
            reaction("R1", "M1", "👍"),
            receipt(DeliveryStatus.READ, "M3", "later"),
        ]
        await history.store(ana, facts, minutes(5))
        await SqlTransitionRepository(database).append(blocked(ana.link, account=ana.phone))
        await SqlAuditLog(database).record(
            AuditRecord(
                at=DAWN,
                actor=Actor(user="rosa"),
                action="erase_contact",
                mentorado_id=ana.id,
                subject="Ana",
                before={"a": "b"},
                after={},
                outcome=AuditOutcome.DONE,
                reason="",
            )
        )
        head = ProcedureInfo(
            id=ProcedureId("1" * 32),
            kind=ProcedureKind.BACKUP,
            mentorado_id=ana.id,
            actor=Actor(user="rosa"),
            began_at=DAWN,
        )
        await SqlProcedureJournal(database).begin(
            head, JournalEntry(procedure_id=head.id, number=1, at=DAWN, kind=EntryKind.BEGAN)
        )
        await SqlRegistrationAttempts(database).add(ana.link.id, DAWN)


async def read_everything(database: Database) -> None:
    """All that the window and the commands read."""
    mentorado_repository, history, log = (
        SqlMentoradoRepository(database),
        SqlMessageRepository(database),
        SqlTransitionRepository(database),
    )
    for mentorado in await mentorado_repository.all():
        whose, link = mentorado.id, mentorado.link.id
        str(mentorado.created_at.astimezone())
        await log.for_mentorado(whose)
        await log.since(link, DAWN)
        for talk in await history.conversations(whose):
            str(talk.last_at.astimezone())
            await history.messages(talk.id)
            await history.messages_after(talk.id, 0)
        await history.extent(whose)
        await history.find_contact(whose, BIA)
        [batch async for batch in history.export(whose)]
        await SqlProcedureJournal(database).latest(whose)
        await SqlRegistrationAttempts(database).since(link, DAWN)
    await log.latest()
    await log.forbidding()
    await history.search("oi")
    try:
        await SqlAuditLog(database).entries()
    except Problem as problem:
        assert problem.code is ProblemCode.AUDIT_UNREADABLE  # noqa: PT017 - either is right: it reads, or says so
    await SqlAuditLog(database).verify()
    await SqlProcedureJournal(database).unfinished()
    await SqlSettings(database).load()
    await SqlSetAside(database).counts()
    await SqlSetAside(database).latest()
    await SqlTimeRecords(database).newest()
    await SqlTimeRecords(database).mark()


async def _do(database: Database, statement: str, **values: object) -> None:
    await database.run(lambda connection: connection.execute(text(statement), values))


COLUMNS = {
    table.name: [column.name for column in table.columns if column.name not in KEYS and not column.foreign_keys]
    for table in metadata.sorted_tables
    if table.name not in ("audit_head", "search_mark", "suppression", "setting")
}


@pytest.mark.parametrize("table", COLUMNS)
async def test_no_value_of_any_column_ends_what_reads_it(
    path: Path, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    await filled(path)
    with closing(sqlite3.connect(path)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.commit()
    async with Database(path) as database:
        await read_everything(database)
        assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
        await _do(database, f'CREATE TABLE kept AS SELECT * FROM "{table}"')
        for column in COLUMNS[table]:
            for value in HOSTILE:
                await _do(database, f'UPDATE OR IGNORE "{table}" SET "{column}" = :value', value=value)
                try:
                    await read_everything(database)
                except Exception as error:  # say where
                    raise AssertionError(f"{column} = {value!r}: {error!r}") from error
            await _do(database, f'INSERT OR REPLACE INTO "{table}" SELECT * FROM kept')
    assert {each.levelname for each in caplog.records if each.levelno >= logging.WARNING} <= {"WARNING"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ("2026-01-01T00:00:00.000000+00:00", DAWN),
        ("2026-01-01T01:00:00+01:00", DAWN),
        ("2026-01-01T00:00:00", DAWN),
        ("never", EARLIEST),
        (b"\xff", EARLIEST),
        ("0001-01-01T00:00:00+23:00", EARLIEST),
        ("1066-10-14T00:00:00+00:00", EARLIEST),
        ("9999-12-31T23:59:59.999999+00:00", LATEST),
    ],
)
def test_whatever_is_read_as_a_time_can_be_reckoned_with(written: object, read: datetime | None) -> None:
    found = UtcTime().process_result_value(written, None)  # type: ignore[arg-type] # neither is asked about
    assert found == read
    if found is not None:
        assert found.tzinfo is UTC
        str(found.astimezone())


def test_what_is_no_text_and_no_count_becomes_one() -> None:
    assert [plain(each) for each in ("a", b"\xff", None, 7)] == ["a", "�", "", "7"]
    assert [count(each) for each in (7, -1, 2**63 - 1, "7", None)] == [7, None, None, None, None]


async def test_a_text_that_is_none_says_that_the_file_is_damaged(path: Path) -> None:
    await filled(path)
    async with Database(path) as database:
        await database.run(lambda c: c.execute(text("UPDATE mentorado SET name = CAST(x'ff' AS TEXT)")))
        with pytest.raises(Problem) as caught:
            await SqlMentoradoRepository(database).all()
        assert caught.value.code is ProblemCode.DATABASE_CORRUPT
