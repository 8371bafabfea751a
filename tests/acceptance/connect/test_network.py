"""What stands between us and WhatsApp: network, proxy, certificate."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.text import status as status_text
from tests.acceptance.connect.harness import FIRST_TIME, NONE, Harness
from tests.acceptance.connect.host_script import PLAIN_HOST, HostScript, comes_back
from tests.acceptance.connect.outcomes import check_on_its_way_back
from tests.acceptance.program import Person
from tests.emulators.whatsapp_web.process import EmulatorProcess

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the hosts are started by shell scripts here")


@pytest.fixture
def script(shared_home: Path, emulator: EmulatorProcess) -> HostScript:
    made = HostScript(shared_home / "host", emulator.host_command())
    made.mend()
    return made


@pytest.fixture(scope="module")
def shared(emulator: EmulatorProcess, shared_home: Path) -> Harness:
    """An office whose hosts are started by the script."""
    HostScript(shared_home / "host", emulator.host_command()).mend()
    return Harness(shared_home, emulator, host=[str(shared_home / "host")])


async def test_without_a_network_a_start_waits_and_connects_when_it_is_there(shared: Harness, veteran: Person) -> None:
    """ "Attempt soft reconnect first (without deleting session artifacts)" """
    control = shared.emulator.control
    await control.off_loop(control.network, False)
    async with shared.running(starting=True) as run:
        check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING), Reason.NETWORK_DOWN)
        assert run.refusal(ActionName.REAUTHENTICATE, veteran) is not None
        await run.until_status(veteran, lambda status: status.retry is not None and status.retry.attempt >= 2)
        await control.off_loop(control.network, True)
        await comes_back(run, veteran)


async def test_without_a_network_a_first_code_waits_and_appears_when_it_is_there(shared: Harness) -> None:
    """ "QR Not Appearing": the reason is told, and the code comes by itself."""
    control = shared.emulator.control
    async with shared.running() as run:
        ana = await run.add_mentorado()
        await control.off_loop(control.network, False)
        await run.do(ActionName.CONNECT, ana)
        check_on_its_way_back(await run.until(ana, LinkState.RECONNECTING), Reason.NETWORK_DOWN)
        await control.off_loop(control.network, True)
        await run.pair(ana)
        fallen = [(LinkState.CONNECTING, NONE), (LinkState.RECONNECTING, Reason.NETWORK_DOWN)]
        assert run.steps(ana) == [*fallen, *FIRST_TIME[1:]]


async def test_a_network_that_is_cut_under_a_connected_link_comes_back(shared: Harness, veteran: Person) -> None:
    """ "Verify network stability": the fall is told with its cause, and the link returns with the network."""
    control = shared.emulator.control
    async with shared.running(starting=True) as run:
        await run.until(veteran, LinkState.CONNECTED)
        await control.off_loop(control.network, False)
        check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING), Reason.NETWORK_DOWN)
        await asyncio.sleep(1)
        assert run.status(veteran).state is LinkState.RECONNECTING
        await control.off_loop(control.network, True)
        await run.do(ActionName.TRY_NOW, veteran)
        await comes_back(run, veteran)


@asynccontextmanager
async def a_proxy_that_refuses(answer: str) -> AsyncIterator[str]:
    """Its address; an empty *answer* stands for nobody listening there."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if not answer:
        server.close()
        await server.wait_closed()
    try:
        yield address
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway", ""],
    ids=lambda a: a[:3] or "none",
)
async def test_a_proxy_that_refuses_is_named_and_the_link_comes_back_without_it(
    shared: Harness, veteran: Person, script: HostScript, answer: str
) -> None:
    """ "Verify network stability": a proxy's no is told apart from a network that is down."""
    async with a_proxy_that_refuses(answer) as address:
        script.says(f"HTTPS_PROXY={address} exec {PLAIN_HOST}")
        async with shared.running() as run:
            await run.do(ActionName.CONNECT, veteran)
            check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING), Reason.PROXY_REFUSED)
            script.mend()
            await comes_back(run, veteran)


@pytest.mark.parametrize("paired", [True, False], ids=["connecting", "pairing"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    shared: Harness, veteran: Person, script: HostScript, paired: bool
) -> None:
    """The program trusts nobody who sits between it and WhatsApp: here the emulator, met by a host that is not ours."""
    emulator = json.loads((shared.emulator.directory / "emulator.json").read_text())
    script.says(f"unset SSL_CERT_FILE; HTTPS_PROXY=http://127.0.0.1:{emulator['proxy']} exec {PLAIN_HOST}")
    async with shared.running() as run:
        person = veteran if paired else await run.add_mentorado()
        await run.do(ActionName.CONNECT, person)
        check_on_its_way_back(await run.until(person, LinkState.RECONNECTING), Reason.CERTIFICATE_REFUSED)
        script.mend()
        if paired:
            await comes_back(run, person)
        else:
            await run.code(person)


def test_every_obstacle_has_words_of_its_own() -> None:
    """ "each with its own sentence": no two read alike."""
    codes = (
        ProblemCode.HOST_NOT_STARTED,
        ProblemCode.ENGINE_MISSING,
        ProblemCode.ENGINE_MISMATCH,
        ProblemCode.REQUEST_TIMED_OUT,
    )
    assert len({status_text.problem(Problem(code))[0] for code in codes}) == len(codes)
    reasons = (Reason.NETWORK_DOWN, Reason.PROXY_REFUSED, Reason.CERTIFICATE_REFUSED, Reason.SERVER_UNAVAILABLE)
    causes = {status_text.texts(f"cause.{reason}") for reason in (*reasons, Reason.HOST_CRASHED)}
    assert len(causes) == len(reasons) + 1
    ends = (*reasons, Reason.HOST_CRASHED, Reason.ENGINE_MISSING, Reason.ENGINE_MISMATCH)
    assert len({status_text.texts(f"sentence.blocked.{reason}") for reason in ends}) == len(ends)
