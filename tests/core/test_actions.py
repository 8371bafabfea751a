from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.procedures.steps import Step
from app.domain.actions import ActionName, UnavailableReason, already_sure
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, applies_to, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.outbound import OutboundStop
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind, ProcedureState, StepData, StepName
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from app.domain.sending import SendErrorKind
from tests.clock import settle
from tests.core.conftest import Run
from tests.services import Core

NEW_QR = (ActionName.NEW_CODE, ActionName.REAUTHENTICATE)


async def blocked(core: Core, reason: Reason, hours: float | None = None) -> Mentorado:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    phone = ana.phone
    core.provider.line.say(QrIssued("x", 1, 6, 60), QrScanned(phone), Connected(phone))
    until = core.clock.now() + timedelta(hours=hours) if hours else None
    core.provider.line.say(Blocked(reason, until))
    await settle()
    return ana


@pytest.mark.parametrize(
    "reason",
    [
        Reason.TEMPORARY_BAN,
        Reason.CLIENT_OUTDATED,
        Reason.CLIENT_REFUSED,
        Reason.STREAM_REPLACED,
        Reason.SESSION_IN_USE,
        Reason.WRONG_ACCOUNT,
    ],
)
async def test_no_new_code_can_be_asked_for_where_it_would_make_things_worse(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await blocked(core, reason, hours=2)
        for name in NEW_QR:
            assert core.actions.unavailable_reason(name, ana.id) is not None
            with pytest.raises(Problem) as caught:
                await core.do(name, ana)
            assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW


async def test_a_suspended_number_cannot_be_connected_before_its_time(core: Core) -> None:
    async with core.running():
        ana = await blocked(core, Reason.TEMPORARY_BAN, hours=2)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.SUSPENDED
        await core.clock.advance(2 * 3600)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is None
        assert core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id) is None


async def test_a_banned_number_is_not_tried_again_but_can_be_paired_after_an_appeal(core: Core) -> None:
    async with core.running():
        ana = await blocked(core, Reason.BANNED)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.BANNED
        assert core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id) is None


def test_a_guarded_action_that_is_declined_does_nothing(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()

            async def no(_name: ActionName, _mentorado: Mentorado) -> bool:
                return False

            assert await core.actions.run(ActionName.ARCHIVE, ana.id, no) is AuditOutcome.DECLINED
            assert not core.mentorados.get(ana.id).archived

    run(main())


def test_a_guarded_action_is_checked_again_after_the_question(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()

            async def slow_yes(_name: ActionName, mentorado: Mentorado) -> bool:
                await core.supervisor.connect(mentorado.id)  # a colleague was quicker
                return True

            with pytest.raises(Problem) as caught:
                await core.actions.run(ActionName.ARCHIVE, ana.id, slow_yes)
            assert caught.value.context["why"] == UnavailableReason.STILL_RUNNING
            assert not core.mentorados.get(ana.id).archived

    run(main())


async def test_archived_people_can_only_be_brought_back(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        assert core.actions.unavailable_reason(ActionName.BRING_BACK, ana.id) is UnavailableReason.NOT_ARCHIVED
        await core.do(ActionName.ARCHIVE, ana)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.ARCHIVED
        await core.do(ActionName.BRING_BACK, ana)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is None


async def test_a_connection_can_be_ended_and_taken_up_again(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        assert core.actions.unavailable_reason(ActionName.DISCONNECT, ana.id) is UnavailableReason.NOT_RUNNING
        assert core.actions.unavailable_reason(ActionName.CANCEL, ana.id) is UnavailableReason.NOTHING_TO_CANCEL
        assert core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id) is UnavailableReason.NEVER_PAIRED
        assert core.actions.unavailable_reason(ActionName.NEW_CODE, ana.id) is UnavailableReason.NO_EXPIRED_CODE
        assert core.actions.unavailable_reason(ActionName.TRY_NOW, ana.id) is UnavailableReason.NOT_LOST
        assert core.actions.unavailable_reason(ActionName.REJECT_ACCOUNT, ana.id) is UnavailableReason.NO_OTHER_ACCOUNT
        await core.do(ActionName.CONNECT, ana)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.ON_ITS_WAY
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.ALREADY_CONNECTED
        assert core.actions.unavailable_reason(ActionName.REAUTHENTICATE, ana.id) is None, "its session connects again"
        await core.do(ActionName.DISCONNECT, ana)
        await core.do(ActionName.CONNECT, ana)
        assert not core.provider.line.pairing


@pytest.mark.parametrize("account", [None, "+5511987654321"])
async def test_the_recommended_button_always_works(core: Core, account: str | None) -> None:
    async with core.running():
        ana = await core.add()
        for provider in ProviderKind:
            link = replace(ana.link, provider=provider, account=PhoneNumber(account) if account else None)
            await core.mentorados.save_link(link)
            for state, reason in itertools.product(LinkState, Reason):
                if not applies_to(provider, reason):
                    continue
                core.supervisor._board.restore(link, LinkStatus(state=state, reason=reason, since=core.clock.now()))
                name = RECOMMENDED_ACTION[recommend(state, reason)]
                if name is not None:
                    assert core.actions.unavailable_reason(name, ana.id) is None, (
                        provider,
                        state,
                        reason,
                    )


def test_every_recommendation_knows_whether_it_has_a_button() -> None:
    assert set(RECOMMENDED_ACTION) == set(Recommendation)


async def test_every_act_is_written_down_with_its_outcome(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        await core.do(ActionName.DISCONNECT, ana, answer=False)
        await core.do(ActionName.DISCONNECT, ana)
        core.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        with pytest.raises(Problem):
            await core.do(ActionName.ARCHIVE, ana)
        await settle()
    audited_actions = [entry.record for entry in core.audit.outcomes]
    assert [(record.action, record.outcome) for record in audited_actions] == [
        ("connect", "done"),
        ("disconnect", "declined"),
        ("disconnect", "done"),
        ("archive", "failed"),
    ]
    done = audited_actions[2]
    assert (done.actor.user, done.subject, done.mentorado_id) == ("staff", "Ana", ana.id)
    assert (done.before["state"], done.after["state"]) == ("connected", "off")
    assert done.before["account"] == "+55…21"


async def test_an_act_that_is_on_nobody_in_particular_is_written_down_too(core: Core) -> None:
    async with core.running():
        core.audit_service.record("provider_log", after={"on": "true"}, reason="diagnosis")
        await settle()
    (entry,) = core.audit.outcomes
    assert (entry.record.mentorado_id, entry.record.subject, entry.record.reason) == (None, "", "diagnosis")


@pytest.mark.parametrize("reason", [Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE])
async def test_whose_keys_were_taken_back_is_told_that_a_new_code_is_needed(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await blocked(core, reason)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.NEEDS_NEW_CODE
        for way_out in (ActionName.REAUTHENTICATE, ActionName.RECOVER):
            assert core.actions.unavailable_reason(way_out, ana.id) is None


@pytest.mark.parametrize("reason", [Reason.SESSION_MISSING, Reason.SESSION_CORRUPT])
async def test_files_that_were_put_back_by_hand_can_be_tried(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await blocked(core, reason)
        for way_out in (ActionName.CONNECT, ActionName.REAUTHENTICATE, ActionName.RECOVER):
            assert core.actions.unavailable_reason(way_out, ana.id) is None


async def test_what_would_come_between_a_procedure_and_its_link_waits(core: Core) -> None:
    async with core.running():
        ana = await blocked(core, Reason.SERVER_UNAVAILABLE)
        asks = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
        for name in (ActionName.CONNECT, ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.ARCHIVE):
            assert core.actions.unavailable_reason(name, ana.id) is UnavailableReason.UNDER_WAY
        await core.procedures.undo(asks.head.id)
        await core.stands(ana)
        for name in (ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.BACK_UP, ActionName.RESTORE):
            assert core.actions.unavailable_reason(name, ana.id) is not UnavailableReason.UNDER_WAY


def test_a_backup_leaves_the_link_alone(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.SERVER_UNAVAILABLE)
            held = asyncio.Event()

            async def collect(_run: object) -> StepData:
                await held.wait()
                return {}

            core.procedures._means = replace(
                core.procedures._means, steps={StepName.COLLECT: Step(name=StepName.COLLECT, do=collect)}
            )
            backup = await core.begin(ProcedureKind.BACKUP, ana)
            assert core.actions.unavailable_reason(ActionName.RESTORE, ana.id) is UnavailableReason.UNDER_WAY
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Connected(ana.phone))
            await settle()
            await core.do(ActionName.DISCONNECT, ana)
            assert (await core.stands(ana)).state is ProcedureState.RUNNING
            await core.procedures.undo(backup.head.id)
            await core.stands(ana)

    run(main())


async def test_what_was_agreed_to_before_is_done_without_a_question(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.actions.run(ActionName.ARCHIVE, ana.id, already_sure)
        assert core.mentorados.get(ana.id).archived


async def test_what_opens_a_sheet_is_not_done_by_a_yes(core: Core) -> None:
    async with core.running():
        ana = await blocked(core, Reason.LOGGED_OUT)
        for name in ActionName:
            if core.actions.needs_dialog(name):
                with pytest.raises(ValueError, match="sheet"):
                    await core.actions.run(name, ana.id, already_sure)


async def test_a_smoke_test_needs_a_link_that_is_connected_and_may_send(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        assert core.actions.unavailable_reason(ActionName.SMOKE_TEST, ana.id) is UnavailableReason.NOT_CONNECTED
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.actions.unavailable_reason(ActionName.SMOKE_TEST, ana.id) is None
        stop = OutboundStop(link_id=ana.link.id, trouble=SendErrorKind.POLICY_BLOCK, code="1", at=core.clock.now())
        core.actions._stops_of = lambda _whose: [stop]
        assert core.actions.unavailable_reason(ActionName.SMOKE_TEST, ana.id) is UnavailableReason.SENDING_STOPPED
