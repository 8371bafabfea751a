"""Session hosts that are forked: each host but the first, where the system can."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.provider import Connected, HostAnswered, Lost
from app.platform.system import process_memory
from app.providers.hosts import fork_server
from app.providers.hosts.fork_server import ForkServer, ForkServerFailed, can_fork
from app.providers.hosts.process import HostExited
from app.providers.whatsapp_web.connection import SessionConnection
from app.providers.whatsapp_web.host_pool import HostPool
from app.providers.whatsapp_web.host_process import HostProcess, host_command, host_environment
from app.providers.whatsapp_web.protocol import OpenMode, Ready, Unable
from tests.providers.conftest import ProviderHarness, host_of, until

pytestmark = pytest.mark.skipif(not can_fork(), reason="nothing is forked here")


@pytest.fixture
def one_each(build: Callable[..., ProviderHarness]) -> ProviderHarness:
    """Every session has a host of its own."""
    return build(sessions_per_host=lambda: 1)


async def paired(harness: ProviderHarness, count: int) -> list[Mentorado]:
    people = [harness.somebody() for _ in range(count)]
    for person in people:
        await harness.pair(person)
    return people


async def connected(
    stack: AsyncExitStack, harness: ProviderHarness, people: Sequence[Mentorado]
) -> list[SessionConnection]:
    return [await stack.enter_async_context(harness.connected(person)) for person in people]


def parent_of(line: SessionConnection) -> int:
    return psutil.Process(host_of(line).pid).ppid()


def hosts() -> list[psutil.Process]:
    """Every session host and fork server of this process that runs."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if re.search(r"session_host|whatsapp_web\.host", " ".join(child.cmdline()))]


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def test_hosts_beside_the_first_are_forked_and_the_server_is_there_as_long_as_they_are(
    one_each: ProviderHarness,
) -> None:
    ana, bia, caio = await paired(one_each, 3)
    async with AsyncExitStack() as first:
        (line,) = await connected(first, one_each, [ana])
        async with one_each.connected(bia) as second:
            async with one_each.connected(caio) as third:
                server = parent_of(second)
                assert parent_of(third) == server != parent_of(line) == os.getpid()
                await third.send_text(ana.phone, "oi")
            await first.aclose()
            assert psutil.pid_exists(server)
            os.kill(host_of(second).pid, signal.SIGKILL)
            assert (await until(second, Lost)).detail == "SIGKILL"
            await until(second, Connected)
            await second.send_text(ana.phone, "oi")
    assert hosts() == []


async def test_forked_hosts_live_on_without_their_server_and_the_next_one_has_another(
    one_each: ProviderHarness,
) -> None:
    people = await paired(one_each, 3)
    async with AsyncExitStack() as stack:
        first, second = await connected(stack, one_each, people[:2])
        server = psutil.Process(parent_of(second))
        server.kill()
        await wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
        await second.send_text(people[0].phone, "oi")
        (third,) = await connected(stack, one_each, people[2:])
        assert parent_of(third) not in (server.pid, os.getpid())
        host = host_of(second)
        host.kill()
        assert (await until(second, Lost)).detail == "exit code 255"  # nobody is left who could know it
        await until(second, Connected)
        assert parent_of(second) == parent_of(third)
        await first.send_text(people[1].phone, "oi")
    assert hosts() == []


async def test_a_forked_host_that_is_killed_is_told_with_its_signal(one_each: ProviderHarness) -> None:
    people = await paired(one_each, 2)
    async with AsyncExitStack() as stack:
        _, second = await connected(stack, one_each, people)
        os.kill(host_of(second).pid, signal.SIGKILL)
        lost = await until(second, Lost)
        assert (lost.reason, lost.detail) == (Reason.HOST_CRASHED, "SIGKILL")
        await until(second, Connected)


async def test_what_forked_hosts_share_is_not_counted_as_the_memory_of_each(
    build: Callable[..., ProviderHarness],
) -> None:
    harness = build(sessions_per_host=lambda: 1, heartbeat=0.2)
    people = await paired(harness, 2)
    async with AsyncExitStack() as stack:
        _, second = await connected(stack, harness, people)
        await until(second, HostAnswered)
        placement, with_shared = second.placement(), process_memory(host_of(second).pid)
        assert placement is not None
        assert placement.memory is not None
        assert with_shared is not None
        assert 2_000_000 < placement.memory < with_shared - 4_000_000
        await wait_until(lambda: host_of(second).memory in harness.provider._pool.memory())


async def test_a_forked_host_that_ends_before_anybody_knew_of_it_is_told_with_its_signal_too() -> None:
    server = await ForkServer().start(host_command(), host_environment(os.environ))
    host = HostProcess()
    incoming = host.join("ana")
    starting = asyncio.get_running_loop().create_task(server.fork(host))
    children = psutil.Process(server.pid).children
    while not (forked := children()):
        await asyncio.sleep(0)
    forked[0].kill()
    while children():
        time.sleep(0.01)  # noqa: ASYNC251 - on purpose: both answers wait to be read when the loop goes on
    await starting
    ended = await asyncio.wait_for(incoming.get(), 5)
    assert isinstance(ended, HostExited)
    assert ended.detail == "SIGKILL"
    await host.close()
    await server.close()


async def test_an_interrupt_from_the_terminal_is_for_the_app_and_ends_no_host_and_no_server(
    one_each: ProviderHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A terminal sends it to every process that was started from it."""
    people = await paired(one_each, 3)
    async with AsyncExitStack() as stack:
        first, second = await connected(stack, one_each, people[:2])
        server = parent_of(second)
        for pid in (server, host_of(first).pid, host_of(second).pid):
            os.kill(pid, signal.SIGINT)
        (third,) = await connected(stack, one_each, people[2:])
        assert parent_of(third) == server
        for line in (first, second):
            await line.send_text(people[2].phone, "oi")
    assert "failed unexpectedly" not in caplog.text


async def test_a_host_beside_one_that_ended_is_the_first_again_and_not_forked(tmp_path: Path) -> None:
    pool = HostPool(host_command(), sessions_per_host=lambda: 1)
    first = await pool.place(tmp_path / "ana.db", OpenMode.CONNECT)
    first.host.process.kill()
    while not isinstance(await first.incoming.get(), HostExited):
        pass
    second = await pool.place(tmp_path / "bia.db", OpenMode.CONNECT)
    assert psutil.Process(second.host.process.pid).ppid() == os.getpid()
    for session in (first, second):
        await pool.release(session)
    assert hosts() == []


async def test_a_server_that_does_not_answer_is_ended_and_the_host_started_by_itself(
    one_each: ProviderHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    people = await paired(one_each, 3)
    async with AsyncExitStack() as stack:
        _, second = await connected(stack, one_each, people[:2])
        server = parent_of(second)
        assert server != os.getpid()
        os.kill(server, signal.SIGSTOP)
        monkeypatch.setattr(fork_server, "_ANSWERS_WITHIN", 0.3)
        with caplog.at_level(logging.INFO):
            (third,) = await connected(stack, one_each, people[2:])
        assert parent_of(third) == os.getpid()
        assert not psutil.pid_exists(server)
        assert "No session host is forked any more" in caplog.text
        await second.send_text(people[0].phone, "oi")


async def test_a_command_that_does_not_know_how_to_fork_is_asked_three_times_and_no_more(
    build: Callable[..., ProviderHarness], harness: ProviderHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """`CONECTA_SESSION_HOST` may name a script that passes nothing on."""
    people = await paired(harness, 6)
    script = harness.root.parent / "host"
    script.write_text(f"#!/bin/sh\nexec {harness.emulator.host_command()}\n")
    script.chmod(0o700)
    deaf = build(sessions_per_host=lambda: 1, command=[str(script)], session_root=harness.root)
    with caplog.at_level(logging.INFO):
        async with AsyncExitStack() as stack:
            lines = await connected(stack, deaf, people)
            assert {parent_of(line) for line in lines} == {os.getpid()}
            assert len(hosts()) == len(lines)
    assert caplog.text.count("could not be forked") == 3


async def test_a_start_that_is_cancelled_leaves_no_forked_child() -> None:
    server = await ForkServer().start(host_command(), host_environment(os.environ))
    for turn in range(20):
        host = HostProcess()
        starting = asyncio.get_running_loop().create_task(server.fork(host))
        await asyncio.sleep(turn / 4000)
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            await host.close()
    children = psutil.Process(server.pid).children
    await wait_until(lambda: children() == [])
    await server.close()
    with pytest.raises(ForkServerFailed):
        await server.fork(HostProcess())


async def test_a_forked_host_without_its_engine_says_so() -> None:
    code = """
from app.providers.whatsapp_web.host import __main__ as host, engine
def gone(): raise engine.EngineMissing("not here")
engine.library_path = engine.messages = gone
host.main()
"""
    server = await ForkServer().start([sys.executable, "-c", code], host_environment(os.environ))
    host = HostProcess()
    messages = host.join("s1")
    await server.fork(host)
    async with asyncio.timeout(10):
        assert isinstance(await messages.get(), Ready)
        assert await messages.get() == Unable(reason=Reason.ENGINE_MISSING, detail="not here")
    await host.close()
    await server.close()
    assert not server.stderr_lines, "it told of a crash"


async def test_a_start_that_is_cancelled_does_not_wait_for_the_server_and_keeps_nothing_open() -> None:
    server = await ForkServer().start(host_command(), host_environment(os.environ))
    children, host = psutil.Process(server.pid).children, HostProcess()
    await server.fork(host)
    await host.close()
    open_files = psutil.Process().num_fds
    before = open_files()
    os.kill(server.pid, signal.SIGSTOP)
    starting = asyncio.get_running_loop().create_task(server.fork(HostProcess()))
    await asyncio.sleep(0.02)
    starting.cancel()
    async with asyncio.timeout(2):
        await asyncio.wait([starting])
    os.kill(server.pid, signal.SIGCONT)
    await server.fork(host := HostProcess())
    await host.close()
    starting = asyncio.get_running_loop().create_task(server.fork(HostProcess()))
    while not server._asked:
        await asyncio.sleep(0)
    assert server._control is not None
    select.select([server._control], [], [], 10)  # its answer is read in the moment of the cancellation
    server._read_control()
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: children() == [] and open_files() == before)
    await server.close()


async def test_a_start_that_is_cancelled_while_its_server_is_ended_leaves_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_server: ForkServer, _child: HostProcess) -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        raise ForkServerFailed("Resource temporarily unavailable")

    monkeypatch.setattr(ForkServer, "fork", refuse)
    pool = HostPool(host_command(), sessions_per_host=lambda: 1)
    first = await pool.place(tmp_path / "ana.db", OpenMode.CONNECT)
    with pytest.raises(asyncio.CancelledError):
        await pool.place(tmp_path / "bia.db", OpenMode.CONNECT)
    await pool.release(first)
    assert hosts() == []


async def test_when_the_app_is_gone_the_server_and_its_hosts_end_without_a_word() -> None:
    program = """
import asyncio, os
from app.providers.hosts.fork_server import ForkServer
from app.providers.whatsapp_web.host_pool import HostPool
from app.providers.whatsapp_web.host_process import HostProcess, host_command, host_environment

async def main():
    server = await ForkServer().start(host_command(), host_environment(os.environ))
    hosts = [HostProcess() for _ in range(3)]
    for host in hosts:
        await server.fork(host)
    print(server.pid, *(host.pid for host in hosts), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    app = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=host_environment(os.environ),
    )
    assert app.stdout is not None
    pids = [int(pid) for pid in (await app.stdout.readline()).split()]
    assert len(pids) == 4
    app.kill()
    _, errors = await app.communicate()
    await wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    assert errors == b""
