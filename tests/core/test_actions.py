from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.action import BUTTON_FOR, ActionName, Refusal
from app.core.procedure.step import Step
from app.domain.audit import AuditOutcome
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.guidance import Recommendation, can_have, recommend
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import Facts, ProcedureKind, ProcedureState, StepName
from app.domain.provider import CodeAccepted, CodeIssued, Opened, Refused
from tests.clock import settle
from tests.core.conftest import Core, Run

NEW_QR = (ActionName.NEW_CODE, ActionName.REAUTHENTICATE)


async def blocked(core: Core, reason: Reason, hours: float | None = None) -> Enrolment:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    phone = ana.mentorado.phone
    core.provider.line.say(CodeIssued("x", 1, 6, 60), CodeAccepted(phone), Opened(phone))
    until = core.clock.now() + timedelta(hours=hours) if hours else None
    core.provider.line.say(Refused(reason, until))
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
def test_no_new_code_can_be_asked_for_where_it_would_make_things_worse(core: Core, run: Run, reason: Reason) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, reason, hours=2)
            for name in NEW_QR:
                assert core.actions.refusal(name, ana.mentorado.id) is not None
                with pytest.raises(Problem) as caught:
                    await core.do(name, ana)
                assert caught.value.code is Code.NOT_POSSIBLE_NOW

    run(main())


def test_a_suspended_number_cannot_be_connected_before_its_time(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.TEMPORARY_BAN, hours=2)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.SUSPENDED
            await core.clock.advance(2 * 3600)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is None
            assert core.actions.refusal(ActionName.REAUTHENTICATE, ana.mentorado.id) is None

    run(main())


def test_a_banned_number_is_not_tried_again_but_can_be_paired_after_an_appeal(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.BANNED)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.BANNED
            assert core.actions.refusal(ActionName.REAUTHENTICATE, ana.mentorado.id) is None

    run(main())


def test_a_guarded_action_that_is_declined_does_nothing(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()

            async def no(_name: ActionName, _enrolment: Enrolment) -> bool:
                return False

            assert await core.actions.run(ActionName.ARCHIVE, ana.mentorado.id, no) is AuditOutcome.DECLINED
            assert not core.enrolments.get(ana.mentorado.id).mentorado.archived

    run(main())


def test_a_guarded_action_is_checked_again_after_the_question(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()

            async def slow_yes(_name: ActionName, enrolment: Enrolment) -> bool:
                await core.supervisor.connect(enrolment.mentorado.id)  # a colleague was quicker
                return True

            with pytest.raises(Problem) as caught:
                await core.actions.run(ActionName.ARCHIVE, ana.mentorado.id, slow_yes)
            assert caught.value.context["why"] == Refusal.STILL_RUNNING
            assert not core.enrolments.get(ana.mentorado.id).mentorado.archived

    run(main())


def test_archived_people_can_only_be_brought_back(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            assert core.actions.refusal(ActionName.BRING_BACK, ana.mentorado.id) is Refusal.NOT_ARCHIVED
            await core.do(ActionName.ARCHIVE, ana)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.ARCHIVED
            await core.do(ActionName.BRING_BACK, ana)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is None

    run(main())


def test_a_connection_can_be_ended_and_taken_up_again(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            assert core.actions.refusal(ActionName.DISCONNECT, ana.mentorado.id) is Refusal.NOT_RUNNING
            assert core.actions.refusal(ActionName.CANCEL, ana.mentorado.id) is Refusal.NOTHING_TO_CANCEL
            assert core.actions.refusal(ActionName.REAUTHENTICATE, ana.mentorado.id) is Refusal.NEVER_PAIRED
            assert core.actions.refusal(ActionName.NEW_CODE, ana.mentorado.id) is Refusal.NO_EXPIRED_CODE
            assert core.actions.refusal(ActionName.TRY_NOW, ana.mentorado.id) is Refusal.NOT_LOST
            assert core.actions.refusal(ActionName.REJECT_ACCOUNT, ana.mentorado.id) is Refusal.NO_OTHER_ACCOUNT
            await core.do(ActionName.CONNECT, ana)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.ON_ITS_WAY
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.ALREADY_CONNECTED
            assert core.actions.refusal(ActionName.REAUTHENTICATE, ana.mentorado.id) is Refusal.ALREADY_CONNECTED
            await core.do(ActionName.DISCONNECT, ana)
            await core.do(ActionName.CONNECT, ana)
            assert not core.provider.line.pairing

    run(main())


@pytest.mark.parametrize("account", [None, "+5511987654321"])
def test_the_recommended_button_always_works(core: Core, run: Run, account: str | None) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            for provider in ProviderKind:
                link = replace(ana.link, provider=provider, account=PhoneNumber(account) if account else None)
                await core.enrolments.save_link(link)
                for state, reason in itertools.product(LinkState, Reason):
                    if not can_have(provider, reason):
                        continue
                    core.supervisor._board.restore(link, LinkStatus(state=state, reason=reason, since=core.clock.now()))
                    name = BUTTON_FOR[recommend(state, reason)]
                    if name is not None:
                        assert core.actions.refusal(name, ana.mentorado.id) is None, (provider, state, reason)

    run(main())


def test_every_recommendation_knows_whether_it_has_a_button() -> None:
    assert set(BUTTON_FOR) == set(Recommendation)


def test_every_deed_is_written_down_with_its_outcome(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            await core.do(ActionName.DISCONNECT, ana, answer=False)
            await core.do(ActionName.DISCONNECT, ana)
            core.roster.problem = Problem(Code.DATABASE_DISK_FULL)
            with pytest.raises(Problem):
                await core.do(ActionName.ARCHIVE, ana)
            await settle()
        deeds = [entry.deed for entry in core.audit.outcomes]
        assert [(deed.action, deed.outcome) for deed in deeds] == [
            ("connect", "done"),
            ("disconnect", "declined"),
            ("disconnect", "done"),
            ("archive", "failed"),
        ]
        done = deeds[2]
        assert (done.actor.user, done.subject, done.mentorado_id) == ("staff", "Ana", ana.mentorado.id)
        assert (done.before["state"], done.after["state"]) == ("connected", "off")
        assert done.before["account"] == "+55…21"

    run(main())


def test_a_deed_that_is_on_nobody_in_particular_is_written_down_too(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            core.witness.record("provider_log", after={"on": "true"}, reason="diagnosis")
            await settle()
        (entry,) = core.audit.outcomes
        assert (entry.deed.mentorado_id, entry.deed.subject, entry.deed.reason) == (None, "", "diagnosis")

    run(main())


@pytest.mark.parametrize("reason", [Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE])
def test_whose_keys_were_taken_back_is_told_that_a_new_code_is_needed(core: Core, run: Run, reason: Reason) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, reason)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.NEEDS_NEW_CODE
            for way_out in (ActionName.REAUTHENTICATE, ActionName.RECOVER):
                assert core.actions.refusal(way_out, ana.mentorado.id) is None

    run(main())


@pytest.mark.parametrize("reason", [Reason.SESSION_MISSING, Reason.SESSION_CORRUPT])
def test_files_that_were_put_back_by_hand_can_be_tried(core: Core, run: Run, reason: Reason) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, reason)
            for way_out in (ActionName.CONNECT, ActionName.REAUTHENTICATE, ActionName.RECOVER):
                assert core.actions.refusal(way_out, ana.mentorado.id) is None

    run(main())


def test_what_would_come_between_a_procedure_and_its_link_waits(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.SERVER_UNAVAILABLE)
            asks = await core.begin(ProcedureKind.REAUTHENTICATION, ana)
            for name in (ActionName.CONNECT, ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.ARCHIVE):
                assert core.actions.refusal(name, ana.mentorado.id) is Refusal.UNDER_WAY
            await core.procedures.undo(asks.head.id)
            await core.stands(ana)
            for name in (ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.BACK_UP, ActionName.RESTORE):
                assert core.actions.refusal(name, ana.mentorado.id) is not Refusal.UNDER_WAY

    run(main())


def test_a_backup_leaves_the_link_alone(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.SERVER_UNAVAILABLE)
            held = asyncio.Event()

            async def collect(_run: object) -> Facts:
                await held.wait()
                return {}

            core.procedures._means = replace(
                core.procedures._means, steps={StepName.COLLECT: Step(name=StepName.COLLECT, do=collect)}
            )
            backup = await core.begin(ProcedureKind.BACKUP, ana)
            assert core.actions.refusal(ActionName.RESTORE, ana.mentorado.id) is Refusal.UNDER_WAY
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            await core.do(ActionName.DISCONNECT, ana)
            assert (await core.stands(ana)).state is ProcedureState.RUNNING
            await core.procedures.undo(backup.head.id)
            await core.stands(ana)

    run(main())


def test_what_opens_a_sheet_is_not_done_by_a_yes(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await blocked(core, Reason.LOGGED_OUT)
            for name in ActionName:
                if core.actions.opens_sheet(name):
                    with pytest.raises(ValueError, match="sheet"):
                        await core.actions.run(name, ana.mentorado.id, _yes)

    run(main())


async def _yes(_name: ActionName, _enrolment: Enrolment) -> bool:
    return True
