"""A backup killed after every single entry of its journal: what was there is untouched, and no half of one is left."""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

import pytest

from app.domain.procedure import ProcedureKind, StepName
from tests.acceptance.connect.harness import Harness
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

ENTRIES: Final = 10
"""Begun, two for each of four steps, ended."""

PLACED: Final = 7
"""The entry that says that the archive is in its place."""

PHRASE: Final = "correct horse battery"


@pytest.mark.within(600)
@pytest.mark.parametrize(("way", "secret"), [(GO_ON, PHRASE), (UNDO, "")])
async def test_a_backup_is_killed_after_each_entry(harness: Harness, way: str, secret: str) -> None:
    moments = moments_of(ENTRIES)
    async with harness.running() as run:
        people = [await somebody_with_history(run) for _ in moments]
        before = {person.id: await kept(run.core, harness, person) for person in people}
    for moment, person in zip(moments, people, strict=True):
        orders = Orders(wish=ProcedureKind.BACKUP, people=[person.id], kill_after=moment, secret=secret)
        assert await killed(harness, orders, person), moment
    await finished(harness, Orders(wish=way, people=[person.id for person in people], secret=secret), people)

    async with harness.running() as run:
        core = run.core
        assert core.procedures.unfinished() == []
        assert await core.audit.verify() is None
        ends = Counter(
            entry.record.mentorado_id
            for entry in await core.audit.entries(limit=10_000)
            if entry.record.after.get("moment") in ("done", "undone")
        )
        folder = harness.settings.backup_dir
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
        for moment, person in zip(moments, people, strict=True):
            assert await kept(core, harness, person) == before[person.id], moment
            assert ends[person.id] == 1, moment
            found = [
                await core.backups.verify(info.path, passphrase=secret) for info in await core.backups.all(person.id)
            ]
            (procedure,) = await core.procedures.latest(person.id)
            placed = "path" in procedure.step(StepName.PUT_IN_PLACE).facts
            assert len(found) == int(placed or way == GO_ON), (moment, procedure)
            assert placed or moment < PLACED, (moment, procedure)
            for info in found:
                assert info.account == person.phone
                assert info.messages == len(before[person.id].messages)
                assert info.encrypted is bool(secret)
            assert await is_usable(run, person), moment
