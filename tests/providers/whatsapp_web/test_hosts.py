"""Session hosts as processes: they die alone, are never left behind, and never share a session."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.provider import Blocked, Connected, Failed, HostAnswered, Lost, QrIssued
from app.providers.hosts.codec import Pong
from app.providers.hosts.process import MISSED
from app.providers.whatsapp_web.connection import SessionConnection, SessionTimeouts
from app.providers.whatsapp_web.host_pool import HostPool
from app.providers.whatsapp_web.host_process import HostProcess, host_command, host_environment
from app.providers.whatsapp_web.protocol import LogLine, Open, OpenMode, SetLogging, StateChanged
from app.providers.whatsapp_web.session_repository import read_account
from tests.providers.conftest import ProviderHarness, host_of, run, until


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def end_of(pid: int, within: float = 5.0) -> float:
    """How long until the process *pid* is gone."""
    began = time.monotonic()
    while not ended(pid):
        assert time.monotonic() - began < within, "the host lives on"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_a_session_whose_host_was_killed_comes_back_in_another_by_itself(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        killed = host_of(line).pid
        os.kill(killed, signal.SIGKILL)
        assert await until(line, Lost) == Lost(Reason.HOST_CRASHED, "SIGKILL")
        await until(line, Connected)
        assert host_of(line).pid != killed
        await line.send_text(person.phone, "oi")


async def test_a_host_that_is_killed_twice_in_a_row_is_left_to_whoever_asked_for_it(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        os.kill(host_of(line).pid, signal.SIGKILL)
        await until(line, Connected)
        os.kill(host_of(line).pid, signal.SIGKILL)
        failed = await until(line, Failed)
        assert failed == Failed(Reason.HOST_CRASHED, "SIGKILL")
        assert [signal async for signal in line.events()] == []
        with pytest.raises(Problem) as refused:
            await line.send_text(person.phone, "oi")
        assert refused.value.code is ProblemCode.REQUEST_REFUSED
    async with harness.connected(person):
        pass


async def test_a_host_that_dies_answers_those_who_wait(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        harness.emulator.control.answer_iqs(False)

        async def send() -> None:
            with pytest.raises(Problem, match="the session host ended"):
                await line.send_text(harness.somebody().phone, "oi")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            await asyncio.sleep(0.1)
            os.kill(host_of(line).pid, signal.SIGKILL)


async def test_an_abort_in_one_host_leaves_the_others_alone(build: Callable[..., ProviderHarness]) -> None:
    harness = build(sessions_per_host=lambda: 1)
    ana, bia = harness.somebody(), harness.somebody()
    await harness.pair(ana)
    await harness.pair(bia)
    async with harness.connected(ana) as one, harness.connected(bia) as other:
        assert host_of(one) is not host_of(other)
        os.kill(host_of(one).pid, signal.SIGABRT)
        assert (await until(one, Lost)).reason is Reason.HOST_CRASHED
        await other.send_text(ana.phone, "still here")


NIL = """
import sys, ctypes
from app.providers.whatsapp_web.host.__main__ import claim_channel
claim_channel()
from app.providers.whatsapp_web.host.engine import Engine
engine = Engine()
engine._go.GetMe.argtypes = [ctypes.c_char_p]
engine._go.GetMe(b"nobody")
"""


async def test_what_the_library_died_of_is_in_the_detail(build: Callable[..., ProviderHarness]) -> None:
    """A call about a client it does not know: nil is dereferenced, and the process is gone."""
    harness = build(command=[sys.executable, "-c", NIL])
    async with harness.provider.pair(harness.somebody()) as line:
        failed = await until(line, Failed)
    assert failed.reason is Reason.HOST_CRASHED
    assert "nil pointer dereference" in failed.detail


async def test_leaving_the_line_ends_the_host(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        pid = host_of(line).pid
    assert ended(pid)
    async with harness.provider.pair(person) as pairing:
        await until(pairing, QrIssued)
        assert isinstance(pairing, SessionConnection)
        pid = host_of(pairing).pid
    assert ended(pid)


async def test_a_host_that_does_not_leave_is_killed(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        pid = host_of(line).pid
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
    assert ended(pid)
    assert time.monotonic() - began < 4


async def test_a_frozen_host_is_noticed_by_its_heartbeat_and_replaced(
    harness: ProviderHarness, build: Callable[..., ProviderHarness]
) -> None:
    """Its process lives and its pipes are open: only that it answers nothing tells it from one that has no news."""
    watched = build(heartbeat=0.25, session_root=harness.root)
    person = harness.somebody()
    await harness.pair(person)
    async with watched.connected(person) as line:
        assert (await until(line, HostAnswered)).at == harness.clock.now()
        pid = host_of(line).pid
        os.kill(pid, signal.SIGSTOP)
        assert await until(line, Lost) == Lost(Reason.HOST_FROZEN, "no answer for 1 s")
        await until(line, Connected)
        assert ended(pid)
    async with watched.connected(person) as line:
        for _ in range(MISSED + 1):  # one that answers is left alone
            assert await until(line, HostAnswered)


async def test_an_app_that_was_busy_does_not_take_its_host_for_frozen(
    harness: ProviderHarness, build: Callable[..., ProviderHarness]
) -> None:
    """Heartbeats are counted, not timed: a computer that slept missed none."""
    watched = build(heartbeat=0.25, session_root=harness.root)
    person = harness.somebody()
    await harness.pair(person)
    async with watched.connected(person) as line:
        await until(line, HostAnswered)
        time.sleep(0.25 * (MISSED + 2))  # noqa: ASYNC251 - the whole app, as when the computer sleeps
        for _ in range(MISSED + 1):
            assert await until(line, HostAnswered)


async def test_a_heartbeat_is_no_progress(harness: ProviderHarness) -> None:
    """A host that answers, and shows no code, is given up as soon as one that is silent."""
    pool = HostPool([sys.executable, "-c", "import sys; sys.stdin.read()"], sessions_per_host=lambda: 1)
    session = await pool.place(harness.root / "x.db", OpenMode.PAIR)
    line = SessionConnection(session, pool, harness.clock, SessionTimeouts(first_code=0.2))

    async def beat() -> None:
        for number in range(100):
            session.incoming.put_nowait(Pong(number=number))
            await asyncio.sleep(0.02)

    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        beating = group.create_task(beat())
        assert (await until(line, Failed)).reason is Reason.NETWORK_DOWN
        beating.cancel()
    await line.close()


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX here")
async def test_too_many_open_files_is_no_damage_and_no_missing_engine(harness: ProviderHarness) -> None:
    """What cannot be opened for want of descriptors is whole: no new code, no new installation, another try later."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    person = harness.somebody()
    await harness.pair(person)
    folder = harness.root / person.id
    file = folder / (folder / "current").read_text().strip()
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        for attempt in (harness.provider.connect, harness.provider.pair):
            with pytest.raises(Problem) as met:
                async with attempt(person):
                    pass
            assert met.value.code is ProblemCode.TOO_MANY_OPEN_FILES
        with pytest.raises(Problem) as unread:
            read_account(file)
        assert unread.value.code is ProblemCode.TOO_MANY_OPEN_FILES
        with pytest.raises(Problem) as unstarted:
            await HostProcess().start(host_command(), dict(os.environ))
        assert unstarted.value.code is ProblemCode.TOO_MANY_OPEN_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    async with harness.connected(person):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says whether a process may be dumped")
def test_a_host_with_keys_leaves_no_core_dump(harness: ProviderHarness) -> None:
    async def main() -> None:
        person = harness.somebody()
        await harness.pair(person)
        async with harness.connected(person) as line:
            assert psutil.Process(host_of(line).pid).rlimit(psutil.RLIMIT_CORE) == (0, 0)

    run(main())
    asked = "from app.platform.system import forbid_core_dumps as forbid; import ctypes; forbid()"
    dumpable = f"{asked}; raise SystemExit(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    assert subprocess.run([sys.executable, "-c", dumpable], check=False).returncode == 0


async def test_cancelling_whoever_holds_the_line_ends_the_host(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    pids: list[int] = []

    async def hold() -> None:
        async with harness.connected(person) as line:
            pids.append(host_of(line).pid)
            await asyncio.sleep(30)

    async with asyncio.TaskGroup() as tasks:
        held = tasks.create_task(hold())
        while not pids:
            await asyncio.sleep(0.01)
        held.cancel()
    assert ended(pids[0])


APP = """
import asyncio, shlex, sys
from datetime import UTC, datetime
from pathlib import Path
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId
from app.domain.provider import Connected
from app.providers.whatsapp_web.provider import WhatsAppWebProvider
from tests.clock import StillClock

async def main(root, command, mentorado_id, phone):
    link = Link(id=LinkId("0" * 32), mentorado_id=MentoradoId(mentorado_id))
    created = datetime.now(UTC)
    mentorado = Mentorado(id=link.mentorado_id, name="Ana", phone=phone, created_at=created, link=link)
    provider = WhatsAppWebProvider(Path(root), clock=StillClock(), command=shlex.split(command))
    async with provider.connect(mentorado) as line:
        async for signal in line.events():
            if isinstance(signal, Connected):
                print(line.placement().pid, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.contextmanager
def another_app(harness: ProviderHarness, mentorado_id: str, phone: str):  # type: ignore[no-untyped-def]
    """A second program on the same sessions, and the pid of its host."""
    arguments = [str(harness.root), harness.emulator.host_command(), mentorado_id, phone]
    with subprocess.Popen(
        [sys.executable, "-c", APP, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()
            process.wait(5)


async def test_no_host_survives_an_app_that_is_killed(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    with another_app(harness, person.id, person.phone) as (app, host):
        with pytest.raises(Problem, match=str(app.pid)) as held:  # meanwhile the folder is the other's
            await harness.connected(person).__aenter__()
        assert held.value.code is ProblemCode.SESSION_IN_USE
        app.kill()
        assert await end_of(host) < 3
    async with harness.connected(person):
        pass


async def test_a_session_is_not_opened_while_the_host_of_a_killed_app_still_has_it(harness: ProviderHarness) -> None:
    """The app's lock is free the moment it is dead; its host, stopped here, has one of its own."""
    person = harness.somebody()
    await harness.pair(person)
    with another_app(harness, person.id, person.phone) as (app, host):
        os.kill(host, signal.SIGSTOP)
        try:
            app.kill()
            app.wait(5)
            async with harness.provider.connect(person) as line:
                refused = await until(line, Blocked)
            assert refused.reason is Reason.SESSION_IN_USE
            assert f"process {host}" in refused.detail
        finally:
            os.kill(host, signal.SIGKILL)
        await end_of(host)
    async with harness.connected(person):
        pass


def test_the_library_s_log_is_passed_on_only_when_asked_and_without_numbers(harness: ProviderHarness) -> None:
    async def main(asked: bool) -> list[str]:
        host = await HostProcess().start(shlex.split(harness.emulator.host_command()), host_environment(os.environ))
        person = harness.somebody()
        lines = []
        try:
            news = host.join("s1")
            host.send(SetLogging(enabled=asked))
            file = str(harness.root.parent / f"{asked}.db")
            host.send(Open(session="s1", mode=OpenMode.PAIR, file=file, device_name="Conecta"))
            while True:
                message = await news.get()
                if isinstance(message, LogLine):
                    lines.append(message.text)
                elif text := getattr(message, "text", ""):
                    await harness.scan(person, text)
                elif isinstance(message, StateChanged):
                    return lines
        finally:
            await host.close()

    assert run(main(False)) == []
    collected = run(main(True))
    assert any("Successfully paired" in line for line in collected)
    assert not any("5511" in line for line in collected)


async def test_a_host_opens_no_second_session_beside_a_pairing(harness: ProviderHarness) -> None:
    host = await HostProcess().start(shlex.split(harness.emulator.host_command()), host_environment(os.environ))
    try:
        second = [host.join(name) for name in ("s1", "s2")][1]
        for name in ("s1", "s2"):
            file = str(harness.root.parent / name / "x.db")
            Path(file).parent.mkdir()
            host.send(Open(session=name, mode=OpenMode.PAIR, file=file, device_name="Conecta"))
        while True:
            message = await second.get()
            if isinstance(message, StateChanged):
                assert (message.session, message.reason) == ("s2", Reason.UNEXPECTED)
                return
    finally:
        await host.close()
