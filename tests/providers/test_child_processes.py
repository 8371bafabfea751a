"""Child processes that end at the very moment somebody ends them."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress

import pytest

from app.providers.hosts.process import kill_child
from app.providers.whatsapp_web.host_process import HostProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is reaped on Windows")

TIMES = 200
READER = ("cat",)  # ends by itself once its input does


async def pause(longest: float) -> None:
    """A moment of random length: a child takes some time to end, and the race is somewhere in it."""
    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret


def exit_code(host: HostProcess) -> int | None:
    transport = host._transport
    assert transport is not None
    return transport.get_returncode()


@pytest.mark.parametrize("longest", [0.0, 0.002])
async def test_a_close_that_is_cancelled_while_the_child_ends_loses_no_exit_code(longest: float) -> None:
    for _ in range(TIMES):
        host = await HostProcess.start(READER, {})
        closing = asyncio.get_running_loop().create_task(host.close())
        await pause(longest)
        closing.cancel()
        with suppress(asyncio.CancelledError):
            await closing
        assert exit_code(host) in (0, -signal.SIGKILL)


async def test_killing_a_child_that_is_just_ending_loses_no_exit_code() -> None:
    for _ in range(TIMES):
        child = await asyncio.create_subprocess_exec(*READER, stdin=PIPE)
        assert child.stdin is not None
        child.stdin.close()
        await pause(0.002)
        kill_child(child)
        assert await child.wait() in (0, -signal.SIGKILL)
        kill_child(child)
