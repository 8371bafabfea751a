"""Killed after every single entry of a journal, and taken up again: nothing is lost, whichever way it goes on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from app.domain.procedure import ProcedureKind
from tests.acceptance.connect.harness import Harness
from tests.acceptance.program import Person
from tests.acceptance.recovery.core_process import GO_ON, UNDO, Orders
from tests.acceptance.recovery.harness import (
    Baseline,
    backups_of,
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
    pytest.mark.timeout(900),
]

ENTRIES: Final = {ProcedureKind.RECOVERY: 18, ProcedureKind.REAUTHENTICATION: 14}
"""How many lines their journals have when nothing happens to them; all but the last are died after."""


@pytest.mark.within(900)
@pytest.mark.parametrize("way", [GO_ON, UNDO])
@pytest.mark.parametrize("kind", ENTRIES)
async def test_killed_after_each_entry_nothing_is_lost(harness: Harness, kind: ProcedureKind, way: str) -> None:
    """ "`kill -9` after every single journal entry […], and a continue or undo afterwards: history count, contact
    count, audit chain and at least one usable session or verified backup are intact in every case." """
    moments = moments_of(ENTRIES[kind])
    async with harness.running() as run:
        people = [await somebody_with_history(run) for _ in moments]
        before: dict[str, Baseline] = {person.id: await kept(run.core, harness, person) for person in people}
    assert all(each.complete for each in before.values())
    for moment, person in zip(moments, people, strict=True):
        await _die(harness, kind, person, moment)
    fields = await finished(harness, Orders(wish=way, people=[person.id for person in people]), people)
    await _check(harness, people, before, fields, way)


@pytest.mark.within(300)
async def test_killed_again_and_again_it_still_comes_to_its_end(harness: Harness) -> None:
    """Every program that takes it up is killed after four entries: each gets one step further, and none does harm."""
    kind = ProcedureKind.REAUTHENTICATION
    async with harness.running() as run:
        person = await somebody_with_history(run)
        before: dict[str, Baseline] = {person.id: await kept(run.core, harness, person)}
    first = Orders(wish=kind, people=[person.id], kill_after=4)
    assert await killed(harness, first, person)
    again = Orders(wish=GO_ON, people=[person.id], kill_after=4)
    times = 1
    while await killed(harness, again, person):
        times += 1
        assert times <= ENTRIES[kind]
    assert times >= 3
    fields = await finished(harness, Orders(wish=GO_ON, people=[person.id]), [person])
    await _check(harness, [person], before, fields, GO_ON)


async def _die(harness: Harness, kind: ProcedureKind, person: Person, moment: int) -> None:
    lost = kind is ProcedureKind.RECOVERY
    if lost:  # every sign-in is refused until the phone scans a new code
        control = harness.emulator.control
        await control.off_loop(lambda: control.fault("failure-503", person.digits, times=None))
    orders = Orders(wish=kind, people=[person.id], kill_after=moment, lose_first=lost)
    assert await killed(harness, orders, person), f"not killed after entry {moment}"


async def _check(
    harness: Harness,
    people: Sequence[Person],
    before: Mapping[str, Baseline],
    fields: Mapping[str, list[dict[str, Any]]],
    way: str,
) -> None:
    harness.emulator.control.clear_faults()
    async with harness.running() as run:
        assert run.core.procedures.unfinished() == []
        assert await run.core.audit.verify() is None
        ends = Counter(
            entry.record.mentorado_id
            for entry in await run.core.audit.entries(limit=10_000)
            if entry.record.after.get("moment") in ("done", "undone")
        )
        for moment, person in enumerate(people, 1):
            now = await kept(run.core, harness, person)
            assert now.messages >= before[person.id].messages, moment
            assert now.contacts >= before[person.id].contacts, moment
            assert now.sessions >= before[person.id].sessions, moment
            assert ends[person.id] == 1, moment
            assert await is_usable(run, person), (moment, run.status(person))
            await backups_of(run.core, person)
            events = {line["event"] for line in fields[person.id]}
            if way == UNDO and not events & {"no_way_back", "nothing"}:
                assert harness.session_file(person).name in before[person.id].sessions, moment  # the one it had
