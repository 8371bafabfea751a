"""A switch of one mentorado, and its approval."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.outbound import OutboundMessage
from app.domain.procedure import ProcedureState
from app.domain.provider import Blocked
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan, SwitchState
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import ALL, Switching

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
