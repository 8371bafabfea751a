"""A restore killed after every single entry of its journal: nothing is lost or doubled, and there is a way on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import pytest

from app.domain.procedure import ProcedureKind, new_procedure_id
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.program import Person
from tests.acceptance.recovery.core_process import GO_ON, UNDO, Orders
from tests.acceptance.recovery.harness import (
    finished,
    is_usable,
    kept,
    killed,
    moments_of,
    somebody_with_history,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX"),
    pytest.mark.timeout(600),
]

ENTRIES: Final = 14
"""Begun, two for each of five steps, asked and confirmed, ended."""


@pytest.mark.within(600)
@pytest.mark.parametrize("way", [GO_ON, UNDO])
async def test_a_restore_is_killed_after_each_entry(harness: Harness, way: str) -> None:
    """The history and the keys were lost, and nothing was used since: all of it can come back."""

    moments = moments_of(ENTRIES)
    async with harness.running() as run:
        people = [await somebody_with_history(run) for _ in moments]
        before = {person.id: await kept(run.core, harness, person) for person in people}
        archives = {person.id: await archive_of(run, person) for person in people}
    lose_everything(harness, people)
    for moment, person in zip(moments, people, strict=True):
        facts = {"path": archives[person.id]}
        orders = Orders(wish=ProcedureKind.RESTORE, people=[person.id], kill_after=moment, facts=facts)
        assert await killed(harness, orders, person), moment
    fields = await finished(harness, Orders(wish=way, people=[person.id for person in people]), people)

    async with harness.running() as run:
        core = run.core
        assert core.procedures.unfinished() == []
        assert await core.audit.verify() is None
        hidden = [path.name for path in harness.settings.backup_dir.iterdir() if path.name.startswith(".")]
        assert hidden == []
        restored = 0
        for moment, person in zip(moments, people, strict=True):
            now = await kept(core, harness, person)
            events = {line["event"] for line in fields[person.id]}
            if way == GO_ON or events & {"no_way_back", "nothing"}:
                restored += 1
                assert now.messages == before[person.id].messages, moment
                assert await is_usable(run, person), moment
            else:
                assert now.messages == frozenset(), moment
            assert now.contacts == before[person.id].contacts, moment
            assert await count(run, person) == len(now.messages), moment
            infos = await core.backups.all(person.id)
            verified = [await core.backups.verify(info.path) for info in infos]
            assert max(info.messages for info in verified) == len(before[person.id].messages), moment
        assert restored >= (len(people) if way == GO_ON else len(people) // 3)


async def archive_of(run: ProgramRun, person: Person) -> str:
    procedure_id = new_procedure_id()
    await run.core.backups.collect(procedure_id, person.id)
    await run.core.backups.verify_part(procedure_id)
    return str((await run.core.backups.publish(procedure_id)).path)


async def count(run: ProgramRun, person: Person) -> int:
    """Every row that is there, were it there twice."""
    return len([message async for some in run.core.history.export(person.id) for message in some])


def lose_everything(harness: Harness, people: Sequence[Person]) -> None:
    """As a hand that slipped would."""
    with closing(sqlite3.connect(harness.settings.database)) as raw, raw:
        raw.execute("DELETE FROM message")
    for person in people:
        harness.session_file(person).unlink()
