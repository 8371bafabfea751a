"""Killed after every single entry of the journal of a switch and of a roll-back, and taken up again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import pytest

from app.domain.link_status import LinkState
from app.domain.mentorado import Link
from app.domain.procedure import ProcedureKind
from app.domain.provider_descriptor import secret_key
from app.domain.switch import SwitchItemState, SwitchPlan
from tests.acceptance.program import Person
from tests.acceptance.recovery.core_process import GO_ON, UNDO, Orders
from tests.acceptance.recovery.harness import finished, killed, moments_of
from tests.acceptance.switch.harness import WEB, ZAPI, Harness, ProgramRun, rows
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX"),
    pytest.mark.timeout(900),
]

S = SwitchItemState
ENTRIES: Final = {ProcedureKind.SWITCH: 12, ProcedureKind.ROLL_BACK: 10}
"""How many lines their journals have when nothing happens to them; all but the last are died after."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What must be the same afterwards."""

    messages: frozenset[tuple[str, str, str]]  # conversation, the provider's id, text
    session: str
    credentials: str | None


async def kept(run: ProgramRun, person: Person) -> Kept:
    (target,) = [link for link in links(run, person) if link.provider is ZAPI]
    return Kept(
        messages=frozenset((each.conversation_id, each.provider_id, each.text) for each in await run.messages(person)),
        session=run.harness.session_file(person).name,
        credentials=await run.core.secrets.get(secret_key(target.id)),
    )


def links(run: ProgramRun, person: Person) -> list[Link]:
    return [run.mentorado(person).link, *run.core.mentorados.links_beside(person.id)]


async def somebody(run: ProgramRun) -> Person:
    """Connected through WhatsApp Web, written to, and with an instance of Z-API to which their phone is linked."""
    person = await run.person(WEB)
    await run.prepare(person, ZAPI)
    control = run.harness.emulator.control
    await control.off_loop(control.stream_texts, run.tester, person.digits, 3, "oi ")
    await until(lambda: run.status(person).evidence.last_inbound is not None, within=20)
    return person


@pytest.mark.within(900)
@pytest.mark.parametrize("way", [GO_ON, UNDO])
@pytest.mark.parametrize("kind", ENTRIES)
async def test_killed_after_each_entry_exactly_one_provider_is_in_use_and_nothing_is_lost(
    harness: Harness, kind: ProcedureKind, way: str
) -> None:
    """ "`kill -9` after every journal entry of a switch and of a roll-back: after the next start exactly one provider
    is active, and history, conversation ids and credentials are intact." """
    moments = moments_of(ENTRIES[kind])
    async with harness.at_work() as run:
        await run.with_partial_tests()
        control = harness.emulator.control
        await control.off_loop(control.add_account, run.tester)
        people = [await somebody(run) for _ in moments]
        if kind is ProcedureKind.ROLL_BACK:
            for person in people:
                await run.approve(SwitchPlan(target=ZAPI, mentorados=(person.id,)))
                await run.settled(person, S.SWITCHED)
        before = {person.id: await kept(run, person) for person in people}
    for moment, person in zip(moments, people, strict=True):
        orders = Orders(wish=kind, people=[person.id], kill_after=moment, facts={"to": ZAPI})
        assert await killed(harness, orders, person), f"not killed after entry {moment}"
        await _check_between(harness, person, moment)
    await finished(harness, Orders(wish=way, people=[person.id for person in people]), people)
    async with harness.at_work(starting=True) as run:
        assert run.core.procedures.unfinished() == []
        assert await run.core.audit.verify() is None
        for moment, person in zip(moments, people, strict=True):
            now = await kept(run, person)
            assert now.messages >= before[person.id].messages, moment
            assert (now.session, now.credentials) == (before[person.id].session, before[person.id].credentials), moment
            item = await run.settled(person, *(set(S) - {S.RUNNING}))
            on_target = item.state is S.SWITCHED
            assert run.provider_of(person) is (ZAPI if on_target else WEB), (moment, item)
            await connected(run, person)


async def _check_between(harness: Harness, person: Person, moment: int) -> None:
    """Before anybody takes it up again: one link is in use, and it connects."""
    async with harness.at_work(starting=True) as run:
        stored = (await rows(run.core))["link"]
        theirs = [row for row in stored if person.id in row]
        assert len(theirs) == 2, moment
        await connected(run, person)


async def connected(run: ProgramRun, person: Person) -> None:
    in_use = run.mentorado(person).link.id
    await until(lambda: run.state_of(in_use) is LinkState.CONNECTED, within=20)
