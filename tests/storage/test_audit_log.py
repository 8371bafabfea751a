"""Nothing in the audit can be altered unseen."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.audit import FIRST_HASH, Actor, AuditOutcome, AuditRecord, ChainBreak, chain_entry
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.repositories import AuditLog
from app.storage import audit_log as audit_module
from app.storage.audit_integrity import AuditHeads
from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database
from tests.clock import DAWN

RECORD = AuditRecord(
    at=DAWN,
    actor=Actor(user="rosa", operator="Rosa Prado"),
    action="reauthenticate",
    mentorado_id=MentoradoId("a" * 32),
    subject="Ana Lima",
    before={"state": "blocked", "reason": "logged_out"},
    after={"state": "connected"},
    outcome=AuditOutcome.DONE,
    reason="troca de celular",
)


async def _record(database: Database, count: int) -> AuditLog:
    audit = SqlAuditLog(database)
    for number in range(1, count + 1):
        other = MentoradoId(str(number % 3) * 32)
        await audit.record(replace(RECORD, at=DAWN + timedelta(minutes=number), mentorado_id=other))
    return audit


def _tamper(path: Path, *statements: str) -> None:
    """Change the file as somebody would who knows SQLite: past the triggers, and with another program."""
    with closing(sqlite3.connect(path)) as raw, raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            raw.execute(statement)


async def test_an_entry_comes_back_as_it_was_recorded_at_its_place_in_the_chain(path: Path) -> None:
    later = replace(RECORD, at=(DAWN + timedelta(microseconds=7)).astimezone(timezone(timedelta(hours=-3))))
    bare = AuditRecord(at=DAWN, actor=Actor(user="rosa"), action="connect", outcome=AuditOutcome.DECLINED)
    async with Database(path) as database:
        audit = SqlAuditLog(database)
        recorded = [await audit.record(record) for record in (RECORD, later, bare)]
    async with Database(path) as database:
        assert [*await SqlAuditLog(database).entries()] == recorded[::-1]
        assert await SqlAuditLog(database).verify() is None
    assert [entry.number for entry in recorded] == [1, 2, 3]
    assert [entry.previous_hash for entry in recorded] == [FIRST_HASH, recorded[0].hash, recorded[1].hash]
    assert recorded[1].record == later
    assert recorded[1].record.at.tzinfo is UTC


async def test_entries_come_latest_first_in_pages_of_one_or_all_mentorados(path: Path) -> None:
    async with Database(path) as database:
        audit = await _record(database, 10)
        first = await audit.entries(limit=4)
        second = await audit.entries(limit=4, before=first[-1].number)
        of_one = await audit.entries(mentorado_id=MentoradoId("1" * 32), before=10)
    assert [entry.number for entry in (*first, *second)] == [10, 9, 8, 7, 6, 5, 4, 3]
    assert [entry.number for entry in of_one] == [7, 4, 1]


async def test_an_empty_audit_holds(path: Path) -> None:
    async with Database(path) as database:
        assert await SqlAuditLog(database).verify() is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'x' WHERE number = 2",
        "DELETE FROM audit WHERE number = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE number = 2",
        "REPLACE INTO audit SELECT * FROM audit WHERE number = 3",
        "INSERT INTO audit SELECT 9, at, user, operator, action, mentorado_id, subject, before, after, outcome, reason,"
        " hash, hash, NULL FROM audit WHERE number = 3",
        "UPDATE audit_head SET number = 2",
        "UPDATE audit_head SET hash = 'x'",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head SELECT 1, number, hash FROM audit WHERE number = 2",
    ],
)
async def test_the_database_refuses_to_change_what_was_recorded(path: Path, statement: str) -> None:
    async with Database(path) as database:
        audit = await _record(database, 3)
        with pytest.raises(IntegrityError):
            await database.run(lambda connection: connection.exec_driver_sql(statement))
        assert await audit.verify() is None
        assert len(await audit.entries()) == 3


COLUMNS = {
    "at": "'2026-01-01T09:00:00.000000+00:00'",
    "user": "'caio'",
    "operator": "''",
    "action": "'connect'",
    "mentorado_id": "NULL",
    "subject": "subject || ' '",
    "before": """'{"state": "off"}'""",
    "after": "'{}'",
    "outcome": "'failed'",
    "reason": "upper(reason)",
    "previous_hash": f"'{'0' * 63}1'",
    "hash": f"'{'f' * 64}'",
}
SLY = {  # the same value, written in another way
    "at": "replace(at, '+00:00', 'Z')",
    "before": "before || ' '",
    "after": "replace(after, ':', ' :')",
}
NONSENSE = {"at": "'yesterday'", "before": "'{'", "after": "'[1]'", "outcome": "'maybe'", "user": "x'ff'"}


@pytest.mark.parametrize(("column", "value"), [*COLUMNS.items(), *SLY.items(), *NONSENSE.items()])
async def test_an_altered_column_is_found_at_its_row(path: Path, column: str, value: str) -> None:
    number = random.randint(2, 20)  # noqa: S311
    async with Database(path) as database:
        await _record(database, 20)
    _tamper(path, f'UPDATE audit SET "{column}" = {value} WHERE number = {number}')
    async with Database(path) as database:
        assert await SqlAuditLog(database).verify() == ChainBreak(number=number, found="altered")


async def test_every_column_is_covered(path: Path) -> None:
    async with Database(path) as database:
        columns = await database.read(lambda c: c.exec_driver_sql("SELECT name FROM pragma_table_info('audit')").all())
    assert {name for (name,) in columns} == COLUMNS.keys() | {"number", "mac"}  # the seal: test_audit_seals.py


SWAP = (
    "UPDATE audit SET number = -1 WHERE number = 7",
    "UPDATE audit SET number = 7 WHERE number = 12",
    "UPDATE audit SET number = 12 WHERE number = -1",
)
APPEND = (
    "INSERT INTO audit SELECT 21, at, user, operator, action, mentorado_id, subject, before, after, outcome, reason,"
    " previous_hash, '{}', NULL FROM audit WHERE number = 20"
)


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["DELETE FROM audit WHERE number = 9"], ChainBreak(number=9, found="missing")),
        (["DELETE FROM audit WHERE number = 1"], ChainBreak(number=1, found="missing")),
        (["DELETE FROM audit WHERE number = 20"], ChainBreak(number=20, found="missing")),
        (["DELETE FROM audit WHERE number > 15"], ChainBreak(number=16, found="missing")),
        (["DELETE FROM audit"], ChainBreak(number=1, found="missing")),
        (["UPDATE audit SET number = 500 WHERE number = 4"], ChainBreak(number=4, found="missing")),
        (["UPDATE audit SET number = -4 WHERE number = 4"], ChainBreak(number=4, found="missing")),
        (SWAP, ChainBreak(number=7, found="altered")),
        ([APPEND.format("f" * 64)], ChainBreak(number=21, found="altered")),
        (["UPDATE audit_head SET number = 5"], ChainBreak(number=6, found="added behind the head")),
        (["UPDATE audit_head SET hash = 'x'"], ChainBreak(number=20, found="not what the head says")),
        (["DELETE FROM audit_head"], ChainBreak(number=21, found="the head is missing")),
        (
            ["INSERT INTO audit SELECT -1, at, user, operator, action, mentorado_id, subject, before, after, outcome,"
             " reason, previous_hash, hash, NULL FROM audit WHERE number = 20"],
            ChainBreak(number=-1, found="added before the first"),
        ),
    ],
)  # fmt: skip
async def test_what_is_removed_moved_or_added_is_found_at_its_row(
    path: Path, monkeypatch: pytest.MonkeyPatch, statements: list[str], broken: ChainBreak
) -> None:
    monkeypatch.setattr(audit_module, "_BATCH", 6)
    async with Database(path) as database:
        await _record(database, 20)
    _tamper(path, *statements)
    async with Database(path) as database:
        assert await SqlAuditLog(database).verify() == broken


async def test_a_well_made_entry_behind_the_head_or_after_a_gap_is_found(path: Path) -> None:
    async with Database(path) as database:
        last = [await SqlAuditLog(database).record(RECORD) for _ in range(3)][-1]
    forged = chain_entry(4, RECORD, last.hash)
    columns = "at, user, operator, action, mentorado_id, subject, before, after, outcome, reason"
    copied = f"INSERT INTO audit SELECT 4, {columns}, '{last.hash}', '{forged.hash}', NULL FROM audit WHERE number = 3"
    _tamper(path, copied)
    async with Database(path) as database:
        assert await SqlAuditLog(database).verify() == ChainBreak(number=4, found="added behind the head")


async def test_a_rewritten_entry_breaks_the_chain_at_the_next_one(path: Path) -> None:
    async with Database(path) as database:
        first, second, _ = [await SqlAuditLog(database).record(RECORD) for _ in range(3)]
    forged = chain_entry(2, replace(second.record, reason="nenhum"), first.hash)
    _tamper(path, f"UPDATE audit SET reason = 'nenhum', hash = '{forged.hash}' WHERE number = 2")
    async with Database(path) as database:
        found = await SqlAuditLog(database).verify()
    assert found == ChainBreak(number=3, found="not what follows the entry before")


async def test_after_a_removal_at_the_end_recording_goes_on_and_the_gap_stays(path: Path) -> None:
    async with Database(path) as database:
        await _record(database, 5)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DROP TRIGGER audit_no_delete")
        raw.execute("DELETE FROM audit WHERE number = 5")
    async with Database(path) as database:
        audit = SqlAuditLog(database)
        assert (await audit.record(RECORD)).number == 6
        assert await audit.verify() == ChainBreak(number=5, found="missing")


async def test_two_programs_record_into_one_chain(path: Path) -> None:
    async with Database(path) as one, Database(path) as other:
        for number in range(10):
            await SqlAuditLog((one, other)[number % 2]).record(RECORD)
        assert await SqlAuditLog(one).verify() is None
        assert [entry.number for entry in await SqlAuditLog(other).entries()] == [*range(10, 0, -1)]


# --- what the file beside the database tells --------------------------------------------------------------------------


def _head_set_back(path: Path) -> None:
    _tamper(
        path,
        "DELETE FROM audit WHERE number > 6",
        "UPDATE audit_head SET number = 6, hash = (SELECT hash FROM audit WHERE number = 6)",
    )


def _all_made_anew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        before = FIRST_HASH
        for number in range(1, 11):
            record = replace(RECORD, at=DAWN + timedelta(minutes=number), mentorado_id=None, reason="outra")
            entry = chain_entry(number, record, before)
            raw.execute(
                "UPDATE audit SET mentorado_id = NULL, reason = 'outra', previous_hash = ?, hash = ? WHERE number = ?",
                (before, entry.hash, number),
            )
            before = entry.hash
        raw.execute("UPDATE audit_head SET hash = ?", (before,))


def _an_older_copy(path: Path) -> None:
    path.with_suffix(".older").replace(path)


def _an_empty_database(path: Path) -> None:
    path.with_suffix(".empty").replace(path)


@pytest.mark.parametrize(
    ("forged", "broken"),
    [
        (_head_set_back, ChainBreak(number=7, found="noted outside the database and missing")),
        (_all_made_anew, ChainBreak(number=1, found="not what was noted outside the database")),
        (_an_older_copy, ChainBreak(number=6, found="noted outside the database and missing")),
        (_an_empty_database, ChainBreak(number=1, found="noted outside the database and missing")),
    ],
)
async def test_what_holds_by_itself_is_told_by_the_heads_noted_outside(
    path: Path, forged: Callable[[Path], None], broken: ChainBreak
) -> None:
    """Seen: all four were said to hold."""
    heads = AuditHeads(path.with_name("audit-heads.jsonl"))
    async with Database(path.with_suffix(".empty")):
        pass
    for count in (5, 5):
        async with Database(path) as database:
            audit = SqlAuditLog(database, heads)
            for _ in range(count):
                number = (await audit.head())[0] + 1
                await audit.record(replace(RECORD, at=DAWN + timedelta(minutes=number)))
            assert await audit.verify() is None
        if not path.with_suffix(".older").exists():
            shutil.copy(path, path.with_suffix(".older"))
    forged(path)
    async with Database(path) as database:
        assert await SqlAuditLog(database).verify() is None
        assert await SqlAuditLog(database, heads).verify() == broken
        heads.set_aside()
        assert await SqlAuditLog(database, heads).verify() is None
    assert len([*path.parent.glob("audit-heads.*.jsonl")]) == 1


async def test_a_file_of_heads_that_is_gone_is_said_so_and_from_where_it_begins_anew(path: Path) -> None:
    heads = AuditHeads(path.with_name("audit-heads.jsonl"))
    async with Database(path) as database:
        audit = SqlAuditLog(database, heads)
        assert (await audit.verification()).holds  # nothing is to be noted yet
        for _ in range(3):
            await audit.record(RECORD)
        assert ((await audit.verification()).noted_from, (await audit.verification()).holds) == (1, True)
        heads.path.unlink()
        found = await audit.verification()
        assert (found.broken, found.noted_to, found.holds) == (None, None, False)
        await audit.record(RECORD)
        found = await audit.verification()
        assert (found.noted_from, found.noted_to, found.holds) == (4, 4, True)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_head SET number = 9223372036854775807",
        "UPDATE audit_head SET number = 1",
        "UPDATE audit_head SET number = 'x'",
        "UPDATE audit_head SET number = -1",
        "UPDATE audit_head SET hash = x'00'",
        "DELETE FROM audit_head",
        "DROP TABLE audit_head",
    ],
)
async def test_a_head_that_no_version_writes_is_found_and_refuses_acts_with_a_sentence(path: Path, change: str) -> None:
    async with Database(path) as database:
        audit = SqlAuditLog(database)
        for _ in range(3):
            await audit.record(RECORD)
    with closing(sqlite3.connect(path)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute(change)
        raw.commit()
    async with Database(path) as database:
        audit = SqlAuditLog(database)
        assert await audit.verify() is not None
        await audit.head()
        with pytest.raises(Problem) as caught:
            await audit.record(RECORD)
        assert caught.value.code is ProblemCode.AUDIT_UNREADABLE


async def test_the_entry_of_a_change_is_noted_and_a_spoiled_line_spoils_no_other(path: Path) -> None:
    heads = AuditHeads(path.with_name("audit-heads.jsonl"))
    async with Database(path) as database:
        audit = SqlAuditLog(database, heads)
        assert await audit.head() == (0, FIRST_HASH)
        with audit.with_changes(lambda _count: RECORD):
            await database.run(lambda _connection: None)
        first = heads.known()
        with heads.path.open("a") as file:
            file.write('\n{"number": 2, "ha')
        second = await audit.record(RECORD)
        assert heads.known() == {**first, 2: second.hash}
        assert await audit.verify() is None
        with pytest.raises(ZeroDivisionError), audit.with_changes(lambda _count: RECORD):
            await database.run(lambda _connection: 1 / 0)
        assert heads.known().keys() == {1, 2}
    assert heads.path.stat().st_mode & 0o077 == 0


async def test_where_the_head_cannot_be_noted_the_act_is_done_all_the_same(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heads = AuditHeads(path.with_name("nowhere") / "audit-heads.jsonl")
    async with Database(path) as database:
        await SqlAuditLog(database, heads).record(RECORD)
        assert await SqlAuditLog(database, heads).verify() is None
    heads.set_aside()
    assert "could not be written" in caplog.text
