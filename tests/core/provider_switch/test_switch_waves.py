"""Whom a switch takes when: the canary, waves, pauses and failures."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.errors import Problem
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.procedure import ProcedureKind
from app.domain.provider import Blocked, Connected, QrScanned
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan, SwitchState
from tests.clock import ManualClock
from tests.core.provider_switch.switching import Switching
from tests.waiting import until

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
S = SwitchItemState


@pytest.fixture
def core(tmp_path: Path) -> Switching:
    return Switching(clock=ManualClock(), folder=tmp_path)


async def test_a_cohort_goes_in_waves_after_its_canary_and_waits_for_a_person_between_them(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(6)
        await core.approved(SwitchPlan(target=META, cohort="2026", canary=people[3].id, wave_size=2))
        waves = []
        for _ in range(5):
            await core.moved()
            waves.append([people.index(each) for each in people if core.item(each).state is S.SWITCHED])
            if core.run().is_open:
                assert core.run().pause is SwitchPause.WAVE
                await core.switches.resume(core.run().id)
        assert waves == [[3], [0, 1, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
        assert core.run().state is SwitchState.FINISHED


async def test_a_pause_of_minutes_between_waves_ends_by_itself(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        await core.approved(SwitchPlan(target=META, cohort="2026", wave_size=2, pause_minutes=10))
        await core.moved()
        assert core.run().pause_until == core.clock.now() + timedelta(minutes=10)
        await core.clock.advance(599)
        assert core.item(people[2]).state is S.WAITING
        await core.clock.advance(2)
        await core.moved()
        assert core.run().state is SwitchState.FINISHED


async def test_a_pause_of_minutes_that_a_person_takes_over_does_not_end_by_itself(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        await core.approved(SwitchPlan(target=META, cohort="2026", wave_size=2, pause_minutes=10))
        await core.moved()
        await core.switches.pause(core.run().id)
        await core.clock.advance(3600)
        assert core.run().pause is SwitchPause.PERSON
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(people[2]).state is S.SWITCHED


async def test_a_failing_canary_pauses_the_run_before_anybody_else_is_touched(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(25)
        core.played[META].trouble[people[0].id] = Blocked(Reason.TOKEN_INVALID)
        await core.approved(SwitchPlan(target=META, cohort="2026", canary=people[0].id))
        await core.moved()
        assert (core.run().state, core.run().pause) == (SwitchState.PAUSED, SwitchPause.CANARY)
        assert [core.item(each).state for each in people] == [S.FAILED, *[S.WAITING] * 24]
        await core.switches.stop(core.run().id)
        assert core.run().count(S.LEFT_OUT) == 24
        assert all(core.provider_of(each) is WEB for each in people)


async def test_a_run_stops_at_its_failure_rate_and_goes_on_when_a_person_says_so(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(25)
        for each in people[4::5]:
            core.played[META].trouble[each.id] = Blocked(Reason.TOKEN_INVALID)
        await core.approved(SwitchPlan(target=META, cohort="2026", wave_size=25))
        await core.moved()
        assert (core.run().state, core.run().pause) == (SwitchState.PAUSED, SwitchPause.FAILURES)
        assert core.run().count(S.SWITCHED, S.FAILED) == 5
        while core.run().is_open:
            await core.switches.resume(core.run().id)
            await core.moved()
        assert core.run().count(S.SWITCHED) == 20
        assert core.run().count(S.FAILED) == 5
        core.played[META].trouble.clear()
        await core.switches.retry(core.run().id)
        await core.moved()
        assert core.run().count(S.SWITCHED) == 25
        assert core.run().state is SwitchState.FINISHED
        with pytest.raises(Problem):
            await core.switches.retry(core.run().id)


async def test_paused_by_a_person_the_one_under_way_is_finished_and_nobody_else_begun(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.moved()
        await core.switches.pause(core.run().id)
        target = core.item(people[0]).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(people[0].phone), Connected(people[0].phone))
        await core.moved()
        assert [core.item(each).state for each in people] == [S.SWITCHED, S.WAITING, S.WAITING]
        await core.switches.stop(core.run().id)
        for ask in (core.switches.pause, core.switches.resume, core.switches.stop):
            with pytest.raises(Problem):
                await ask(core.run().id)
        with pytest.raises(Problem):
            await core.switches.retry(core.run().id)


async def test_a_person_who_takes_a_switch_back_in_its_panel_leaves_it_failed(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert (core.item(ana).state, core.item(ana).reason) == (S.FAILED, "undone")
        assert core.connected(ana) == {WEB}


async def test_who_has_another_procedure_when_their_turn_comes_fails_and_is_tried_again_later(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", stop_at_percent=100))
        await core.moved()
        core.backups.collecting = asyncio.Event()
        await core.procedures.begin(ProcedureKind.BACKUP, people[1].id)
        target = core.item(people[0]).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(people[0].phone), Connected(people[0].phone))
        await core.moved()
        assert (core.item(people[1]).state, core.item(people[1]).reason) == (S.FAILED, "under_way")
        core.backups.collecting.set()
        await until(lambda: core.procedures.active(people[1].id) is None)
        await core.switches.retry(core.run().id)
        await core.moved()
        assert core.item(people[1]).state is S.SWITCHED
