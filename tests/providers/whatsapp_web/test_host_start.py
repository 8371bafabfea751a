"""How a session host begins: the command, the engine, the first message, and its cost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.provider import Blocked, Connected, Failed, QrIssued
from app.providers.hosts.codec import encode
from app.providers.whatsapp_web.connection import SessionConnection
from app.providers.whatsapp_web.host_process import HostProcess, host_command, host_environment
from app.providers.whatsapp_web.protocol import VERSION, Ready
from tests.providers.conftest import ProviderHarness, host_of, until


async def test_a_second_line_to_one_session_is_refused(harness: ProviderHarness) -> None:
    person = harness.somebody()
    await harness.pair(person)
    async with harness.connected(person) as line:
        with pytest.raises(Problem) as held:
            await harness.connected(person).__aenter__()
        assert held.value.code is ProblemCode.SESSION_IN_USE
        await line.send_text(harness.somebody().phone, "unharmed")


async def test_a_command_that_does_not_exist(build: Callable[..., ProviderHarness]) -> None:
    harness = build(command=["/no/such/program"])
    with pytest.raises(Problem) as problem:
        await harness.provider.pair(harness.somebody()).__aenter__()
    assert problem.value.code is ProblemCode.HOST_NOT_STARTED


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("print('hello')", Reason.HOST_CRASHED),
        ("print('x' * 3_000_000)", Reason.HOST_CRASHED),
        ("pass", Reason.HOST_CRASHED),
        ('print(\'{"type": "ready", "protocol": 99, "engine": "", "pid": 1}\')', Reason.ENGINE_MISMATCH),
    ],
    ids=["another-program", "a-line-without-end", "nothing", "another-protocol"],
)
async def test_something_else_than_our_host(build: Callable[..., ProviderHarness], says: str, reason: Reason) -> None:
    harness = build(command=[sys.executable, "-c", f"{says}; import sys; sys.stdout.flush(); sys.stdin.read()"])
    async with harness.provider.pair(harness.somebody()) as line:
        if says == "pass":
            os.kill(host_of(line).pid, signal.SIGTERM)  # type: ignore[arg-type]
        async for signal_ in line.events():
            assert isinstance(signal_, Failed | Blocked)
            assert signal_.reason is reason


ENGINES = {
    "missing": (Reason.ENGINE_MISSING, "engine.library_path = gone"),
    "out of files": (
        Reason.TOO_MANY_OPEN_FILES,
        "def gone(): raise engine.EngineMissing('cannot open shared object file: Too many open files')\n"
        "engine.library_path = gone",
    ),
    "another": (Reason.ENGINE_MISMATCH, "engine.VERSION = '0.0.1'"),
}


@pytest.mark.parametrize("case", ENGINES)
async def test_a_host_without_its_engine_says_so(build: Callable[..., ProviderHarness], case: str) -> None:
    reason, change = ENGINES[case]
    code = f"""
from app.providers.whatsapp_web.host import __main__ as host, engine
def gone(): raise engine.EngineMissing("not here")
{change}
host.main()
"""
    harness = build(command=[sys.executable, "-c", code])
    async with harness.provider.pair(harness.somebody()) as line:
        refused = await until(line, lambda signal: isinstance(signal, Blocked | Failed))
    assert refused.reason is reason
    assert isinstance(refused, Failed) is (reason is Reason.TOO_MANY_OPEN_FILES), "that may be over in a moment"


async def test_the_library_s_prints_stay_out_of_the_protocol(harness: ProviderHarness) -> None:
    person = harness.somebody()
    async with harness.provider.pair(person) as line:
        code = await until(line, QrIssued)
        await harness.scan(person, code.text)
        await until(line, Connected)
        assert isinstance(line, SessionConnection)
        assert "Login event: success" in host_of(line).stderr_lines
        assert not any(code.text in text for text in host_of(line).stderr_lines)


def test_the_command_can_be_replaced() -> None:
    assert host_command()[-1] == "app.providers.whatsapp_web.host"
    assert host_command('/opt/py "a b" -m x') == ["/opt/py", "a b", "-m", "x"]


def test_bot_tags_are_off() -> None:
    assert host_environment({})["NEONIZE_BOT_TAG"] == "off"


async def test_a_host_is_quick_and_small(harness: ProviderHarness) -> None:
    """Guards the order of magnitude; the figures themselves are for the benchmarks."""
    person = harness.somebody()
    await harness.pair(person)
    took = []
    for _ in range(3):
        began = time.monotonic()
        async with harness.connected(person) as line:
            took.append(time.monotonic() - began)
            used = psutil.Process(host_of(line).pid).memory_full_info().uss / (1 << 20)
    assert min(took) < 1.5
    assert used < 60


async def test_the_first_thing_a_host_says_is_who_it_is() -> None:
    host = await HostProcess().start(host_command(), host_environment(os.environ))
    try:
        async with asyncio.timeout(10):
            ready = await host.join("").get()
        assert ready == Ready(protocol=VERSION, engine="0.5.2", pid=host.pid)
        assert encode(ready).startswith(b'{"type":"ready"')
    finally:
        await host.close()
