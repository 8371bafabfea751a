from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    Trigger,
)
from app.domain.mentorado import ProviderKind
from app.domain.provider import ActivitySeen, Blocked, Connected, HostAnswered, QrScanned
from app.domain.repositories import Transition
from tests.clock import settle
from tests.core.conftest import Run
from tests.core.links.connecting import ANA, code, connected
from tests.fake_providers import FakeConnection
from tests.services import Core


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


async def test_signs_of_life_are_kept_as_evidence(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        at = core.clock.now()
        core.provider.line.say(ActivitySeen(at, inbound=True), ActivitySeen(at + timedelta(seconds=1), inbound=False))
        await settle()
        evidence = core.status(ana).evidence
        assert (evidence.last_inbound, evidence.last_ack) == (at, at + timedelta(seconds=1))


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


async def test_what_runs_already_is_not_started_a_second_time(core: Core) -> None:
    """As when two ask at once, and the first was only let in while the second waited."""
    async with core.running():
        ana = await connected(core)
        opened = len(core.provider.lines)
        await core.supervisor._start(core.mentorados.get(ana.id), pair_anew=False)
        await settle()
        assert len(core.provider.lines) == opened
