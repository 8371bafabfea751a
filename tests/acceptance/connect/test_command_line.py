"""``conecta connect`` and ``conecta status``, as an operator or a script runs them."""

from __future__ import annotations

import asyncio
import os

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.core_process import CoreProcess
from tests.acceptance.connect.harness import Harness, no_hosts
from tests.acceptance.connect.terminal import Finished, conecta, started
from tests.acceptance.program import Person, run


async def mentorados(harness: Harness) -> Person:
    async with harness.running() as run:
        return await run.add_mentorado("Ana Prates")


def moves(finished: Finished) -> list[tuple[str, str]]:
    return [(fields["state"], fields["reason"]) for fields in finished.events if fields["event"] == "status"]


@pytest.mark.within(60)
async def test_connect_shows_the_code_on_the_terminal_and_ends_when_it_is_through(harness: Harness) -> None:
    """ "Trigger connect", "Scan QR": status lines in their order, exit code 0, and no code on standard output."""
    ana = await mentorados(harness)
    home = harness.settings.data_dir
    async with started(home, harness.environment(), "connect", "ana", "--json") as command:
        code = await command.code()
        await asyncio.to_thread(harness.emulator.control.scan, ana.digits, code)
        ended = await command.finished()
    assert ended.exit_code == 0
    assert moves(ended) == [
        ("connecting", "none"),
        ("qr_ready", "none"),
        ("qr_ready", "signing_in"),
        ("connected", "none"),
    ]
    (shown,) = [fields for fields in ended.events if fields["event"] == "qr"]
    assert (shown["number"], shown["total"]) == (1, 6)
    assert shown["expires_at"] > ended.events[0]["since"]
    assert ended.events[-1]["account"] == ana.phone
    for part in (code, *code.rpartition("#")[2].split(",")[:4]):
        assert part not in ended.out
        assert part not in ended.error  # drawn, never spelled out
    await no_hosts()

    again = await conecta(home, harness.environment(), "connect", "ana", "--json")
    assert (again.exit_code, again.error.strip()) == (0, "")
    assert moves(again) == [("connecting", "none"), ("connected", "none")]


@pytest.mark.within(60)
async def test_connect_ends_with_one_when_a_person_is_needed(harness: Harness) -> None:
    """Scripts can tell: a link that is blocked ends the command with code 1, and says why and what to do."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.do(ActionName.DISCONNECT, ana)
    for arguments in (("--json",), ()):
        harness.emulator.control.fault("failure-405", ana.digits)
        ended = await conecta(harness.settings.data_dir, harness.environment(), "connect", ana.phone, *arguments)
        assert ended.exit_code == 1
        if arguments:
            assert moves(ended) == [("connecting", "none"), ("blocked", "client_outdated")]
        else:
            assert len(ended.out.splitlines()) == 3  # two moves and the next step, in words
            assert "client_outdated" not in ended.out


@pytest.mark.within(60)
@pytest.mark.parametrize(
    ("fault", "reason", "refusal"),
    [
        ("failure-402", Reason.TEMPORARY_BAN, UnavailableReason.SUSPENDED),
        ("failure-406", Reason.BANNED, UnavailableReason.BANNED),
        ("failure-403", Reason.MAIN_DEVICE_GONE, UnavailableReason.NEEDS_NEW_CODE),
    ],
)
async def test_connect_refuses_what_the_window_refuses(
    harness: Harness, fault: str, reason: Reason, refusal: UnavailableReason
) -> None:
    """ "Inspect close reasons": a ban or a suspension is not forgotten because a command asks; nothing is dialled."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.fault(fault, ana)
        await run.fault("abort", ana)
        until = (await run.until(ana, LinkState.BLOCKED, reason)).until
    dialed = len(harness.emulator.control.attempts())
    home = harness.settings.data_dir
    for arguments in (("--json",), ()):
        ended = await conecta(home, harness.environment(), "connect", ana.phone, *arguments)
        assert ended.exit_code == 1
        assert "[not_possible_now]" in ended.error
        if arguments:
            assert moves(ended) == [("blocked", reason)]
        else:
            assert "--released" in ended.out
    status = await conecta(home, harness.environment(), "status", "--json")
    assert status.events[0]["mentorados"][0]["reason"] == reason
    assert len(harness.emulator.control.attempts()) == dialed
    async with harness.running(starting=True) as run:
        assert (run.status(ana).reason, run.status(ana).until) == (reason, until)
        assert run.refusal(ActionName.CONNECT, ana) is refusal
    assert len(harness.emulator.control.attempts()) == dialed

    if reason is Reason.TEMPORARY_BAN:  # its keys are kept
        ended = await conecta(home, harness.environment(), "connect", ana.phone, "--released", "--json")
        assert (ended.exit_code, moves(ended)[-1]) == (0, ("connected", "none"))
        async with harness.running() as run:
            actions = [entry.record.action for entry in await run.core.audit.entries(mentorado_id=ana.id)]
            assert ActionName.LIFT_BAN in actions


@pytest.mark.skipif(os.name != "posix", reason="the owner's note names processes by POSIX means")
def test_status_says_what_is_true_while_a_program_runs_and_after_it_died(harness: Harness) -> None:
    """ "Configured is not observed": connected only while a living program holds the line."""

    async def main() -> None:
        async with harness.running() as run:
            ana = await run.connect_new()
        assert await status() == ("off", ana.phone)
        async with CoreProcess.started(harness.environment()) as program:
            await program.until(ana.link, LinkState.CONNECTED)
            await asyncio.sleep(0.3)  # the move is written by a queue that nobody waits for
            assert await status() == ("connected", ana.phone)
            await program.kill()
            assert (await status())[0] == "off"

    async def status() -> tuple[str, str]:
        ended = await conecta(harness.settings.data_dir, harness.environment(), "status", "--json")
        assert (ended.exit_code, ended.error.strip()) == (0, "")
        (ana,) = ended.events[0]["mentorados"]
        return ana["state"], ana["phone"]

    run(main(), within=60)
