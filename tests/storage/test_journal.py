"""What a procedure did is read again as it was written, and cannot be written otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.audit import Actor
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.procedure import (
    EntryKind,
    JournalEntry,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    StepName,
    new_procedure_id,
)
from app.domain.repositories import ProcedureJournal
from app.storage.database import Database
from app.storage.journal import SqlProcedureJournal
from app.storage.mentorados import SqlMentoradoRepository
from tests.clock import DAWN
from tests.storage.people import new_mentorado


def _head(mentorado: Mentorado, kind: ProcedureKind = ProcedureKind.RECOVERY, minute: int = 0) -> ProcedureInfo:
    return ProcedureInfo(
        id=new_procedure_id(),
        kind=kind,
        mentorado_id=mentorado.id,
        actor=Actor(user="rosa", operator="Rosa Prado"),
        began_at=DAWN + timedelta(minutes=minute, microseconds=3),
        facts={"override_reason": "é só ela"},
    )


def _entry(head: ProcedureInfo, number: int, kind: EntryKind, step: StepName | None = None) -> JournalEntry:
    facts = {"links": "1"} if step else {}
    return JournalEntry(procedure_id=head.id, number=number, at=head.began_at, kind=kind, step=step, facts=facts)


def _began(head: ProcedureInfo) -> JournalEntry:
    return _entry(head, 1, EntryKind.BEGAN)


async def test_a_procedure_comes_back_as_it_was_written(path: Path) -> None:
    head = _head(ana := new_mentorado())
    journal = [
        _began(head),
        _entry(head, 2, EntryKind.STEP_BEGAN, StepName.SCOPE),
        _entry(head, 3, EntryKind.STEP_DONE, StepName.SCOPE),
    ]
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        written: ProcedureJournal = SqlProcedureJournal(database)
        await written.begin(head, journal[0])
        for entry in journal[1:]:
            await written.append(entry)
    async with Database(path) as database:
        assert await SqlProcedureJournal(database).for_mentorado(head.id) == (head, journal)


async def test_a_procedure_nobody_began_is_unknown(path: Path) -> None:
    async with Database(path) as database:
        with pytest.raises(Problem) as caught:
            await SqlProcedureJournal(database).for_mentorado(ProcedureId("0" * 32))
    assert caught.value.code is ProblemCode.PROCEDURE_UNKNOWN


async def test_unfinished_are_those_without_a_last_entry_the_oldest_first(path: Path) -> None:
    ana, bruno = new_mentorado(), new_mentorado("Bruno Sá", "+5521912345678")
    # The clock stepped back between the two: the order is the one in which they were begun.
    heads = [_head(ana, minute=2), _head(bruno, ProcedureKind.BACKUP, minute=1), _head(ana, ProcedureKind.BACKUP)]
    async with Database(path) as database:
        for mentorado in (ana, bruno):
            await SqlMentoradoRepository(database).add(mentorado)
        journal = SqlProcedureJournal(database)
        for head in heads:
            await journal.begin(head, _began(head))
        assert [found for found, _ in await journal.unfinished()] == heads
        await journal.append(_entry(heads[0], 2, EntryKind.ENDED))
        assert await journal.unfinished() == [(head, [_began(head)]) for head in heads[1:]]


async def test_the_latest_of_one_mentorado_come_first(path: Path) -> None:
    ana, bruno = new_mentorado(), new_mentorado("Bruno Sá", "+5521912345678")
    async with Database(path) as database:
        journal = SqlProcedureJournal(database)
        heads = []
        for mentorado in (ana, bruno):
            await SqlMentoradoRepository(database).add(mentorado)
            for _ in range(3):
                heads.append(head := _head(mentorado))
                await journal.begin(head, _began(head))
                await journal.append(_entry(head, 2, EntryKind.ENDED))
        found = await journal.latest(ana.id, limit=2)
    assert [head for head, _ in found] == [heads[2], heads[1]]
    assert [len(entries) for _, entries in found] == [2, 2]


async def test_a_beginning_is_whole_or_not_there(path: Path) -> None:
    head = _head(ana := new_mentorado())
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        with pytest.raises(Problem):
            await SqlProcedureJournal(database).begin(head, _entry(head, 2, EntryKind.BEGAN))
        assert await SqlProcedureJournal(database).unfinished() == []


async def test_a_procedure_is_somebodys(path: Path) -> None:
    head = _head(new_mentorado())
    async with Database(path) as database:
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            await SqlProcedureJournal(database).begin(head, _began(head))


@pytest.mark.parametrize("number", [1, 2, 4])
async def test_only_the_next_entry_can_be_written(path: Path, number: int) -> None:
    head = _head(ana := new_mentorado())
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        journal = SqlProcedureJournal(database)
        await journal.begin(head, _began(head))
        await journal.append(_entry(head, 2, EntryKind.PAUSED))
        with pytest.raises(Problem) as caught:
            await journal.append(_entry(head, number, EntryKind.CONTINUED))
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW


async def test_nothing_follows_the_last_entry(path: Path) -> None:
    head = _head(ana := new_mentorado())
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        journal = SqlProcedureJournal(database)
        await journal.begin(head, _began(head))
        await journal.append(_entry(head, 2, EntryKind.ENDED))
        with pytest.raises(Problem) as caught:
            await journal.append(_entry(head, 3, EntryKind.CONTINUED))
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE procedure SET kind = 'backup'",
        "DELETE FROM procedure",
        "INSERT OR REPLACE INTO procedure SELECT * FROM procedure",
        "REPLACE INTO procedure SELECT number + 1, id, kind, mentorado_id, user, operator, began_at, facts"
        " FROM procedure",
        "UPDATE procedure_entry SET kind = 'ended'",
        "DELETE FROM procedure_entry",
        "INSERT OR REPLACE INTO procedure_entry SELECT * FROM procedure_entry",
        "INSERT INTO procedure_entry SELECT procedure_id, 3, at, kind, step, facts FROM procedure_entry",
    ],
)
async def test_what_was_done_cannot_be_changed_or_removed(path: Path, change: str) -> None:
    head = _head(ana := new_mentorado())
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        journal = SqlProcedureJournal(database)
        await journal.begin(head, _began(head))
        with pytest.raises(IntegrityError):
            await database.run(lambda connection: connection.exec_driver_sql(change))
        assert await journal.for_mentorado(head.id) == (head, [_began(head)])


@pytest.mark.parametrize("kind", ProcedureKind)
async def test_every_kind_of_entry_and_step_can_be_written_down(path: Path, kind: ProcedureKind) -> None:
    head = _head(ana := new_mentorado(), kind)
    items = [(entry, step) for step in StepName for entry in EntryKind if entry is not EntryKind.ENDED]
    journal = [_entry(head, number, entry, step) for number, (entry, step) in enumerate(items, 1)]
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        log = SqlProcedureJournal(database)
        await log.begin(head, journal[0])
        for entry in journal[1:]:
            await log.append(entry)
        assert await log.for_mentorado(head.id) == (head, journal)
