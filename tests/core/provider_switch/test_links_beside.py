"""Links beside the one in use: what they may do, and what they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason, SendCapability, SmokeTestOutcome, Trigger
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.outbound import Hold, HoldReason, OutboundStop
from app.domain.procedure import EntryKind, JournalEntry, ProcedureKind, ProcedureState, StepName, StepState
from app.domain.provider import Blocked, Connected, Lost, QrScanned
from app.domain.sending import OutgoingMessage, SendErrorKind
from app.domain.smoke_test import SmokeTestTrouble
from app.domain.switch import SwitchItemState, SwitchPause, SwitchPlan
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import TESTER, Switching
from tests.waiting import until

WEB, ZAPI, META = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
S = SwitchItemState
full_disk = pytest.mark.usefixtures("caplog")  # which the log tells of


@pytest.fixture
def core() -> Switching:
    return Switching(clock=ManualClock())


async def test_a_link_beside_sends_its_smoke_test_and_nothing_else(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        link = await core.mentorados.prepare_link(ana.id, ZAPI)
        await core.supervisor.connect(ana.id, link.id)
        await settle()
        message = OutgoingMessage(to=Address(AddressKind.PHONE, TESTER), text="Bom dia")
        held = await core.outbound.send(ana.id, message, Purpose.CONVERSATION, link_id=link.id)
        assert isinstance(held, Hold)
        assert held.reason is HoldReason.NOT_IN_USE
        assert core.played[ZAPI].sent == []
        test = await core.smoke_tests.run(ana.id, link_id=link.id)
        assert test.outcome is SmokeTestOutcome.PASSED
        assert [whose for whose, _ in core.played[ZAPI].sent] == [link.id]
        assert core.smoke_tests.last(ana.id) is None, "it says nothing of the link in use"


async def test_a_link_beside_that_cannot_send_says_why_before_anything_is_sent(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        link = await core.mentorados.prepare_link(ana.id, ZAPI)

        async def trouble() -> SmokeTestTrouble:
            return (await core.smoke_tests.run(ana.id, link_id=link.id)).trouble

        assert await trouble() is SmokeTestTrouble.NOT_CONNECTED
        await core.supervisor.connect(ana.id, link.id)
        await settle()
        core.supervisor._board.update(core.mentorados.through(link.id).link, capability=SendCapability.RESTRICTED)
        assert await trouble() is SmokeTestTrouble.RESTRICTED
        stop = OutboundStop(link_id=link.id, trouble=SendErrorKind.POLICY_BLOCK, code="463", at=core.clock.now())
        core.outbound_record.stopped[link.id] = stop
        await core.outbound.load()
        assert await trouble() is SmokeTestTrouble.STOPPED
        await core.supervisor.disconnect(ana.id, link.id)
        await core.supervisor.disconnect(ana.id)
        await core.mentorados.archive(ana.id)
        assert await trouble() is SmokeTestTrouble.ARCHIVED
        assert core.played[ZAPI].sent == []


async def test_a_link_that_nobody_has_is_named_as_unknown(core: Switching) -> None:
    async with core.at_work():
        with pytest.raises(Problem) as unknown:
            core.mentorados.through(LinkId("0" * 32))
        assert unknown.value.code is ProblemCode.MENTORADO_UNKNOWN


async def test_what_is_in_use_already_is_put_in_use_without_a_change(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        before = core.mentorados.get(ana.id)
        await core.supervisor.put_in_use(ana.id, ana.link.id)
        assert core.mentorados.get(ana.id) == before


async def test_credentials_of_a_link_beside_are_kept_whatever_the_link_in_use_does(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        web = await core.mentorados.prepare_link(ana.id, ZAPI)
        credentials = core.provider_setup.credentials
        assert (await credentials.known(ana.id, web.id)).anything
        with pytest.raises(Problem) as malformed:
            await credentials.save(ana.id, {}, link_id=web.id)
        assert malformed.value.code is ProblemCode.CREDENTIAL_MALFORMED, "they may be entered, and these cannot be any"
        await core.supervisor.put_in_use(ana.id, web.id)
        with pytest.raises(Problem) as without:
            await credentials.save(ana.id, {}, link_id=ana.link.id)
        assert without.value.context["why"] == UnavailableReason.NO_CREDENTIALS
        await core.supervisor.disconnect(ana.id)
        await core.supervisor.disconnect(ana.id, ana.link.id)
        await core.mentorados.archive(ana.id)
        with pytest.raises(Problem) as archived:
            await credentials.save(ana.id, {}, link_id=ana.link.id)
        assert archived.value.context["why"] == UnavailableReason.ARCHIVED


async def test_a_switch_made_by_another_program_is_shown_here(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        link = await core.mentorados.prepare_link(ana.id, ZAPI)
        await core.mentorado_repository.put_in_use(replace(link, in_use=True))
        changed = await core.mentorados.follow()
        await core.supervisor.follow(changed)
        assert core.provider_of(ana) is ZAPI
        assert core.mentorados.link_for(ana.id, WEB).id == ana.link.id


# --- procedures -------------------------------------------------------------------------------------------------------


async def test_a_target_that_falls_after_its_test_is_not_put_in_use(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)

        def fall(entry: JournalEntry) -> None:
            if (entry.kind, entry.step) == (EntryKind.STEP_BEGAN, StepName.CUT_OVER):
                target = core.item(ana).to_link
                assert target is not None
                core.supervisor._board.move(core.mentorados.through(target).link, Trigger.LOST, Reason.NETWORK_DOWN)

        core.journal.on_entry = fall
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert (core.item(ana).state, core.item(ana).reason) == (S.FAILED, "network_down")
        assert core.provider_of(ana) is WEB


async def test_a_target_that_fell_is_waited_for_before_it_is_put_in_use(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)

        def fall(entry: JournalEntry) -> None:
            if (entry.kind, entry.step) == (EntryKind.STEP_DONE, StepName.TEST_TARGET):
                core.played[ZAPI].waits.add(ana.id)
                target = core.item(ana).to_link
                assert target is not None
                core.supervisor._board.move(core.mentorados.through(target).link, Trigger.LOST, Reason.NETWORK_DOWN)

        core.journal.on_entry = fall
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert core.item(ana).state is S.RUNNING
        target = core.item(ana).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(Connected(ana.phone))
        await core.moved()
        assert core.item(ana).state is S.SWITCHED


@full_disk
@pytest.mark.parametrize("connected", [True, False])
async def test_a_switch_can_be_taken_back_as_long_as_it_is_not_written_down(core: Switching, connected: bool) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.RECORD else None
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.journal.problem = None
        core.journal.on_entry = lambda _entry: None
        assert core.provider_of(ana) is ZAPI
        if not connected:
            await core.supervisor.disconnect(ana.id)
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.provider_of(ana) is WEB
        assert core.connected(ana) == {WEB}
        assert core.item(ana).state is S.FAILED


async def test_a_former_provider_that_is_on_its_way_back_is_waited_for(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.played[WEB].open[ana.link.id].say(Lost(Reason.NETWORK_DOWN))
        await settle()
        await core.switches.roll_back(ana.id)
        await core.moved()
        assert core.provider_of(ana) is ZAPI
        core.played[WEB].open[ana.link.id].say(Connected(ana.phone))
        await core.moved()
        assert core.item(ana).state is S.ROLLED_BACK


async def test_resumed_by_a_person_in_its_panel_a_switch_is_followed_by_its_run(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.pause(procedure.head.id)
        await core.moved()
        await core.procedures.resume(procedure.head.id)
        await core.moved()
        await core.switches.resume(core.run().id)
        await core.switches.resume(core.run().id)
        await core.moved()
        await core.switches.pause(core.run().id)
        await core.procedures.pause(procedure.head.id)
        await core.moved()
        assert core.run().pause is SwitchPause.PERSON
        assert core.item(ana).state is S.RUNNING


@full_disk
async def test_a_test_that_passed_is_not_repeated_when_the_program_ended_right_after_it(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.TEST_TARGET else None
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
    core.journal.problem = None
    core.journal.on_entry = lambda _entry: None
    again = core.again()
    async with again.at_work():
        await again.switches.resume(again.run().id)
        await again.moved()
        assert again.item(ana).state is S.SWITCHED
        assert len(again.played[ZAPI].sent) == 1
        (procedure,) = [p for p in await again.procedures.latest(ana.id) if p.head.kind is ProcedureKind.SWITCH]
        assert procedure.step(StepName.TEST_TARGET).state is StepState.SKIPPED


async def test_another_phone_that_scans_waits_for_a_person_who_takes_the_switch_back(core: Switching) -> None:
    async with core.at_work():
        people = await core.people(2)
        ana = people[0]
        core.played[ZAPI].waits.add(ana.id)
        await core.approved(SwitchPlan(target=ZAPI, cohort="2026", wave_size=2))
        await core.moved()
        target = core.item(ana).to_link
        assert target is not None
        core.played[ZAPI].open[target].say(QrScanned(TESTER))
        await core.moved()
        assert core.item(ana).awaits_decision
        assert core.run().pause is SwitchPause.WRONG_PHONE
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        assert procedure.state is ProcedureState.FAILED
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert (core.item(ana).state, core.item(ana).reason) == (S.FAILED, "wrong_account")
        assert core.connected(ana) == {WEB}
        await core.switches.resume(core.run().id)
        await core.moved()
        assert core.item(people[1]).state is S.SWITCHED


async def test_a_switch_that_waits_for_the_right_account_goes_on_once_the_target_has_it(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.played[ZAPI].trouble[ana.id] = QrScanned(TESTER)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        waiting = core.item(ana)
        assert waiting.awaits_decision
        core.played[ZAPI].trouble.clear()
        core.played[WEB].open[ana.link.id].say(Lost(Reason.STREAM_ERROR), Connected(ana.phone))
        await core.moved()
        assert core.item(ana).awaits_decision, "the link in use is connected again: the target is not"
        await core.supervisor.connect(ana.id, waiting.to_link)  # as when other credentials are entered
        await until(lambda: core.item(ana).state is S.SWITCHED)
        assert core.provider_of(ana) is ZAPI


@full_disk
async def test_a_roll_back_that_is_taken_back_puts_the_target_in_use_again(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.RECORD else None
        await core.switches.roll_back(ana.id)
        await core.moved()
        core.journal.problem = None
        core.journal.on_entry = lambda _entry: None
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        assert core.provider_of(ana) is WEB
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.provider_of(ana) is ZAPI
        assert core.item(ana).state is S.SWITCHED
        assert core.connected(ana) == {WEB, ZAPI}


@full_disk
async def test_a_roll_back_that_is_taken_back_leaves_the_former_provider_when_the_target_is_gone(
    core: Switching,
) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.RECORD else None
        await core.switches.roll_back(ana.id)
        await core.moved()
        core.journal.problem = None
        core.journal.on_entry = lambda _entry: None
        core.played[ZAPI].trouble[ana.id] = Blocked(Reason.BILLING)
        procedure = core.procedures.active(ana.id)
        assert procedure is not None
        await core.procedures.undo(procedure.head.id)
        await core.moved()
        assert core.provider_of(ana) is WEB
        assert core.item(ana).state is S.ROLLED_BACK


@full_disk
async def test_nothing_is_released_while_a_procedure_is_under_way(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert core.run().grace_ends(core.item(ana)) is not None
        core.journal.on_entry = lambda entry: core.stop_writing() if entry.step is StepName.RECORD else None
        await core.switches.roll_back(ana.id)
        await core.moved()
        with pytest.raises(Problem) as refused:
            await core.switches.release(ana.id)
        assert refused.value.context["why"] == UnavailableReason.UNDER_WAY
        core.journal.problem = None
        assert core.actions.unavailable_reason(ActionName.SMOKE_TEST, ana.id) is UnavailableReason.UNDER_WAY
        assert core.connected(ana) == {WEB}


async def test_a_bug_in_a_run_pauses_it(core: Switching, caplog: pytest.LogCaptureFixture) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        core.switch_record.broken = True
        await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
        await core.moved()
        assert core.run().pause is SwitchPause.INTERRUPTED
        assert "failed unexpectedly" in caplog.text


@full_disk
async def test_what_was_cut_over_before_the_journal_could_say_so_is_found_and_not_repeated(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        for begin, expected in ((None, S.SWITCHED), (core.switches.roll_back, S.ROLLED_BACK)):
            core.journal.on_entry = lambda entry: (
                core.stop_writing() if entry.step in (StepName.CUT_OVER, StepName.CUT_BACK) else None
            )
            if begin is None:
                await core.approved(SwitchPlan(target=ZAPI, mentorados=(ana.id,)))
            else:
                await begin(ana.id)
            await core.moved()
            core.journal.problem = None
            core.journal.on_entry = lambda _entry: None
            procedure = core.procedures.active(ana.id)
            assert procedure is not None
            await core.procedures.resume(procedure.head.id)
            await core.moved()
            assert core.item(ana).state is expected
            (done,) = [p for p in await core.procedures.latest(ana.id) if p.head.id == procedure.head.id]
            cut = StepName.CUT_OVER if begin is None else StepName.CUT_BACK
            assert "found" in done.step(cut).facts


async def test_a_switch_of_no_run_is_nobodys_business(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        await core.begin(ProcedureKind.SWITCH, ana, facts={"from": WEB, "to": ZAPI})
        await core.moved()
        assert core.provider_of(ana) is ZAPI
        assert core.switches.runs == []


async def test_where_nothing_is_paired_there_is_no_pairing_to_give_up(core: Switching) -> None:
    async with core.at_work():
        (ana,) = await core.people(1)
        link = core.mentorados.link_for(ana.id, META)
        await core.supervisor.connect(ana.id, link.id)
        await settle()
        await core.supervisor.give_up_pairing(ana.id, link.id)
        assert core.connected(ana) == {WEB}
