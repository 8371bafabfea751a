"""Commands beside a program that stays open: it shows what is in the database, and does it."""

from __future__ import annotations

import asyncio

from app.core.action import ActionName
from app.domain.connection import LinkState
from app.domain.events import MentoradoAdded, MentoradoChanged
from tests.acceptance.connect.office import Office, run
from tests.acceptance.connect.terminal import conecta, started
from tests.waiting import until


def test_an_open_program_follows_what_commands_do(office: Office) -> None:
    """ "Connected clients list": added, connected and archived by command is so in the window, without a restart."""

    async def main() -> None:
        home, environment = office.settings.data_dir, office.environment()
        office.emulator.control.add_account("5511971230001")
        async with office.at_work() as day:
            core = day.core
            told: list[object] = []
            core.bus.subscribe(MentoradoAdded, told.append)
            core.bus.subscribe(MentoradoChanged, told.append)
            ended = await conecta(home, environment, "mentorado", "add", "Bia Rocha", "+5511971230001")
            assert ended.exit_code == 0
            await until(lambda: told)
            bia = core.enrolments.named("bia")
            async with started(home, environment, "connect", "bia") as command:
                code = await command.code()
                await asyncio.to_thread(office.emulator.control.scan, "5511971230001", code)
                lines = (await command.finished()).out.splitlines()
            assert any("standard error" in line for line in lines)  # where the code is
            await until(lambda: core.supervisor.status(bia.link.id).state is LinkState.CONNECTED)

            await core.actions.run(ActionName.DISCONNECT, bia.mentorado.id, _sure)
            ended = await conecta(home, environment, "mentorado", "archive", "bia")
            assert ended.exit_code == 0
            await until(lambda: core.enrolments.get(bia.mentorado.id).mentorado.archived)

    run(main(), within=60)


def test_each_line_of_a_command_is_in_the_pipe_when_it_is_written(office: Office) -> None:
    """ "Trigger connect": a script that reads along hears of each move, and not of all of them at the end."""

    async def main() -> None:
        async with office.at_work() as day:
            await day.enrol("Ana Prates")
        async with started(office.settings.data_dir, office.environment(), "connect", "ana") as command:
            assert command.process.stdout is not None
            async with asyncio.timeout(20):
                first = await command.process.stdout.readline()
            assert first
            assert command.process.returncode is None  # nobody scanned yet

    run(main())


async def _sure(*_asked: object) -> bool:
    return True
