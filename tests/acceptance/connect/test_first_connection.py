"""Setting somebody up: one at a time, by a code, once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import psutil
import pytest

from app.domain.actions import ActionName
from app.domain.events import PairingQueueChanged
from app.domain.link_status import LinkState, Reason, SendCapability, Trigger
from app.domain.mentorado import LinkId
from tests.acceptance.connect.harness import AGAIN, FIRST_TIME, NONE, Harness, ProgramRun, ended, hosts
from tests.acceptance.program import Person, run
from tests.emulators.whatsapp_web.control import EmulatorRefused


def test_the_first_connection_is_seen_step_by_step(harness: Harness, log_file: Path) -> None:
    """ "Confirm status transition sequence: `connecting` → `qr_ready` → `connected`": told, stored and logged."""

    async def main() -> Person:
        async with harness.running() as run:
            ana = await run.connect_new()
            assert tuple(run.steps(ana)) == FIRST_TIME
            status = run.status(ana)
            assert (status.account, status.capability, status.qr) == (ana.phone, SendCapability.OK, None)
        written = await harness.written(ana)
        closed = (LinkState.OFF, Reason.PROGRAM_CLOSED)
        assert [(move.after.state, move.after.reason) for move in written] == [*FIRST_TIME, closed]
        assert [move.trigger for move in written] == [
            Trigger.CONNECT,
            Trigger.CODE_SHOWN,
            Trigger.CODE_ACCEPTED,
            Trigger.OPENED,
            Trigger.DISCONNECT,
        ]
        assert [move.at for move in written] == sorted(move.at for move in written)
        return ana

    ana = run(main())
    lines = [json.loads(line)["message"] for line in log_file.read_text().splitlines()]
    logged = [line.partition(f"Link {ana.link}: ")[2] for line in lines]
    assert [line for line in logged if line] == [
        "off → connecting (none)",
        "connecting → qr_ready (none)",
        "qr_ready → qr_ready (signing_in)",
        "qr_ready → connected (none)",
    ]
    assert "whatsmeow" not in log_file.read_text(), "the library's own log is for diagnosis only"


async def test_the_next_start_connects_by_itself_and_asks_for_no_code(harness: Harness) -> None:
    """ "Persist credentials on auth updates (creds + keys updates)": what was paired once is paired."""
    async with harness.running() as run:
        ana = await run.connect_new()
    for _ in range(2):
        async with harness.running(starting=True) as run:
            await run.until(ana, LinkState.CONNECTED)
            assert tuple(run.steps(ana)) == AGAIN
            stored = run.core.mentorados.get(ana.id).link
            assert (stored.account, stored.enabled) == (ana.phone, True)


def test_the_session_is_kept_under_the_persons_id_for_this_user_alone(harness: Harness) -> None:
    """ "Keep session files under `BAILEYS_SESSION_DIR` only." Folders are 0700 and files 0600."""

    async def main() -> None:
        async with harness.running() as run:
            ana = await run.connect_new()
            check(ana.id, ana.name, ana.digits)
        check(ana.id, ana.name, ana.digits)

    def check(person_id: str, name: str, digits: str) -> None:
        kept = [path for path in harness.sessions.rglob("*") if path.is_file()]
        assert {path.relative_to(harness.sessions).parts[0] for path in kept} == {person_id, "about-this-folder.txt"}
        assert any(path.suffix == ".db" and path.stat().st_size > 100_000 for path in kept)
        for path in kept:
            assert path.stat().st_mode & 0o777 == 0o600, path
            assert name not in str(path)
            assert digits not in str(path)
        for folder in (harness.sessions, *(path for path in harness.sessions.rglob("*") if path.is_dir())):
            assert folder.stat().st_mode & 0o777 == 0o700
        outside = {path.name for path in harness.settings.data_dir.rglob("*") if path.is_file()}
        assert {name.partition("-")[0] for name in outside} <= {
            "conecta.db",
            "audit",
        }

    run(main())


class TurnWatcher:
    """Who is being paired and who waits, as it was told."""

    def __init__(self, run: ProgramRun) -> None:
        self._seen: list[PairingQueueChanged] = []
        run.core.bus.subscribe(PairingQueueChanged, self._seen.append)

    def latest(self) -> tuple[LinkId | None, tuple[LinkId, ...]]:
        return self._seen[-1].current, self._seen[-1].waiting


@pytest.mark.parametrize("how", ["connected", "cancelled"])
async def test_a_second_pairing_waits_its_turn_and_starts_by_itself(harness: Harness, how: str) -> None:
    """ "initiate Baileys connection only for one mentorado at a time during first-time setup": with real hosts."""
    async with harness.running() as run:
        watcher = TurnWatcher(run)
        ana, bia, caio = [await run.add_mentorado(name) for name in ("Ana", "Bia", "Caio")]
        await run.do(ActionName.CONNECT, ana)
        code = await run.code(ana)
        for person in (bia, caio):
            await run.do(ActionName.CONNECT, person)
            await run.until(person, LinkState.CONNECTING, Reason.WAITING_TURN)
        await asyncio.sleep(0.5)  # long enough for a host to start and show a code, if it were let
        assert watcher.latest() == (ana.link, (bia.link, caio.link))
        assert len(hosts()) == 1
        if how == "connected":
            await run.scan(ana, code)
            await run.until(ana, LinkState.CONNECTED)
        else:
            await run.do(ActionName.CANCEL, ana)
        await run.pair(bia)
        assert run.status(ana).state is (LinkState.CONNECTED if how == "connected" else LinkState.OFF)
        await run.pair(caio)
        waited = (FIRST_TIME[0], (LinkState.CONNECTING, Reason.WAITING_TURN))
        for person in (bia, caio):
            assert tuple(run.steps(person)) == (*waited, *FIRST_TIME)
        assert watcher.latest() == (None, ())


async def test_people_who_are_paired_need_not_wait_for_somebodys_code(harness: Harness) -> None:
    """ "only for one mentorado at a time during first-time setup": a session that exists is no set-up."""
    async with harness.running() as run:
        ana = await run.connect_new("Ana")
        await run.do(ActionName.DISCONNECT, ana)
        bia = await run.add_mentorado("Bia")
        await run.do(ActionName.CONNECT, bia)
        await run.code(bia)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert tuple(run.steps(ana)[-2:]) == AGAIN
        assert run.status(bia).state is LinkState.QR_READY


async def test_a_pairing_that_is_cancelled_leaves_nothing_running_and_the_next_shows_a_fresh_code(
    harness: Harness,
) -> None:
    """ "Scan QR from the correct WhatsApp account/device": a code nobody should scan any more is dead."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        old = await run.code(ana)
        host = psutil.Process(harness.host_pid(ana))
        await run.do(ActionName.CANCEL, ana)
        status = run.status(ana)
        assert (status.state, status.reason, status.qr) == (LinkState.OFF, NONE, None)
        assert not host.is_running()
        assert hosts() == []
        with pytest.raises(EmulatorRefused, match="no client shows this code"):
            await run.scan(ana, old)
        await run.do(ActionName.CONNECT, ana)
        fresh = await run.code(ana)
        assert fresh != old
        await run.scan(ana, fresh)
        await run.until(ana, LinkState.CONNECTED)
        assert len(harness.emulator.control.devices(ana.digits)) == 1
        assert await ended(host, 0)
