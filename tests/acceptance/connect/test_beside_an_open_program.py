"""Commands beside a program that stays open: it shows what is in the database, and does it."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName
from app.domain.events import MentoradoAdded, MentoradoChanged
from app.domain.link_status import LinkState
from tests.acceptance.connect.harness import Harness
from tests.acceptance.connect.terminal import conecta, started
from tests.waiting import until


@pytest.mark.within(60)
async def test_an_open_program_follows_what_commands_do(harness: Harness) -> None:
    """ "Connected clients list": added, connected and archived by command is so in the window, without a restart."""
    home, environment = harness.settings.data_dir, harness.environment()
    harness.emulator.control.add_account("5511971230001")
    async with harness.running() as run:
        core = run.core
        items: list[object] = []
        core.bus.subscribe(MentoradoAdded, items.append)
        core.bus.subscribe(MentoradoChanged, items.append)
        ended = await conecta(home, environment, "mentorado", "add", "Bia Rocha", "+5511971230001")
        assert ended.exit_code == 0
        await until(lambda: items)
        bia = core.mentorados.find("bia")
        async with started(home, environment, "connect", "bia") as command:
            code = await command.code()
            await asyncio.to_thread(harness.emulator.control.scan, "5511971230001", code)
            lines = (await command.finished()).out.splitlines()
        assert any("standard error" in line for line in lines)  # where the code is
        await until(lambda: core.supervisor.status(bia.link.id).state is LinkState.CONNECTED)

        await core.actions.run(ActionName.DISCONNECT, bia.id, _sure)
        ended = await conecta(home, environment, "mentorado", "archive", "bia")
        assert ended.exit_code == 0
        await until(lambda: core.mentorados.get(bia.id).archived)


async def test_each_line_of_a_command_is_in_the_pipe_when_it_is_written(harness: Harness) -> None:
    """ "Trigger connect": a script that reads along hears of each move, and not of all of them at the end."""
    async with harness.running() as run:
        await run.add_mentorado("Ana Prates")
    async with started(harness.settings.data_dir, harness.environment(), "connect", "ana") as command:
        assert command.process.stdout is not None
        async with asyncio.timeout(20):
            first = await command.process.stdout.readline()
        assert first
        assert command.process.returncode is None  # nobody scanned yet


async def _sure(*_asked: object) -> bool:
    return True
