"""Processes that are killed: a host costs its own link a moment, the program costs everybody a restart, no session."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest

from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.core_process import CoreProcess
from tests.acceptance.connect.harness import AGAIN, NONE, Harness, ProgramRun, ended, hosts, no_hosts
from tests.acceptance.connect.outcomes import check_on_its_way_back
from tests.acceptance.program import Person, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


def kill_host(harness: Harness, person: Person, how: signal.Signals = signal.SIGKILL) -> psutil.Process:
    host = psutil.Process(harness.host_pid(person))
    host.send_signal(how)
    return host


async def test_a_host_that_is_killed_costs_its_own_link_a_moment(harness: Harness) -> None:
    """ "`kill -9` on a session host: the link is connected again by itself", and the others are not touched."""
    async with harness.running() as run:
        people = [await run.connect_new(name) for name in ("Ana", "Bia", "Caio")]
        ana, *others = people
        fields = {person.link: len(run.steps(person)) for person in people}
        pids = [harness.host_pid(person) for person in others]
        for _ in range(2):
            kill_host(harness, ana)
            check_on_its_way_back(await run.until(ana, LinkState.RECONNECTING), Reason.HOST_CRASHED)
            await run.until(ana, LinkState.CONNECTED)
        moment = [(LinkState.RECONNECTING, Reason.HOST_CRASHED), (LinkState.CONNECTED, NONE)]
        assert run.steps(ana)[fields[ana.link] :] == 2 * moment
        for person in others:
            assert run.steps(person)[fields[person.link] :] == []
            assert run.status(person).state is LinkState.CONNECTED
        assert [harness.host_pid(person) for person in others] == pids
        assert len(hosts()) == 3
    await no_hosts(0)


async def test_a_host_that_is_killed_while_a_code_is_shown_shows_a_new_one(harness: Harness) -> None:
    """ "QR Not Appearing": the code on the screen died with its host, and the next one comes by itself."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        old = await run.code(ana)
        kill_host(harness, ana)
        status = await run.until(ana, LinkState.RECONNECTING)
        check_on_its_way_back(status, Reason.HOST_CRASHED)
        fresh = await run.code(ana)
        assert fresh != old
        await run.scan(ana, fresh)
        await run.until(ana, LinkState.CONNECTED)


async def test_a_host_that_is_killed_between_scan_and_sign_in_loses_no_scan(harness: Harness) -> None:
    """ "Persist auth updates incrementally": what the phone has linked is taken up, without another code."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        code = await run.code(ana)
        control = harness.emulator.control
        await control.off_loop(control.answer_iqs, False)  # the first sign-in hangs, and can be interrupted
        await run.scan(ana, code)
        await run.until(ana, LinkState.QR_READY, Reason.SIGNING_IN)
        kill_host(harness, ana)
        await run.until(ana, LinkState.RECONNECTING)
        await control.off_loop(control.answer_iqs, True)
        await run.until(ana, LinkState.CONNECTED)
        assert all(reason is not NONE or state is not LinkState.QR_READY for state, reason in run.steps(ana)[3:])
        assert len(control.devices(ana.digits)) == 1


async def test_a_link_whose_host_died_waits_its_delay_and_can_be_hurried(harness: Harness) -> None:
    """ "Respect backoff": the next try is shown with its time, and `TRY_NOW` is it."""
    slowly = ReconnectPolicy(first=60, factor=1.0, random=lambda _least, most: most)
    async with harness.running(policy=slowly) as run:
        ana = await run.connect_new()
        kill_host(harness, ana)
        await run.until(ana, LinkState.RECONNECTING)
        await run.until(ana, LinkState.CONNECTED)  # once it comes back by itself
        kill_host(harness, ana)
        status = await run.until_status(ana, lambda status: status.retry is not None)
        assert status.retry is not None
        assert status.retry.attempt == 1
        assert status.retry.at is not None
        assert 55 < (status.retry.at - harness.clock.now()).total_seconds() <= 60
        await no_hosts()
        await run.do(ActionName.TRY_NOW, ana)
        await run.until(ana, LinkState.CONNECTED, within=10)


@pytest.mark.within(60)
async def test_a_program_that_is_killed_leaves_no_host_and_the_next_start_reconnects(harness: Harness) -> None:
    """ "`kill -9` on the app: no host survives it, the next start reconnects", without a code."""
    async with harness.running() as run:
        people = [await run.connect_new(name) for name in ("Ana", "Bia", "Caio")]
    async with CoreProcess.started(harness.environment()) as program:
        for person in people:
            await program.until(person.link, LinkState.CONNECTED)
        orphans = hosts()
        assert len(orphans) == 1, "they share it"
        await program.kill()
        await asyncio.gather(*(check_dies(host) for host in orphans))
    async with harness.running(starting=True) as run:
        for person in people:
            await run.until(person, LinkState.CONNECTED)
            assert tuple(run.steps(person)) == AGAIN


@pytest.mark.within(60)
async def test_a_program_that_is_killed_while_a_code_is_shown_begins_anew(harness: Harness) -> None:
    """ "Confirm no stale lock in session directory": what the dead program held is free for the next start."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
    async with CoreProcess.started(harness.environment(), "Ana") as program:
        old = (await program.until(ana.link, LinkState.QR_READY))["qr"]
        orphans = hosts()
        await program.kill()
        await asyncio.gather(*(check_dies(host) for host in orphans))
    async with harness.running(starting=True) as run:
        assert run.status(ana).state is LinkState.OFF  # nobody is told of a code that no longer exists
        await run.do(ActionName.CONNECT, ana)
        code = await run.code(ana)
        assert code != old
        await run.scan(ana, code)
        await run.until(ana, LinkState.CONNECTED)


def test_a_host_that_hangs_ends_with_its_link(harness: Harness) -> None:
    """A host that answers nothing is not left behind when staff disconnect, nor when the program ends."""

    async def main() -> None:
        async with harness.running() as run:
            ana, bia = await run.connect_new("Ana"), await run.connect_new("Bia")
            stuck = [kill_host(harness, person, signal.SIGSTOP) for person in (ana, bia)]
            await run.do(ActionName.DISCONNECT, ana)
            assert not stuck[0].is_running()
            await reconnects(run, ana)
        assert not stuck[1].is_running()

    async def reconnects(run: ProgramRun, ana: Person) -> None:
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)

    run(main())


async def check_dies(host: psutil.Process) -> None:
    assert await ended(host, within=3), "a host outlived its program"
