"""``conecta recover``: the guided recovery on a server without a screen."""

from __future__ import annotations

import asyncio

from app.domain.connection import LinkState, Reason
from tests.acceptance.connect.office import Office, no_hosts, run
from tests.acceptance.connect.terminal import conecta, started


def test_a_session_that_was_ended_on_the_phone_is_replaced_by_command(office: Office) -> None:
    """ "Recover disconnected clients": nothing is replaced unasked; then a code in the terminal, and it is back."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connect_new("Ana Prates")
            await day.fault("device-removed", ana)
            await day.until(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
        home, environment = office.settings.data_dir, office.environment()
        old = office.session_file(ana)

        declined = await conecta(home, environment, "recover", "ana")  # nobody can be asked
        assert declined.exit_code == 1
        assert "--yes" in declined.error
        assert office.session_file(ana) == old

        async with started(home, environment, "recover", "ana", "--yes", "--json") as command:
            code = await command.code()
            await asyncio.to_thread(office.emulator.control.scan, ana.digits, code)
            ended = await command.finished()
        assert ended.exit_code == 0
        assert code not in ended.out + ended.error
        assert ended.told[-1]["state"] == "done"
        assert [told["state"] for told in ended.told if told.get("event") == "status"][-1] == "connected"
        assert office.session_file(ana) != old
        await no_hosts()

    run(main(), within=60)
