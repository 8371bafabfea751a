"""Processes that are killed: a host costs its own link a moment, the program costs everybody a restart, no session."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest

from app.core.action import ActionName
from app.core.links.backoff import ReconnectPolicy
from app.domain.connection import LinkState, Reason
from tests.acceptance.connect.core_process import CoreProcess
from tests.acceptance.connect.office import AGAIN, NONE, Day, Office, Person, ended, hosts, no_hosts, run
from tests.acceptance.connect.verdicts import check_on_its_way_back

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


def kill_host(office: Office, person: Person, how: signal.Signals = signal.SIGKILL) -> psutil.Process:
    host = psutil.Process(office.host_pid(person))
    host.send_signal(how)
    return host


def test_a_host_that_is_killed_costs_its_own_link_a_moment(office: Office) -> None:
    """ "`kill -9` on a session host: the link is connected again by itself", and the others are not touched."""

    async def main() -> None:
        async with office.at_work() as day:
            people = [await day.connect_new(name) for name in ("Ana", "Bia", "Caio")]
            ana, *others = people
            told = {person.link: len(day.steps(person)) for person in people}
            pids = [office.host_pid(person) for person in others]
            for _ in range(2):
                kill_host(office, ana)
                check_on_its_way_back(await day.until(ana, LinkState.RECONNECTING), Reason.HOST_CRASHED)
                await day.until(ana, LinkState.CONNECTED)
            moment = [(LinkState.RECONNECTING, Reason.HOST_CRASHED), (LinkState.CONNECTED, NONE)]
            assert day.steps(ana)[told[ana.link] :] == 2 * moment
            for person in others:
                assert day.steps(person)[told[person.link] :] == []
                assert day.status(person).state is LinkState.CONNECTED
            assert [office.host_pid(person) for person in others] == pids
            assert len(hosts()) == 3
        await no_hosts(0)

    run(main())


def test_a_host_that_is_killed_while_a_code_is_shown_shows_a_new_one(office: Office) -> None:
    """ "QR Not Appearing": the code on the screen died with its host, and the next one comes by itself."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol()
            await day.do(ActionName.CONNECT, ana)
            old = await day.code(ana)
            kill_host(office, ana)
            status = await day.until(ana, LinkState.RECONNECTING)
            check_on_its_way_back(status, Reason.HOST_CRASHED)
            fresh = await day.code(ana)
            assert fresh != old
            await day.scan(ana, fresh)
            await day.until(ana, LinkState.CONNECTED)

    run(main())


def test_a_host_that_is_killed_between_scan_and_sign_in_loses_no_scan(office: Office) -> None:
    """ "Persist auth updates incrementally": what the phone has linked is taken up, without another code."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol()
            await day.do(ActionName.CONNECT, ana)
            code = await day.code(ana)
            control = office.emulator.control
            await control.off_loop(control.answer_iqs, False)  # the first sign-in hangs, and can be interrupted
            await day.scan(ana, code)
            await day.until(ana, LinkState.QR_READY, Reason.SIGNING_IN)
            kill_host(office, ana)
            await day.until(ana, LinkState.RECONNECTING)
            await control.off_loop(control.answer_iqs, True)
            await day.until(ana, LinkState.CONNECTED)
            assert all(reason is not NONE or state is not LinkState.QR_READY for state, reason in day.steps(ana)[3:])
            assert len(control.devices(ana.digits)) == 1

    run(main())


def test_a_link_whose_host_died_waits_its_delay_and_can_be_hurried(office: Office) -> None:
    """ "Respect backoff": the next try is shown with its time, and `TRY_NOW` is it."""

    async def main() -> None:
        slowly = ReconnectPolicy(first=60, factor=1.0, draw=lambda _least, most: most)
        async with office.at_work(policy=slowly) as day:
            ana = await day.connect_new()
            kill_host(office, ana)
            status = await day.until_told(ana, lambda status: status.retry is not None)
            assert status.retry is not None
            assert status.retry.attempt == 1
            assert status.retry.at is not None
            assert 55 < (status.retry.at - office.clock.now()).total_seconds() <= 60
            await no_hosts()
            await day.do(ActionName.TRY_NOW, ana)
            await day.until(ana, LinkState.CONNECTED, within=10)

    run(main())


def test_a_program_that_is_killed_leaves_no_host_and_the_next_start_reconnects(office: Office) -> None:
    """ "`kill -9` on the app: no host survives it, the next start reconnects", without a code."""

    async def main() -> None:
        async with office.at_work() as day:
            people = [await day.connect_new(name) for name in ("Ana", "Bia", "Caio")]
        async with CoreProcess.started(office.environment()) as program:
            for person in people:
                await program.until(person.link, LinkState.CONNECTED)
            orphans = hosts()
            assert len(orphans) == len(people)
            await program.kill()
            await asyncio.gather(*(check_dies(host) for host in orphans))
        async with office.at_work(starting=True) as day:
            for person in people:
                await day.until(person, LinkState.CONNECTED)
                assert tuple(day.steps(person)) == AGAIN

    run(main(), within=60)


def test_a_program_that_is_killed_while_a_code_is_shown_begins_anew(office: Office) -> None:
    """ "Confirm no stale lock in session directory": what the dead program held is free for the next start."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol()
        async with CoreProcess.started(office.environment(), "Ana") as program:
            old = (await program.until(ana.link, LinkState.QR_READY))["qr"]
            orphans = hosts()
            await program.kill()
            await asyncio.gather(*(check_dies(host) for host in orphans))
        async with office.at_work(starting=True) as day:
            assert day.status(ana).state is LinkState.OFF  # nobody is told of a code that no longer exists
            await day.do(ActionName.CONNECT, ana)
            code = await day.code(ana)
            assert code != old
            await day.scan(ana, code)
            await day.until(ana, LinkState.CONNECTED)

    run(main(), within=60)


def test_a_host_that_hangs_ends_with_its_link(office: Office) -> None:
    """A host that answers nothing is not left behind when staff disconnect, nor when the program ends."""

    async def main() -> None:
        async with office.at_work() as day:
            ana, bia = await day.connect_new("Ana"), await day.connect_new("Bia")
            stuck = [kill_host(office, person, signal.SIGSTOP) for person in (ana, bia)]
            await day.do(ActionName.DISCONNECT, ana)
            assert not stuck[0].is_running()
            await reconnects(day, ana)
        assert not stuck[1].is_running()

    async def reconnects(day: Day, ana: Person) -> None:
        await day.do(ActionName.CONNECT, ana)
        await day.until(ana, LinkState.CONNECTED)

    run(main())


async def check_dies(host: psutil.Process) -> None:
    assert await ended(host, within=3), "a host outlived its program"
