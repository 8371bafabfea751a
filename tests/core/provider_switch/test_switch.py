"""A provider switch from its approval to the release of the former provider."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.outbound import OutboundMessage
from app.domain.procedure import ProcedureKind, ProcedureState
from app.domain.provider import Blocked, Connected, QrScanned
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan, SwitchState
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import ALL, Switching
from tests.waiting import until

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
S = SwitchItemState


@pytest.fixture
def core(tmp_path: Path) -> Switching:
    return Switching(clock=ManualClock(), folder=tmp_path)


@pytest.mark.parametrize(("source", "target"), list(permutations(ALL, 2)))
async def test_the_target_is_connected_and_tested_beside_the_current_provider_which_then_stays_silent(
    core: Switching, source: ProviderKind, target: ProviderKind
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1, source)
        await core.approved(SwitchPlan(target=target, mentorados=(ana.id,)))
        await core.moved()
        assert core.item(ana).state is S.SWITCHED
        assert core.provider_of(ana) is target
        assert core.connected(ana) == {source, target}
        assert core.run().state is SwitchState.FINISHED
        assert [link for link, _ in core.played[target].sent] == [core.item(ana).to_link]  # the smoke test
        await core.clock.advance(60)
        await core.write(ana)
        assert len(core.played[target].sent) == 2
        assert core.played[source].sent == []


async def test_the_former_provider_is_released_by_a_person_and_keeps_its_session(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        await core.clock.advance(timedelta(days=30).total_seconds())
        assert core.connected(ana) == {WEB, ZAPI}, "nothing is released by itself"
        await core.switches.release(ana.id)
        assert core.connected(ana) == {ZAPI}
        assert core.item(ana).state is S.RELEASED
        former = core.mentorados.link_for(ana.id, WEB)
        assert (former.provider, former.enabled, former.account) == (WEB, False, ana.phone)
        with pytest.raises(Problem):
            await core.switches.release(ana.id)


async def test_rolled_back_the_former_provider_carries_the_messages_again_through_the_same_link(
    core: Switching,
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        await core.switches.roll_back(ana.id)
        await core.moved()
        assert core.item(ana).state is S.ROLLED_BACK
        assert core.mentorados.get(ana.id).link.id == ana.link.id
        assert core.connected(ana) == {WEB}
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert core.run().items[0].to_link == core.switches.runs[1].items[0].to_link, "the same link serves again"


async def test_a_roll_back_to_a_provider_that_fell_meanwhile_changes_nothing(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.played[WEB].trouble[ana.id] = Blocked(Reason.LOGGED_OUT)
        core.played[WEB].open[ana.link.id].say(Blocked(Reason.LOGGED_OUT))
        await settle()
        await core.switches.roll_back(ana.id)
        await core.moved()
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        assert procedure.state is ProcedureState.FAILED
        assert procedure.steps[0].facts["code"] == ProblemCode.SWITCH_OLD_NOT_BACK
        assert core.provider_of(ana) is ZAPI
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.item(ana).state is S.SWITCHED


@pytest.mark.parametrize("how", ["blocked", "refused", "silent"])
async def test_a_switch_that_fails_leaves_the_current_provider_in_use_and_says_why(core: Switching, how: str) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        if how == "blocked":
            core.played[ZAPI].trouble[ana.id] = Blocked(Reason.BILLING)
        elif how == "refused":
            core.played[ZAPI].refuses.add(ana.id)
        else:
            core.smoke_test_record.silent.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        await core.clock.advance(400)
        await core.moved()
        expected = {"blocked": "billing", "refused": "recipient", "silent": "no_answer"}
        assert (core.item(ana).state, core.item(ana).reason) == (S.FAILED, expected[how])
        assert core.mentorados.get(ana.id).link == ana.link
        assert core.connected(ana) == {WEB}
        assert core.actions.unavailable_reason(ActionName.SWITCH_PROVIDER, ana.id) is None


async def test_a_message_that_is_being_handed_over_is_finished_before_the_target_takes_over(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        taken = core.played[WEB].handing_over = asyncio.Event()
        writing = asyncio.get_running_loop().create_task(core.write(ana))
        await settle()
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.clock.advance(60)
        await core.moved()
        assert core.provider_of(ana) is WEB
        taken.set()
        await core.moved()
        assert isinstance(await writing, OutboundMessage)
        assert core.provider_of(ana) is ZAPI


async def test_somebody_who_is_not_scanned_for_stays_where_they_are(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        target = core.item(ana).to_link
        assert target is not None
        assert core.supervisor.status(target).state is LinkState.QR_READY
        assert core.status(ana).state is LinkState.CONNECTED
        assert core.actions.unavailable_reason(ActionName.ARCHIVE, ana.id) is not None
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.pause(procedure.head.id)
        await core.moved()
        assert (core.run().state, core.run().pause) == (SwitchState.PAUSED, SwitchPause.PERSON)
        assert core.supervisor.status(target).state is LinkState.OFF
        core.played[ZAPI].waits.clear()
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(ana).state is S.SWITCHED


# --- waves ------------------------------------------------------------------------------------------------------------


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


# --- approval ---------------------------------------------------------------------------------------------------------


async def test_nothing_begins_unless_the_number_of_people_or_the_only_name_is_typed(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        both = await core.switches.dry_run(SwitchPlan(target=ZAPI, cohort="2026"))
        alone = await core.switches.dry_run(SwitchPlan(target=ZAPI, mentorados=(people[0].id,)))
        for made, typed in ((both, "1"), (both, ""), (alone, "1"), (alone, "Ana")):
            with pytest.raises(Problem) as refused:
                await core.switches.approve(made, typed)
            assert refused.value.code is ProblemCode.SWITCH_NOT_CONFIRMED
        assert core.switches.runs == []
        await core.switches.approve(alone, " ána 00 ")
        await core.switches.stop(core.run().id)


async def test_a_switch_that_has_changed_since_its_dry_run_asks_for_another(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        made = await core.switches.dry_run(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.approved(SwitchPlan(target=META, mentorados=(people[0].id,)))
        await core.moved()
        with pytest.raises(Problem) as refused:
            await core.switches.approve(made, "2")
        assert refused.value.code is ProblemCode.SWITCH_CHANGED


async def test_nobody_to_switch_is_nothing_to_approve(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        made = await core.switches.dry_run(SwitchPlan(target=WEB, mentorados=(ana.id,)))
        with pytest.raises(Problem):
            await core.switches.approve(made, core.switches.confirmation(made))


async def test_where_two_people_are_demanded_nothing_begins_before_another_has_approved(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        await core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        run = await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.moved()
        assert run.state is SwitchState.AWAITING_SECOND
        assert [core.provider_of(each) for each in people] == [WEB, WEB]
        with pytest.raises(Problem):
            await core.switches.resume(run.id)
        for typed, name, code in (
            ("3", "Bia", ProblemCode.SWITCH_NOT_CONFIRMED),
            ("2", " ", ProblemCode.SWITCH_SAME_PERSON),
            ("2", run.approved_by.upper(), ProblemCode.SWITCH_SAME_PERSON),
        ):
            with pytest.raises(Problem) as refused:
                await core.switches.approve_second(run.id, typed, name)
            assert refused.value.code is code
        await core.switches.approve_second(run.id, "2", " Bia ")
        await core.moved()
        assert core.run().second_approver == "Bia"
        assert [core.provider_of(each) for each in people] == [ZAPI, ZAPI]
        with pytest.raises(Problem):
            await core.switches.approve_second(run.id, "2", "Bia")


async def test_the_second_person_approves_what_the_first_one_saw_or_nothing(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        await core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        run = await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.mentorados.edit(people[1].id, "Ana 01", "11 98765-4001", "2027")
        with pytest.raises(Problem) as refused:
            await core.switches.approve_second(run.id, "2", "Bia")
        assert refused.value.code is ProblemCode.SWITCH_CHANGED


# --- when the program ends, or the disk fails ------------------------------------------------------------------------


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
