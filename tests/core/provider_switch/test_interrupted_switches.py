"""Switches whose program ends, or whose disk fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider import Blocked, Connected, QrScanned
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan, SwitchState
from tests.clock import ManualClock
from tests.core.provider_switch.switching import Switching

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
S = SwitchItemState


@pytest.fixture
def core(tmp_path: Path) -> Switching:
    return Switching(clock=ManualClock(), folder=tmp_path)


async def test_a_run_that_a_closed_program_left_is_paused_and_goes_on_where_it_stood(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        core.played[ZAPI].waits.add(people[1].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.moved()
        assert [core.item(each).state for each in people] == [S.SWITCHED, S.RUNNING, S.WAITING]
    again = core.again()
    async with again.at_work():
        assert (again.run().state, again.run().pause) == (SwitchState.PAUSED, SwitchPause.INTERRUPTED)
        assert again.mentorados.get(people[0].id).link.provider is ZAPI
        again.played[ZAPI].waits.clear()
        await again.switches.resume(again.run().id)
        await again.moved()
        assert [again.item(each).state for each in people] == [S.SWITCHED] * 3
        await again.supervisor.start_enabled()
        await again.clock.advance(30)
        assert again.connected(people[0]) == {WEB, ZAPI}, "the former provider is kept signed in"


async def test_a_switch_that_a_person_goes_on_with_in_its_panel_ends_the_run_that_was_interrupted(
    core: Switching,
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
    again = core.again()
    async with again.at_work():
        again.played[ZAPI].waits.clear()
        procedure = again.procedures.active(ana.id)
        assert procedure is not None
        await again.procedures.resume(procedure.head.id)
        await again.moved()
        assert again.item(ana).state is S.SWITCHED
        assert again.run().state is SwitchState.FINISHED


async def test_what_a_procedure_came_to_while_nobody_followed_is_taken_up_at_the_next_start(
    core: Switching,
) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].trouble[people[1].id] = Blocked(Reason.BILLING)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", stop_at_percent=100))
        core.switch_record.deaf = True
        await core.moved()
    again = core.again()
    again.switch_record.deaf = False
    async with again.at_work():
        assert [again.item(each).state for each in people] == [S.SWITCHED, S.WAITING]
        assert again.provider_of(people[0]) is ZAPI


async def test_a_pause_of_minutes_does_not_end_by_itself_after_a_restart(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        await core.approved(SwitchPlan(target=META, cohort="2026", wave_size=2, pause_minutes=10))
        await core.moved()
    again = core.again()
    async with again.at_work():
        await again.clock.advance(3600)
        assert (again.run().pause, again.run().pause_until) == (SwitchPause.WAVE, None)
        assert again.item(people[2]).state is S.WAITING


async def test_a_disk_that_refuses_the_state_of_somebody_is_asked_until_it_takes_it(
    core: Switching, caplog: pytest.LogCaptureFixture
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.switch_record.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        target = core.item(ana).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(ana.phone), Connected(ana.phone))
        await core.moved()
        assert core.item(ana).state is S.RUNNING
        core.switch_record.problem = None
        await core.clock.advance(10)
        await core.moved()
        assert core.item(ana).state is S.SWITCHED
        assert core.run().state is SwitchState.FINISHED


async def test_a_run_whose_state_cannot_be_stored_stops_with_nobody_between_two_providers(
    core: Switching, caplog: pytest.LogCaptureFixture
) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.moved()
        procedure = core.procedures.active(people[0].id)
        assert procedure is not None
        core.switch_record.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        await core.procedures.pause(procedure.head.id)
        await core.moved()
        core.switch_record.problem = None
        assert [core.provider_of(each) for each in people] == [WEB, WEB]
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(people[1]).state is not S.FAILED


async def test_a_journal_that_cannot_be_written_pauses_the_run(
    core: Switching, caplog: pytest.LogCaptureFixture
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.journal.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        target = core.item(ana).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(ana.phone), Connected(ana.phone))
        await core.moved()
        core.journal.problem = None
        assert core.run().state is SwitchState.PAUSED
        assert core.provider_of(ana) is WEB
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(ana).state is S.SWITCHED


async def test_an_undo_that_fails_waits_for_a_person(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        core.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        target = core.item(ana).to_link
        assert target is not None
        link = core.mentorados.through(target).link
        core.mentorados._beside[target] = replace(link, enabled=True)
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.run().state is SwitchState.PAUSED
        core.mentorado_repository.problem = None
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(ana).state is S.FAILED
