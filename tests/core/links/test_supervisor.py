from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.links.ingest import MessageIngestor
from app.core.links.link_worker import BREAKS_IN_A_ROW, REFUSALS_IN_A_ROW
from app.core.links.supervisor import Supervisor
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    Retry,
    SendCapability,
)
from app.domain.mentorado import Link, LinkId, Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import ActivitySeen, Blocked, Connected, Failed, HostAnswered, Lost, QrIssued, QrScanned
from app.domain.repositories import Transition
from app.domain.state_machine import Trigger
from tests.clock import ManualClock, settle
from tests.core.conftest import Run
from tests.fakes import FakeConnection, FakeProvider
from tests.services import Core

ANA = PhoneNumber("+5511987654321")
STRANGER = PhoneNumber("+5521912345678")


def code(number: int = 1) -> QrIssued:
    return QrIssued("https://example.invalid/code", number, 6, 60.0 if number == 1 else 20.0)


async def connected(core: Core, name: str = "Ana", phone: str = "11 98765-4321") -> Mentorado:
    mentorado = await core.add(name, phone)
    await core.do(ActionName.CONNECT, mentorado)
    core.provider.line.say(code(), QrScanned(mentorado.phone), Connected(mentorado.phone))
    await settle()
    assert core.status(mentorado).state is LinkState.CONNECTED
    return mentorado


async def test_a_first_connection_goes_from_connecting_over_qr_ready_to_connected(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        assert core.listener.states() == ["connecting", "qr_ready", "connected"]
        assert [line.after.state for line in core.log.lines] == [
            "connecting",
            "qr_ready",
            "qr_ready",  # the phone accepted the code
            "connected",
        ]
        assert core.provider.adopted == [ana.link.id]
        status = core.status(ana)
        assert (status.account, status.capability) == (ANA, SendCapability.OK)
        assert status.evidence.connected_since == core.clock.now()
        link = core.mentorados.get(ana.id).link
        assert (link.enabled, link.account) == (True, ANA)
        assert core.supervisor.running() == (ana.link.id,)
    assert core.provider.line.closed


async def test_the_next_start_connects_without_a_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
    again = Core(core.clock, provider=core.provider, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert not again.provider.line.pairing
        again.provider.line.say(Connected(ANA))
        await settle()
        assert again.listener.states() == ["connecting", "connected"]
        assert again.status(ana).account == ANA


async def test_links_that_start_with_the_program_do_so_one_after_the_other(core: Core) -> None:
    async with core.running():
        await connected(core)
        await connected(core, "Bia", "11 98765-4322")
        off = await core.add("Caio", "11 98765-4323")
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert len(again.provider.lines) == 1
        await again.clock.advance(1)
        assert len(again.provider.lines) == 2
        assert again.status(off).state is LinkState.OFF


async def test_a_code_that_is_renewed_stays_qr_ready_and_carries_its_number_and_expiry(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(1))
        await core.clock.advance(60)
        core.provider.line.say(code(2))
        await settle()
        shown = core.status(ana).qr
        assert shown is not None
        assert (shown.number, shown.total) == (2, 6)
        assert shown.expires_at - core.clock.now() == timedelta(seconds=20)
        core.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.qr) == (LinkState.BLOCKED, Reason.QR_EXPIRED, None)
        await core.do(ActionName.NEW_CODE, ana)
        assert len(core.provider.lines) == 2
        assert core.provider.line.pairing


async def test_cancelling_while_a_code_is_shown_closes_the_line_and_leaves_the_link_off(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code())
        await settle()
        await core.do(ActionName.CANCEL, ana)
        assert core.provider.line.closed
        assert core.status(ana).state is LinkState.OFF
        assert core.supervisor.running() == ()
        assert not core.mentorados.get(ana.id).link.enabled


async def test_one_pairing_at_a_time_and_the_next_waits_its_turn(core: Core) -> None:
    async with core.running():
        ana, bia = await core.add(), await core.add("Bia", "11 98765-4322")
        caio = await core.add("Caio", "11 98765-4323")
        for somebody in (ana, bia, caio):
            await core.do(ActionName.CONNECT, somebody)
        assert len(core.provider.lines) == 1
        assert core.status(bia).reason is Reason.WAITING_TURN
        assert core.supervisor.pairing.current == ana.link.id
        waiting = list(core.supervisor.pairing.waiting)
        assert waiting == [bia.link.id, caio.link.id]
        await core.do(ActionName.CANCEL, bia)
        assert list(core.supervisor.pairing.waiting) == [caio.link.id]
        core.provider.line.say(code(), QrScanned(ANA), Connected(ANA))
        await settle()
        assert len(core.provider.lines) == 2  # Ana's line goes on; Caio's pairing has begun
        assert core.supervisor.pairing.current == caio.link.id
        assert core.status(caio).reason is Reason.NONE


async def test_the_wrong_phone_blocks_the_link_until_a_person_decides(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(STRANGER))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.account) == (LinkState.BLOCKED, Reason.WRONG_ACCOUNT, STRANGER)
        assert core.provider.line.closed
        assert core.provider.adopted == []
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.DECIDE_ACCOUNT_FIRST
        await core.do(ActionName.REJECT_ACCOUNT, ana)
        assert core.provider.discarded == [ana.link.id]
        assert (core.status(ana).state, core.status(ana).account) == (LinkState.OFF, None)


async def test_a_person_can_accept_the_other_number(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(STRANGER))
        await settle()
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        assert core.provider.adopted == [ana.link.id]
        assert not core.provider.line.pairing
        core.provider.line.say(Connected(STRANGER))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        assert core.mentorados.get(ana.id).link.accepted_account == STRANGER


async def test_a_stored_session_of_another_number_is_not_shown_as_connected(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(STRANGER))
        await settle()
        assert core.status(ana).reason is Reason.WRONG_ACCOUNT


async def test_a_decision_that_is_open_survives_a_restart(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.undecided[ana.link.id] = STRANGER
        await core.do(ActionName.CONNECT, ana)
        assert core.status(ana).reason is Reason.WRONG_ACCOUNT
    again = Core(core.clock, provider=core.provider, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        assert (again.status(ana).reason, again.status(ana).account) == (Reason.WRONG_ACCOUNT, STRANGER)


async def test_a_scan_that_was_right_is_adopted_after_a_crash(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.undecided[ana.link.id] = ANA
        await core.do(ActionName.CONNECT, ana)
        assert core.provider.adopted == [ana.link.id]
        assert not core.provider.line.pairing


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


async def test_a_pairing_that_is_interrupted_is_left_to_its_provider(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(ANA), Lost(Reason.STREAM_ERROR))
        await core.clock.advance(60)
        assert not core.provider.line.closed
        core.provider.line.say(Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED


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


async def test_signs_of_life_are_kept_as_evidence(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        at = core.clock.now()
        core.provider.line.say(ActivitySeen(at, inbound=True), ActivitySeen(at + timedelta(seconds=1), inbound=False))
        await settle()
        evidence = core.status(ana).evidence
        assert (evidence.last_inbound, evidence.last_ack) == (at, at + timedelta(seconds=1))


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
    assert "broke" in caplog.text


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


async def test_a_provider_without_session_files_has_no_lock_to_overrule(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.SESSION_HELD_ELSEWHERE))
        await settle()
        with pytest.raises(Problem) as met:
            await core.do(ActionName.OVERRULE_LOCK, ana)
        assert met.value.code is ProblemCode.NOT_POSSIBLE_NOW


async def test_the_heartbeat_of_the_host_is_evidence_of_nothing_else(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        before = core.status(ana).evidence
        at = core.clock.now() + timedelta(seconds=10)
        core.provider.line.say(HostAnswered(at))
        await settle()
        assert core.status(ana).evidence == replace(before, host_answered=at)


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


async def test_what_a_person_must_decide_is_shown_again_after_a_restart_and_not_tried(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await again.clock.advance(5)
        assert again.status(ana).reason is Reason.LOGGED_OUT
        assert again.provider.lines == []


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


async def test_pairing_anew_keeps_the_old_session_until_the_new_one_is_through(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        await core.do(ActionName.REAUTHENTICATE, ana)
        assert core.provider.line.pairing
        core.provider.line.say(code(), Failed(Reason.HOST_CRASHED))
        await settle()
        await core.clock.advance(1)
        assert core.provider.line.pairing  # still pairing after its host came back
        assert len(core.provider.adopted) == 1
        core.provider.line.say(code(), QrScanned(ANA), Connected(ANA))
        await settle()
        assert len(core.provider.adopted) == 2
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.clock.advance(2)
        assert not core.provider.line.pairing  # the new session connects by itself


async def test_a_link_that_was_asked_for_twice_has_one_line(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.closing = asyncio.Event()
        core.provider.line.say(Blocked(Reason.STREAM_REPLACED))
        await settle()
        assert core.status(ana).state is LinkState.BLOCKED
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(core.supervisor.connect(ana.id))
            await settle()
            assert len(core.provider.lines) == 1  # the refused line is still closing
            core.provider.line.closing.set()
        await settle()
        assert len(core.provider.lines) == 2


async def test_a_disk_that_fails_keeps_the_link_up_and_is_said(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.log.problem = core.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        core.provider.line.say(code(), QrScanned(ANA), Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        failures = [event for event in core.listener.events if isinstance(event, StorageFailed)]
        assert [failure.problem.code for failure in failures] == [ProblemCode.DATABASE_DISK_FULL] * 2
        await core.clock.advance(11)
        core.log.problem = core.mentorado_repository.problem = None
        await core.clock.advance(6)
        assert any(isinstance(event, StorageRecovered) for event in core.listener.events)
        assert [line.after.state for line in core.log.lines][-1] is LinkState.CONNECTED


async def test_an_unknown_provider_is_said_and_changes_nothing(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))
        with pytest.raises(Problem) as caught:
            await core.supervisor.connect(ana.id)
        assert caught.value.code is ProblemCode.PROVIDER_UNAVAILABLE
        assert core.status(ana).state is LinkState.OFF


class WithoutPairing:
    """A provider that signs in with a token: nothing to pair."""

    def __init__(self, core: Core) -> None:
        self.connect = core.provider.connect
        self.has_credentials = core.provider.has_credentials


async def test_a_provider_without_pairing_connects_with_what_it_has(core: Core) -> None:
    supervisor = Supervisor(
        bus=core.bus,
        providers={ProviderKind.WHATSAPP_WEB: WithoutPairing(core)},
        mentorados=core.mentorados,
        transitions=core.log,
        ingestor=MessageIngestor(bus=core.bus, store=core.history, clock=core.clock),
        clock=core.clock,
        write_queue=core.write_queue,
    )
    ana = await core.add()
    async with supervisor:
        await supervisor.connect(ana.id)
        await settle()
        core.provider.line.say(Connected(None))
        await settle()
        assert supervisor.status(ana.link.id).state is LinkState.CONNECTED


async def test_accepting_needs_a_number_to_accept(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        with pytest.raises(Problem):
            await core.supervisor.accept_account(ana.id)


@pytest.mark.parametrize(
    ("state", "reason", "restored"),
    [
        (LinkState.CONNECTED, Reason.NONE, LinkState.OFF),
        (LinkState.BLOCKED, Reason.LOGGED_OUT, LinkState.BLOCKED),
        (LinkState.BLOCKED, Reason.SESSION_IN_USE, LinkState.OFF),  # another program's, then: it says nothing of now
    ],
)
async def test_only_a_link_that_was_blocked_is_restored(
    core: Core, state: LinkState, reason: Reason, restored: LinkState
) -> None:
    ana = await core.add()
    status = LinkStatus(state=state, reason=reason, since=core.clock.now())
    await core.log.append(
        Transition(link_id=ana.link.id, at=core.clock.now(), trigger=Trigger.OPENED, before=status, after=status)
    )
    async with core.running():
        await core.supervisor.restore()
        assert core.status(ana).state is restored


def test_leaving_does_not_wait_for_a_disk_that_never_answers(
    core: Core, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.core.links.supervisor.FLUSH_SECONDS", 0.05)

    async def main() -> None:
        core.log.problem = Problem(ProblemCode.DATABASE_LOCKED)
        async with core.running():
            await core.do(ActionName.CONNECT, await core.add())
            assert isinstance(core.provider.line, FakeConnection)

    run(main())
    assert "waits in memory" in caplog.text


async def test_hurrying_does_not_jump_the_queue_of_pairings(core: Core) -> None:
    async with core.running():
        ana, bia = await core.add(), await core.add("Bia", "11 98765-4322")
        await core.do(ActionName.CONNECT, bia)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.do(ActionName.CONNECT, ana)
        await core.clock.advance(1)
        assert (core.status(bia).state, core.status(bia).reason) == (LinkState.RECONNECTING, Reason.WAITING_TURN)
        await core.do(ActionName.TRY_NOW, bia)
        assert core.supervisor.pairing.current == ana.link.id
        assert len(core.provider.lines) == 2


async def test_switching_off_what_does_not_run_is_harmless(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.supervisor.disconnect(ana.id)
        assert core.status(ana).state is LinkState.OFF


async def test_a_link_that_is_asked_for_while_everything_closes_is_refused(core: Core) -> None:
    ana = await core.add()
    async with asyncio.TaskGroup() as group, core.supervisor:
        bia = await connected(core, "Bia", "11 98765-4322")
        core.provider.line.closing = asyncio.Event()
        waits = core.provider.line.closing

        async def too_late() -> None:
            await settle()
            with pytest.raises(Problem) as caught:
                await core.supervisor.connect(ana.id)
            assert caught.value.context["why"] == "closing"
            waits.set()

        group.create_task(too_late())
    assert core.supervisor.running() == ()
    assert core.status(bia).state is LinkState.CONNECTED  # it closed with the program, and starts with it again


async def test_a_link_is_off_since_its_mentorado_was_enrolled_or_it_was_switched_off(core: Core) -> None:
    async with core.running():
        await core.clock.advance(300)
        mentorados = core.clock.now()
        ana = await core.add()
        assert core.status(ana).since == mentorados, "not since the program began"
        bia = await core.add("Bia", "21 91234-5678")
        await core.do(ActionName.CONNECT, bia)
        await core.do(ActionName.CANCEL, bia)
        off = core.clock.now()
    await core.clock.advance(86_400)
    anew = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await anew.mentorados.load()
    async with anew.running():
        await anew.supervisor.start_enabled()
        assert (anew.status(ana).since, anew.status(bia).since) == (mentorados, off)


async def test_a_wanted_link_of_a_provider_that_is_not_there_is_left_off(core: Core) -> None:
    ana = await core.add()
    await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.ZAPI, enabled=True))
    async with core.running():
        await core.supervisor.start_enabled()
        await core.clock.advance(1)
        assert core.status(ana).state is LinkState.OFF


async def test_the_log_says_when_nobody_kept_the_links_running_any_more(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        bruno = await core.add("Bruno", "21 91234-5678")
        await core.do(ActionName.CONNECT, bruno)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        caio = await core.add("Caio", "21 91234-5679")
        await core.do(ActionName.CONNECT, caio)
        await core.do(ActionName.CANCEL, caio)
        before = len(core.log.lines)
        await core.clock.advance(60)
    (left,) = core.log.lines[before:]  # neither who waits for a person nor who is off was kept running
    assert (left.link_id, left.at, left.trigger) == (ana.link.id, core.clock.now(), Trigger.DISCONNECT)
    assert left.before.state is LinkState.CONNECTED
    assert (left.after.state, left.after.reason) == (LinkState.OFF, Reason.PROGRAM_CLOSED)
    assert core.status(ana).state is LinkState.CONNECTED  # nobody is told of a move that was none
    assert core.mentorados.get(ana.id).link.enabled


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


@pytest.mark.parametrize("provider", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
async def test_a_pairing_or_a_hosted_link_is_never_sent_to_a_new_code_because_the_service_is_busy(
    core: Core, provider: ProviderKind
) -> None:
    core.supervisor._providers = {**core.supervisor._providers, ProviderKind.ZAPI: core.provider}
    async with core.running():
        ana = await core.add()
        account = ANA if provider is ProviderKind.ZAPI else None
        await core.mentorados.save_link(replace(ana.link, provider=provider, account=account))
        for _ in range(REFUSALS_IN_A_ROW + 1):
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Blocked(Reason.SERVER_UNAVAILABLE))
            await settle()
            assert core.status(ana).reason is Reason.SERVER_UNAVAILABLE


async def test_what_runs_already_is_not_started_a_second_time(core: Core) -> None:
    """As when two ask at once, and the first was only let in while the second waited."""
    async with core.running():
        ana = await connected(core)
        opened = len(core.provider.lines)
        await core.supervisor._start(core.mentorados.get(ana.id), pair_anew=False)
        await settle()
        assert len(core.provider.lines) == opened


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
