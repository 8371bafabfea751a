"""A cohort of 25 in waves, with what can go wrong on the way."""

from __future__ import annotations

import pytest

from app.domain.procedure import ProcedureState
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan, SwitchState
from tests.acceptance.program import Person
from tests.acceptance.switch.harness import META, ZAPI, Harness, ProgramRun
from tests.waiting import until

S = SwitchItemState
PEOPLE = 25


async def cohort(run: ProgramRun) -> list[Person]:
    """Everybody is connected through Z-API, and has a number at Meta. Smoke tests are confirmed by Meta's yes."""
    await run.with_partial_tests()
    people = [await run.person(ZAPI, f"Ana {number:02}") for number in range(PEOPLE)]
    for person in people:
        await run.prepare(person, META)
    return people


@pytest.mark.slow
@pytest.mark.within(240)
async def test_a_cohort_with_a_failing_canary_a_failing_fifth_and_a_crash_in_the_middle(harness: Harness) -> None:
    """ "a cohort of 25 with a failing canary, a failing fifth and a crash in the middle": whoever failed is where they
    were, everybody else is on the target, and every message went through one provider."""
    async with harness.at_work() as run:
        people = await cohort(run)
        canary, fifth = people[10], people[4]
        for person in (canary, fifth):
            run.number_of(person).refused_sends = 132001
        plan = SwitchPlan(target=META, cohort="2026", canary=canary.id, wave_size=8)
        approved = await run.approve(plan)
        await until(lambda: not run.is_moving(approved), within=60)
        paused = run.run_of(approved)
        assert (paused.pause, paused.count(S.FAILED), paused.count(S.WAITING)) == (SwitchPause.CANARY, 1, 24)
        assert run.provider_of(canary) is ZAPI

        run.number_of(canary).refused_sends = None
        await run.core.switches.resume(approved.id)
        await until(lambda: run.item(fifth).state is S.FAILED, within=60)
        await until(lambda: not run.is_moving(approved), within=60)
        assert run.run_of(approved).pause is SwitchPause.FAILURES
        assert run.provider_of(fifth) is ZAPI

        await run.core.switches.resume(approved.id)
        await until(lambda: run.item(people[6]).state is S.RUNNING, within=60, every=0.001)
    async with harness.at_work(starting=True) as run:  # it was closed in the middle of somebody
        await until(lambda: run.run_of(approved).pause is SwitchPause.INTERRUPTED)
        assert len(run.core.procedures.unfinished()) <= 1
        assert all(each.state is ProcedureState.PAUSED for each in run.core.procedures.unfinished())
        run.number_of(fifth).refused_sends = None
        while run.run_of(approved).is_open:
            await run.core.switches.resume(approved.id)
            await until(lambda: not run.is_moving(approved), within=90)
        assert {run.item(person).state for person in people if person not in (canary, fifth)} == {S.SWITCHED}
        await run.core.switches.retry(approved.id)
        await until(lambda: run.run_of(approved).state is SwitchState.FINISHED, within=60)
        assert run.run_of(approved).count(S.SWITCHED) == PEOPLE
        assert {run.provider_of(person) for person in people} == {META}
        tested = [len(run.number_of(person).sent) for person in people]
        assert tested == [1] * PEOPLE, "one smoke test each, and nothing else was sent"
        assert [each for instance in harness.zapi.instances.values() for each in instance.sent] == []
        assert await run.core.audit.verify() is None
