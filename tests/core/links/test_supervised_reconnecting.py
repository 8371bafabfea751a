"""How links come back: after a fall, a crash, a refusal that passes, and until a person is needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.links.link_worker import BREAKS_IN_A_ROW, REFUSALS_IN_A_ROW
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import (
    LinkState,
    Reason,
    Retry,
    SendCapability,
)
from app.domain.mentorado import Link, LinkId
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Failed, Lost
from tests.clock import ManualClock, settle
from tests.core.conftest import Run
from tests.core.links.connecting import ANA, connected
from tests.fake_providers import FakeProvider
from tests.services import Core


async def test_a_crashed_host_is_replaced_later_each_time(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        for _ in range(3):
            core.provider.line.say(Failed(Reason.HOST_CRASHED, "exit -6"))
            await settle()
            status = core.status(ana)
            assert (status.state, status.reason) == (LinkState.RECONNECTING, Reason.HOST_CRASHED)
            assert status.retry is not None
            assert status.retry.at == core.clock.now() + timedelta(seconds=core.clock.slept[-1])
            await core.clock.advance(core.clock.slept[-1])
        assert core.clock.slept == [1, 2, 4]
        core.provider.line.say(Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED


async def test_a_stable_time_makes_the_next_try_quick_again(core: Core) -> None:
    async with core.running():
        await connected(core)
        for seconds_up in (1, 61):
            await core.clock.advance(seconds_up)
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await settle()
            await core.clock.advance(2)
            core.provider.line.say(Connected(ANA))
            await settle()
        assert core.clock.slept == [1, 1]


async def test_a_host_that_never_gets_through_waits_for_a_person_in_the_end(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        for _ in range(BREAKS_IN_A_ROW):
            core.provider.line.say(Failed(Reason.HOST_CRASHED))
            await settle()
            await core.clock.advance(60)
        status = core.status(ana)
        assert (status.state, status.reason) == (LinkState.BLOCKED, Reason.HOST_CRASHED)
        assert len(core.provider.lines) == BREAKS_IN_A_ROW


async def test_the_next_try_can_be_hurried_once(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        assert len(core.provider.lines) == 1
        await core.do(ActionName.TRY_NOW, ana)
        assert len(core.provider.lines) == 2
        assert core.supervisor.retry_requested(ana.link.id)
        with pytest.raises(Problem) as refused:
            await core.do(ActionName.TRY_NOW, ana)
        assert refused.value.context["why"] == "already_hurried"
        core.provider.line.say(Connected(ANA))
        await settle()
        assert not core.supervisor.retry_requested(ana.link.id)


async def test_a_line_that_is_coming_back_by_itself_can_be_opened_anew_at_once(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Lost(Reason.KEEPALIVE_TIMEOUT))
        await settle()
        assert core.status(ana).state is LinkState.RECONNECTING
        await core.do(ActionName.TRY_NOW, ana)
        assert core.provider.lines[0].closed
        assert not core.provider.line.pairing
        assert core.clock.slept == [5.0]  # how long it would have had


async def test_a_line_that_does_not_come_back_by_itself_is_replaced(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Lost(Reason.NETWORK_DOWN), Connected(ANA))
        await core.clock.advance(3)
        core.provider.line.say(Lost(Reason.NETWORK_DOWN), Lost(Reason.SERVER_UNAVAILABLE))
        await core.clock.advance(4)
        assert len(core.provider.lines) == 1  # the time counts anew
        await core.clock.advance(1)
        retry = core.status(ana).retry
        assert (core.provider.line.closed, retry) == (True, Retry(1, core.clock.now() + timedelta(seconds=1)))
        await core.clock.advance(1)
        assert len(core.provider.lines) == 2
        assert not core.provider.line.pairing


async def test_a_line_that_comes_back_by_itself_is_connected_again(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Lost(Reason.NETWORK_DOWN), Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        assert len(core.provider.lines) == 1
        assert core.provider.adopted == [ana.link.id]  # once, at the pairing


async def test_a_line_that_ends_without_a_word_counts_as_lost(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.hang_up()
        await settle()
        assert (core.status(ana).state, core.status(ana).reason) == (LinkState.RECONNECTING, Reason.STREAM_ERROR)


async def test_a_refused_link_waits_for_a_person_and_says_until_when(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        until = core.clock.now() + timedelta(hours=1)
        core.provider.line.say(Blocked(Reason.TEMPORARY_BAN, until, "402"))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.until) == (LinkState.BLOCKED, Reason.TEMPORARY_BAN, until)
        assert (status.capability, status.evidence.connected_since) == (SendCapability.BLOCKED, None)
        assert core.clock.slept == []


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (ProblemCode.SESSION_MISSING, Reason.SESSION_MISSING),
        (ProblemCode.SESSION_IN_USE, Reason.SESSION_IN_USE),
        (ProblemCode.SESSION_DISK_FULL, Reason.DISK_FULL),
        (ProblemCode.REQUEST_TIMED_OUT, Reason.UNEXPECTED),
    ],
)
async def test_a_line_that_cannot_be_tried_says_why(core: Core, problem: ProblemCode, reason: Reason) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.problem = Problem(problem)
        await core.do(ActionName.CONNECT, ana)
        assert (core.status(ana).state, core.status(ana).reason) == (LinkState.BLOCKED, reason)


def test_one_broken_link_leaves_the_others_alone(core: Core, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with core.running():
            ana = await connected(core)
            bia = await connected(core, "Bia", "11 98765-4322")
            core.provider.lines[0].break_with(ZeroDivisionError())
            await settle()
            assert core.status(ana).reason is Reason.UNEXPECTED
            assert core.status(bia).state is LinkState.CONNECTED

    run(main())
    assert "Worker of link" in caplog.text


async def test_a_refusal_names_the_account_that_is_in_the_way(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        other = PhoneNumber("+5521987650001")
        core.provider.line.say(Blocked(Reason.SESSION_OF_ANOTHER_MENTORADO, account=other))
        await settle()
        assert (core.status(ana).reason, core.status(ana).account) == (Reason.SESSION_OF_ANOTHER_MENTORADO, other)


async def test_a_session_that_may_be_open_elsewhere_names_its_holder(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.SESSION_HELD_ELSEWHERE, detail="recepcao"))
        await settle()
        status = core.status(ana)
        assert (status.reason, status.holder) == (Reason.SESSION_HELD_ELSEWHERE, "recepcao")
        assert status.detail == "session_held_elsewhere: recepcao"


async def test_a_line_that_lacks_open_files_is_tried_again_by_itself(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.problem = Problem(ProblemCode.TOO_MANY_OPEN_FILES)
        core.provider.line.say(Failed(Reason.HOST_FROZEN))
        await settle()
        for _ in range(10):  # oftener than what breaks on our own side is tried
            await core.clock.advance(200)
            await settle()
            status = core.status(ana)
            assert (status.state, status.reason) == (LinkState.RECONNECTING, Reason.TOO_MANY_OPEN_FILES)
        core.provider.problem = None
        await core.clock.advance(200)
        await settle()
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED


def test_a_line_that_fails_to_close_does_not_hide_why_the_link_was_refused(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await connected(core)
            core.provider.line.close_error = ZeroDivisionError()
            core.provider.line.say(Blocked(Reason.LOGGED_OUT))
            await settle()
            assert core.status(ana).reason is Reason.LOGGED_OUT

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_a_time_out_inside_the_provider_is_not_taken_for_impatience(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await connected(core)
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await settle()
            await core.clock.advance(1)
            core.provider.line.break_with(TimeoutError())
            await settle()
            assert core.status(ana).reason is Reason.UNEXPECTED

    run(main())
    assert "TimeoutError" in caplog.text


@pytest.mark.parametrize(("hours", "lines"), [(1, 0), (3, 1)])
async def test_a_suspended_number_is_tried_again_only_after_the_suspension(core: Core, hours: int, lines: int) -> None:
    async with core.running():
        await connected(core)
        core.provider.line.say(Blocked(Reason.TEMPORARY_BAN, core.clock.now() + timedelta(hours=2)))
        await settle()
    await core.clock.advance(hours * 3600)
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert len(again.provider.lines) == lines


async def test_a_cause_outside_that_may_be_gone_is_tried_at_the_next_start(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.ENGINE_MISSING))
        await settle()
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert again.status(ana).state is LinkState.CONNECTING


async def test_a_session_that_is_turned_away_again_and_again_is_not_let_in_any_more(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        await core.do(ActionName.DISCONNECT, ana)
        reasons = []
        for _ in range(REFUSALS_IN_A_ROW + 1):
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Blocked(Reason.SERVER_UNAVAILABLE))
            await settle()
            reasons.append(core.status(ana).reason)
        assert reasons[-3:] == [Reason.SERVER_UNAVAILABLE, Reason.SIGN_IN_FAILED, Reason.SIGN_IN_FAILED]
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ANA))
        await settle()
        core.provider.line.say(Blocked(Reason.SERVER_UNAVAILABLE))
        await settle()
        assert core.status(ana).reason is Reason.SERVER_UNAVAILABLE


class LockedProvider(FakeProvider):
    """Its sessions are files that another program may have open."""

    def __init__(self) -> None:
        super().__init__()
        self.overruled: list[LinkId] = []

    async def overrule_lock(self, link: Link) -> None:
        self.overruled.append(link.id)


async def test_a_session_that_a_person_takes_from_a_program_that_is_gone_is_opened(manual_clock: ManualClock) -> None:
    core = Core(manual_clock, provider=(provider := LockedProvider()))
    async with core.running():
        ana = await connected(core)
        provider.line.say(Blocked(Reason.SESSION_IN_USE))
        await settle()
        await core.supervisor.overrule_lock(ana.id)
        await settle()
        assert provider.overruled == [ana.link.id]
        assert core.status(ana).state is LinkState.CONNECTING
