"""What people do to a switch in orders that nobody planned."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.domain.actions import UnavailableReason
from app.domain.audit import Actor
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.outbound import Hold, HoldReason
from app.domain.procedure import StepName
from app.domain.provider import Blocked, Connected, QrScanned
from app.domain.settings import OUTBOUND_LIMITS, SWITCH_SECOND_PERSON, WEBHOOKS
from app.domain.switch import FindingCode, SwitchItemState, SwitchPlan, SwitchState
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import Switching

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
S = SwitchItemState


@pytest.fixture
def core() -> Switching:
    return Switching(clock=ManualClock())


async def test_a_run_that_waits_for_a_second_person_can_be_stopped_and_nothing_else(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        run = await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        for ask in (core.switches.pause, core.switches.resume):
            with pytest.raises(Problem) as refused:
                await ask(run.id)
            assert refused.value.context["why"] == UnavailableReason.AWAITS_SECOND_PERSON
        with pytest.raises(Problem):
            await core.switches.retry(run.id)
        assert core.run().state is SwitchState.AWAITING_SECOND
        await core.switches.stop(run.id)
        await core.moved()
        assert core.provider_of(ana) is WEB


async def test_who_approves_first_of_two_has_a_name(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        core.operator = Actor(user="staff")
        with pytest.raises(Problem) as refused:
            await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        assert refused.value.code is ProblemCode.SWITCH_NAME_MISSING
        assert core.switches.runs == []


@pytest.mark.parametrize("first", ["release", "roll_back"])
async def test_of_a_release_and_a_roll_back_at_once_only_the_first_happens(core: Switching, first: str) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        closing = core.played[WEB].open[ana.link.id].closing = asyncio.Event()
        asked = {"release": core.switches.release(ana.id), "roll_back": core.switches.roll_back(ana.id)}
        order = sorted(asked, key=lambda each: each != first)
        tasks = [asyncio.get_running_loop().create_task(asked[each]) for each in order]
        await settle()
        closing.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await core.moved()
        assert [isinstance(each, Problem) for each in results] == [False, True]
        in_use = core.provider_of(ana)
        assert in_use is (ZAPI if first == "release" else WEB)
        assert core.connected(ana) == {in_use}


@pytest.mark.usefixtures("caplog")
async def test_a_switch_that_is_taken_back_to_a_provider_that_fell_leaves_the_new_one_in_use(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.RECORD else None
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.journal.problem = None
        core.journal.on_entry = lambda _entry: None
        core.played[WEB].trouble[ana.id] = Blocked(Reason.LOGGED_OUT)
        core.played[WEB].open[ana.link.id].say(Blocked(Reason.LOGGED_OUT))
        await settle()
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.provider_of(ana) is ZAPI
        assert core.connected(ana) == {ZAPI}
        assert core.item(ana).state is S.SWITCHED


async def test_who_was_moved_by_another_switch_meanwhile_is_not_switched_by_the_former_approval(
    core: Switching,
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[META].trouble[ana.id] = Blocked(Reason.BILLING)
        first = await core.approved(SwitchPlan(target=META, mentorados=(ana.id,)))
        await core.moved()
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        await core.switches.release(ana.id)
        core.played[META].trouble.clear()
        with pytest.raises(Problem) as refused:
            await core.switches.retry(first.id)
        assert refused.value.code is ProblemCode.SWITCH_ENDED
        assert core.provider_of(ana) is ZAPI


async def test_who_was_given_another_provider_while_they_waited_is_not_switched(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", stop_at_percent=100))
        await core.moved()
        other = core.mentorados.link_for(people[1].id, META)
        await core.supervisor.put_in_use(people[1].id, other.id)
        target = core.item(people[0]).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(people[0].phone), Connected(people[0].phone))
        await core.moved()
        assert (core.item(people[1]).state, core.item(people[1]).reason) == (S.FAILED, ProblemCode.SWITCH_CHANGED)
        assert core.provider_of(people[1]) is META


async def test_what_changes_after_the_approval_is_looked_at_again_at_each_ones_turn(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", stop_at_percent=100))
        await core.moved()
        settings = core.services.settings_service
        await settings.change(WEBHOOKS, replace(settings.settings.webhooks, on=False))  # nobody would be heard any more
        limits = replace(settings.settings.outbound_limits, partly_confirmed_counts=True)
        await settings.change(OUTBOUND_LIMITS, limits, reason="there are no webhooks")
        target = core.item(people[0]).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(people[0].phone), Connected(people[0].phone))
        await core.moved()
        assert core.item(people[0]).state is S.SWITCHED
        assert (core.item(people[1]).state, core.item(people[1]).reason) == (S.FAILED, ProblemCode.SWITCH_CHANGED)


async def test_a_ban_that_the_former_link_heard_of_holds_for_the_number(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        await core.clock.advance(60)
        assert not isinstance(await core.write(ana), Hold)
        core.played[WEB].open[ana.link.id].say(Blocked(Reason.BANNED))
        await settle()
        await core.clock.advance(60)
        held = await core.write(ana)
        assert isinstance(held, Hold)
        assert held.reason is HoldReason.RESTRICTED
        await core.switches.release(ana.id)
        made = await core.switches.dry_run(SwitchPlan(target=META, mentorados=(ana.id,)))
        assert FindingCode.FORBIDDEN in {each.code for each in made.people[0].findings}


async def test_where_the_first_one_cannot_be_switched_the_next_goes_first_and_alone(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(3)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(people[0].id,)))
        await core.moved()
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", canary=people[0].id))
        await core.moved()
        assert [each.wave for each in core.run().items] == [1, 2]
        assert [core.item(each).state for each in people[1:]] == [S.SWITCHED, S.WAITING]


async def test_a_run_that_is_stopped_as_soon_as_it_is_approved_switches_nobody(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        made = await core.switches.dry_run(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        run = await core.switches.approve(made, ana.name)
        await core.switches.stop(run.id)
        await core.moved()
        assert core.item(ana).state is S.LEFT_OUT
        assert core.provider_of(ana) is WEB
        assert core.procedures.active(ana.id) is None


async def test_a_command_knows_what_became_of_who_was_under_way_when_the_program_died(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.switch_record.deaf = True
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
    again = core.again()
    again.switch_record.deaf = False
    await again.mentorados.load()
    await again.procedures.load()
    await again.switches.load()
    assert again.item(ana).state is S.SWITCHED
    assert again.switches.item_of(ana.id) is not None, "it can be released or rolled back"


async def test_a_run_that_is_under_way_here_is_not_read_over_by_what_another_program_stored(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        before = core.run()
        core.switch_record.stored[before.id] = replace(before, state=SwitchState.STOPPED)
        await core.switches.load()
        assert core.run() == before


async def test_a_stop_that_was_asked_for_first_comes_before_the_next_one_begins(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        core.played[ZAPI].waits.add(people[0].id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026"))
        await core.moved()
        target = core.item(people[0]).to_link
        assert target is not None
        async with core.switches._deciding:
            stopping = asyncio.get_running_loop().create_task(core.switches.stop(core.run().id))
            await settle()
            core.played[ZAPI].open[target].say(QrScanned(people[0].phone), Connected(people[0].phone))
            await core.moved()
        await stopping
        await core.moved()
        assert [core.item(each).state for each in people] == [S.SWITCHED, S.LEFT_OUT]
        assert core.procedures.active(people[1].id) is None


async def test_who_was_disconnected_by_a_person_is_not_connected_for_a_switch(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.supervisor.disconnect(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert core.item(ana).state is S.SWITCHED
        assert core.connected(ana) == {ZAPI}
