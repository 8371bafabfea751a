"""Child processes that end at the very moment somebody ends them."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from contextlib import suppress

import pytest

from app.domain.errors import Problem
from app.providers.webhooks.server_process import ReceiverProcess
from app.providers.whatsapp_web.host_process import HostProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is reaped on Windows")

TIMES = 200
READER = ("cat",)  # ends by itself once its input does


async def pause(longest: float) -> None:
    """A moment of random length: a child takes some time to end, and the race is somewhere in it."""
    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret


@pytest.mark.parametrize("longest", [0.0, 0.002])
@pytest.mark.parametrize("of", [HostProcess, ReceiverProcess])
async def test_a_close_that_is_cancelled_while_the_child_ends_loses_no_exit_code(
    of: type[HostProcess] | type[ReceiverProcess], longest: float
) -> None:
    for _ in range(TIMES):
        child = await of(heartbeat=10).start(READER, {})
        closing = asyncio.get_running_loop().create_task(child.close())
        await pause(longest)
        closing.cancel()
        with suppress(asyncio.CancelledError):
            await closing
        assert child.exit_code in (0, -signal.SIGKILL)


async def test_killing_a_child_that_is_just_ending_loses_no_exit_code() -> None:
    for _ in range(TIMES):
        child = await HostProcess().start(READER, {})
        assert child._transport is not None
        pipe = child._transport.get_pipe_transport(0)
        assert pipe is not None
        pipe.close()
        await pause(0.002)
        child.kill()
        await child.close()
        assert child.exit_code in (0, -signal.SIGKILL)
        child.kill()


@pytest.mark.parametrize("longest", [0.0, 0.003])
async def test_a_start_that_is_cancelled_while_the_child_ends_leaves_no_child_and_no_warning(longest: float) -> None:
    for _ in range(TIMES):
        child = HostProcess()
        starting = asyncio.get_running_loop().create_task(child.start(("true",), {}))
        await pause(longest)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await child.close()
        assert child.pid == 0 or child.exit_code in (0, -signal.SIGKILL)


async def test_a_start_that_is_cancelled_and_fails_raises_what_the_caller_waits_for() -> None:
    starting = asyncio.get_running_loop().create_task(HostProcess().start(("/no/such/program",), {}))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises((asyncio.CancelledError, Problem)):
        await starting
