"""Several sessions in one host: placed together, closed one by one, and brought back when their host ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from app.domain.link_status import HostPlacement, Reason
from app.domain.mentorado import Mentorado
from app.domain.messages import ProviderMessage
from app.domain.provider import Connected, Failed, Lost, MessagesReceived, QrIssued
from app.providers.hosts.process import HostExited
from app.providers.whatsapp_web.connection import SessionConnection
from app.providers.whatsapp_web.host_pool import HostPool
from app.providers.whatsapp_web.protocol import OpenMode
from tests.providers.conftest import ProviderHarness, digits, host_of, run, until


async def paired(harness: ProviderHarness, count: int) -> Sequence[Mentorado]:
    people = [harness.somebody() for _ in range(count)]
    for person in people:
        await harness.pair(person)
    return people


@asynccontextmanager
async def all_connected(
    harness: ProviderHarness, people: Sequence[Mentorado]
) -> AsyncIterator[Sequence[SessionConnection]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(harness.connected(person)) for person in people]


def pids(lines: Sequence[SessionConnection]) -> list[int]:
    return [host_of(line).pid for line in lines]


async def text_from(line: SessionConnection) -> str:
    """The text of the next message that comes over *line*, which is confirmed."""
    while True:
        arrived: MessagesReceived = await until(line, MessagesReceived)
        await line.confirm(arrived.up_to)
        for fact in arrived.facts:
            if isinstance(fact, ProviderMessage):
                return fact.text


async def test_as_many_sessions_share_a_host_as_the_setting_says(build: Callable[..., ProviderHarness]) -> None:
    harness = build(sessions_per_host=lambda: 3)
    people = await paired(harness, 5)
    async with all_connected(harness, people) as lines:
        hosts = pids(lines)
        assert len(set(hosts)) == 2
        assert hosts[0] == hosts[1] == hosts[2] != hosts[3] == hosts[4]
        assert lines[0].placement() == HostPlacement(pid=hosts[0], others=2, kept_alone=False)
        assert sorted(harness.provider.host_pids()) == sorted(set(hosts))
        for line, person in zip(lines, people, strict=True):
            await line.send_text(person.phone, "oi")
    assert not harness.provider.host_pids()
    assert not any(psutil.pid_exists(pid) for pid in hosts)


async def test_one_session_is_closed_and_the_others_in_its_host_notice_nothing(harness: ProviderHarness) -> None:
    ana, bia, caio = await paired(harness, 3)
    async with all_connected(harness, (ana, bia)) as (one, other):
        async with harness.connected(caio) as third:
            assert host_of(third) is host_of(one)
        await asyncio.to_thread(harness.emulator.control.send_text, digits(bia), digits(ana), "still there?")
        assert await text_from(one) == "still there?"
        await other.send_text(ana.phone, "yes")
        async with harness.connected(caio) as again:  # its files are free
            assert host_of(again) is not host_of(one), "the library still has its files open there"


async def test_what_arrives_while_a_session_moves_is_neither_lost_nor_doubled(
    build: Callable[..., ProviderHarness],
) -> None:
    """Paired sessions begin alone, and move together once they are quiet."""
    harness = build(moves_looked_after=0.05, quiet_before_move=0.2)
    ana, bia = harness.somebody(), harness.somebody()
    writer = harness.somebody()
    await harness.pair(writer)

    async def pair(stack: AsyncExitStack, person: Mentorado) -> SessionConnection:
        line = await stack.enter_async_context(harness.provider.pair(person))
        assert isinstance(line, SessionConnection)
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, Connected)
        await harness.provider.commit_pairing(person.link)
        return line

    async with AsyncExitStack() as stack:
        one = await pair(stack, ana)
        alone = host_of(one).pid
        other = await pair(stack, bia)
        assert host_of(other).pid != alone
        seen: dict[str, str] = {}  # by their ids, as the history keeps them: what is repeated changes nothing

        async def follow(line: SessionConnection) -> None:
            async for event in line.events():
                if isinstance(event, MessagesReceived):
                    await line.confirm(event.up_to)
                    for fact in event.facts:
                        if isinstance(fact, ProviderMessage):
                            seen.setdefault(fact.provider_id, fact.text)
                if event == Lost(Reason.HOST_MOVED):
                    moved.set()

        moved = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(follow(line)) for line in (one, other)]
            await moved.wait()
            for number in range(20):
                await asyncio.to_thread(harness.emulator.control.send_text, digits(writer), digits(ana), f"{number}")
                await asyncio.to_thread(harness.emulator.control.send_text, digits(writer), digits(bia), f"{number}")
                await asyncio.sleep(0.02)
            async with asyncio.timeout(10):
                while (
                    len(seen) < 40 or not (one.placement() and other.placement()) or host_of(one) is not host_of(other)
                ):
                    await asyncio.sleep(0.02)
            for each in following:
                each.cancel()
        assert sorted(seen.values()) == sorted(f"{number}" for number in range(20) for _ in range(2))
        assert not psutil.pid_exists(alone)


async def test_a_killed_host_takes_its_own_sessions_and_no_other_and_they_come_back(
    build: Callable[..., ProviderHarness],
) -> None:
    harness = build(sessions_per_host=lambda: 3)
    people = await paired(harness, 6)
    async with all_connected(harness, people) as lines:
        fallen, untouched = lines[:3], lines[3:]
        before = pids(untouched)
        os.kill(host_of(fallen[0]).pid, signal.SIGKILL)
        for line in fallen:
            assert (await until(line, Lost)).reason is Reason.HOST_CRASHED
        await asyncio.gather(*(until(line, Connected) for line in fallen))
        assert len(set(pids(fallen))) == 1
        assert pids(untouched) == before
        for line, person in zip(untouched, people[3:], strict=True):
            await line.send_text(person.phone, "still here")


async def test_sessions_whose_host_ended_twice_are_kept_alone_and_say_so(build: Callable[..., ProviderHarness]) -> None:
    harness = build()
    people = await paired(harness, 2)
    for _ in range(2):
        async with all_connected(harness, people) as (one, other):
            assert host_of(one) is host_of(other)
            os.kill(host_of(one).pid, signal.SIGKILL)
            await until(one, Lost)
            await until(other, Lost)
    async with all_connected(harness, people) as (one, other):
        assert host_of(one) is not host_of(other)
        for line in (one, other):
            expected = HostPlacement(pid=host_of(line).pid, others=0, kept_alone=True)
            assert line.placement() == expected


async def test_a_session_that_lets_not_go_takes_its_host_along_and_the_others_come_back(
    harness: ProviderHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that stands still is ended: nobody else may open the session's files before."""
    monkeypatch.setattr("app.providers.whatsapp_web.host_pool._CLOSED_WITHIN", 0.3)
    ana, bia = await paired(harness, 2)
    async with harness.connected(ana) as one:
        async with harness.connected(bia) as other:
            stopped = host_of(one).pid
            assert host_of(other).pid == stopped
            os.kill(stopped, signal.SIGSTOP)
        assert not psutil.pid_exists(stopped)
        assert (await until(one, Lost)).reason is Reason.HOST_FROZEN
        await until(one, Connected)
        for _ in range(2):  # it is no fault of theirs: they share again
            async with harness.connected(bia) as again:
                assert not again.placement().kept_alone  # type: ignore[union-attr]


async def test_cancelling_many_at_once_frees_every_session(harness: ProviderHarness) -> None:
    people = await paired(harness, 4)

    async def hold(person: Mentorado, ready: asyncio.Event) -> None:
        async with harness.connected(person):
            ready.set()
            await asyncio.sleep(30)

    for _ in range(2):
        ready = [asyncio.Event() for _ in people]
        tasks = [
            asyncio.get_running_loop().create_task(hold(person, event))
            for person, event in zip(people, ready, strict=True)
        ]
        for event in ready:
            await event.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not harness.provider.host_pids()


async def test_leaving_while_a_session_still_dials_frees_it(harness: ProviderHarness) -> None:
    ana, bia = await paired(harness, 2)
    async with harness.connected(ana) as one:
        for delay in (0.0, 0.01, 0.03, 0.1):
            async with harness.provider.connect(bia):
                await asyncio.sleep(delay)
        await one.send_text(bia.phone, "still here")
    async with harness.connected(bia):
        pass


async def test_a_host_that_cannot_be_started_fails_all_who_wait_for_it(
    build: Callable[..., ProviderHarness], harness: ProviderHarness
) -> None:
    people = await paired(harness, 3)
    broken = build(command=["/no/such/program"], session_root=harness.root)

    async def fails(person: Mentorado) -> str:
        try:
            async with broken.provider.connect(person):
                return "opened"
        except Exception as error:  # noqa: BLE001 - which one is looked at below
            return str(error)

    results = await asyncio.gather(*(fails(person) for person in people))
    assert all("host_not_started" in result for result in results), results
    assert not broken.provider.host_pids()


async def test_a_host_that_dies_while_its_sessions_sign_in_fails_them(
    build: Callable[..., ProviderHarness], harness: ProviderHarness
) -> None:
    people = await paired(harness, 2)
    broken = build(command=["/bin/false"], session_root=harness.root)

    async def fails(person: Mentorado) -> Failed:
        async with broken.provider.connect(person) as line:
            found: Failed = await until(line, Failed)
            return found

    for failed in await asyncio.gather(*(fails(person) for person in people)):
        assert failed.reason is Reason.HOST_CRASHED


async def test_eight_sessions_are_back_within_a_moment(harness: ProviderHarness) -> None:
    """How long exactly is for `make bench` to say; here it must not take the waits of a reconnection."""
    people = await paired(harness, 8)
    async with all_connected(harness, people) as lines:
        began = time.monotonic()
        os.kill(host_of(lines[0]).pid, signal.SIGKILL)
        await asyncio.gather(*(until(line, Connected) for line in lines))
        assert time.monotonic() - began < 5


def test_how_long_a_session_is_kept_alone_grows_and_ends(tmp_path: Path) -> None:
    async def main() -> None:
        now = 0.0
        pool = HostPool(["/bin/cat"], sessions_per_host=lambda: 8, monotonic=lambda: now)
        file = tmp_path / "session.db"
        for hour, expected in ((0, 0), (1, 1), (3, 2), (6, 4)):
            now = hour * 3600.0
            session = await pool.place(file, OpenMode.CONNECT)
            session.host.process.kill()
            while not isinstance(await session.incoming.get(), HostExited):
                pass
            await pool.release(session)
            assert pool.is_alone(file) is bool(expected)
            now += expected * 3600.0 - 1
            assert pool.is_alone(file) is bool(expected)
            now += 1
            assert not pool.is_alone(file)
        now += 24 * 3600.0
        assert not pool.is_alone(file), "what was that long ago is forgotten"

    run(main())
