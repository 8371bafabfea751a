"""``conecta recover``: the guided recovery on a server without a screen."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness, no_hosts
from tests.acceptance.connect.terminal import conecta, started

pytestmark = pytest.mark.slow


@pytest.mark.within(60)
async def test_a_session_that_was_ended_on_the_phone_is_replaced_by_command(harness: Harness) -> None:
    """ "Recover disconnected clients": nothing is replaced unasked; then a code in the terminal, and it is back."""
    async with harness.running() as run:
        ana = await run.connect_new("Ana Prates")
        await run.fault("device-removed", ana)
        await run.until(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
    home, environment = harness.settings.data_dir, harness.environment()
    old = harness.session_file(ana)

    declined = await conecta(home, environment, "recover", "ana")  # nobody can be asked
    assert declined.exit_code == 1
    assert "--yes" in declined.error
    assert harness.session_file(ana) == old

    async with started(home, environment, "recover", "ana", "--yes", "--json") as command:
        code = await command.code()
        await asyncio.to_thread(harness.emulator.control.scan, ana.digits, code)
        ended = await command.finished()
    assert ended.exit_code == 0
    assert code not in ended.out + ended.error
    assert ended.events[-1]["state"] == "done"
    assert [fields["state"] for fields in ended.events if fields.get("event") == "status"][-1] == "connected"
    assert harness.session_file(ana) != old
    await no_hosts()
