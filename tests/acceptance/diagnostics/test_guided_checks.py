"""Issue 14, 2: "The three guided checks end at the right conclusion for every fault of the emulators that can cause
them." The real client, its hosts and its files; the services are played at the wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain.actions import ActionName
from app.domain.incident import CheckResult
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.troubleshooting import (
    CHECKS_OF,
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
)
from app.platform.locks import Owner, _machine_id, read_owner
from app.providers.connectivity import PROBE_URLS, HttpConnectivityChecker
from app.text.troubleshooting import conclusion_lines, finding_line
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.connect.host_script import HostScript
from tests.acceptance.connect.test_faults import ENDS, FALLS, SCANS, SIGN_IN_FALLS, UNPAIRED_ENDS, UPGRADES
from tests.acceptance.program import Person
from tests.acceptance.zapi.harness import Harness as ZapiHarness
from tests.acceptance.zapi.harness import QuickClock
from tests.emulators.serving import Served
from tests.emulators.whatsapp_web.control import EmulatorRefused
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Pairing
from tests.waiting import until

K, M, C = ConclusionKind, FindingMark, TroubleCheck


@dataclass
class Checked:
    """What a guided check saw and ended with."""

    conclusion: TroubleConclusion
    findings: dict[TroubleCheck, TroubleFinding] = field(default_factory=dict)

    def mark(self, check: TroubleCheck) -> FindingMark:
        return self.findings[check].mark


async def check(run: ProgramRun, person: Person, trouble: Trouble) -> Checked:
    """Run the check as the dialog does; every sentence that it would show can be written."""
    findings: list[TroubleFinding] = []
    conclusion = await run.core.troubleshooting.check(trouble, person.id, findings.append)
    mentorado, now = run.core.mentorados.get(person.id), run.core.clock.now()
    assert all(finding_line(each, mentorado, now) for each in findings)
    assert all(conclusion_lines(conclusion, mentorado, now))
    assert [each.check for each in findings] == [
        each for each in CHECKS_OF[trouble] if each in {f.check for f in findings}
    ]
    return Checked(conclusion, {each.check: each for each in findings})


@asynccontextmanager
async def front_page(run: ProgramRun, *, skew: timedelta = timedelta()) -> AsyncIterator[None]:
    """WhatsApp's front page answers from a port here, with the time plus *skew*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            date = f"{datetime.now(UTC) + skew:%a, %d %b %Y %H:%M:%S GMT}"
            writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        run.core.troubleshooting._checks = HttpConnectivityChecker(
            run.core.clock,
            probe_urls={**PROBE_URLS, ProviderKind.WHATSAPP_WEB: f"http://127.0.0.1:{port}"},
            environ={},
        )
        yield


async def host_gone(harness: Harness, person: Person) -> None:
    """A link is off a moment before its host has ended."""
    lock = harness.folder(person) / "host.lock"
    await until(lambda: (owner := read_owner(lock)) is None or not owner.lives(), within=10)


# --- the code does not appear


async def test_without_a_fault_the_code_appears(shared: Harness) -> None:
    """ "QR not appearing (30 s watchdog → connect accepted? channel alive? stale lock? login status?)" """
    async with shared.running() as run:
        ana = await run.add_mentorado()
        seen = await check(run, ana, Trouble.NO_CODE)
        assert seen.conclusion.kind is K.CODE_SHOWN
        assert {each.mark for each in seen.findings.values()} == {M.GOOD}
        await run.do(ActionName.CANCEL, ana)


@pytest.mark.parametrize(("fault", "reason"), [*UNPAIRED_ENDS.items(), *SIGN_IN_FALLS.items(), *UPGRADES.items()])
async def test_what_keeps_the_code_away_is_named(shared: Harness, fault: str, reason: Reason) -> None:
    """ "Each step runs itself, shows what it saw and leads to the recovery procedure where needed." """
    async with shared.running() as run:
        ana = await run.add_mentorado()
        how: dict[str, Any] = {"linking": True} if fault.startswith("failure") else {}
        await run.fault(fault, **how)
        seen = await check(run, ana, Trouble.NO_CODE)
        assert (seen.conclusion.kind, seen.conclusion.reason) == (K.STATUS, reason)
        assert seen.mark(C.ANSWER) is M.BAD
        assert seen.findings[C.ANSWER].reasons == ((reason, 1),)
        assert seen.conclusion.action in (None, run.button(ana), ActionName.TRY_NOW)


@pytest.mark.parametrize(("fault", "reason"), SCANS.items())
async def test_a_scan_that_went_wrong_is_named_and_a_new_code_is_shown(
    shared: Harness, fault: str, reason: Reason
) -> None:
    """ "on WhatsApp Web what it means, and the switch to another provider as the next step" """
    async with shared.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        code = await run.code(ana)
        await run.fault(fault)
        with contextlib.suppress(EmulatorRefused):
            await run.scan(ana, code)
        await run.until(ana, LinkState.BLOCKED, reason)
        if reason is Reason.PASSKEY_REQUIRED:
            seen = await check(run, ana, Trouble.PASSKEY)
            assert seen.conclusion.kind is K.PASSKEY_ELSEWHERE
            assert seen.conclusion.action is ActionName.SWITCH_PROVIDER
            return
        seen = await check(run, ana, Trouble.NO_CODE)
        assert seen.conclusion.kind is K.CODE_SHOWN


async def test_without_a_network_the_code_waits_for_it(shared: Harness) -> None:
    """ "login status": the cause is the network, and no new code is offered."""
    control = shared.emulator.control
    async with shared.running() as run:
        ana = await run.add_mentorado()
        await control.off_loop(control.network, False)
        try:
            seen = await check(run, ana, Trouble.NO_CODE)
        finally:
            await control.off_loop(control.network, True)
        assert (seen.conclusion.kind, seen.conclusion.reason) == (K.STATUS, Reason.NETWORK_DOWN)


async def test_a_host_that_never_speaks_is_a_silent_channel(fast_dir: Path, emulator: EmulatorProcess) -> None:
    """ "channel alive?": a process that was started and says nothing; the detailed log is on for a limited time."""
    script = HostScript(fast_dir / "host", emulator.host_command())
    script.says("exec sleep 120")
    harness = Harness(fast_dir, emulator, host=[str(fast_dir / "host")])
    harness.clock = QuickClock()  # type: ignore[assignment]  # thirty seconds are not waited for
    async with harness.running() as run:
        ana = await run.add_mentorado()
        seen = await check(run, ana, Trouble.NO_CODE)
        assert seen.conclusion.kind is K.SILENT_CHANNEL
        assert seen.conclusion.action is ActionName.CANCEL
        assert seen.mark(C.EVENT_CHANNEL) is seen.mark(C.ANSWER) is M.BAD
        until, noted = run.core.provider_log.until, seen.conclusion.values["until"]
        assert until is not None
        assert isinstance(noted, datetime)
        assert abs(until - noted) < timedelta(seconds=30)
        await run.do(ActionName.CANCEL, ana)


@pytest.mark.skipif(not _machine_id(), reason="nothing can be proven about former runs of this computer")
@pytest.mark.parametrize(("alive", "kind"), [(True, K.HELD), (False, K.CODE_SHOWN)])
async def test_a_lock_is_named_with_its_owner_and_a_dead_one_is_no_trouble(
    shared: Harness, alive: bool, kind: ConclusionKind
) -> None:
    """ "stale lock?": that of a dead program is taken over, that of another computer is shown to a person."""
    owner = Owner.this_process()
    elsewhere = replace(owner, machine="another", boot="another", host="recepcao")
    owner = elsewhere if alive else replace(owner, boot="earlier", pid=1)
    async with shared.running() as run:
        ana = await run.add_mentorado()
        shared.folder(ana).mkdir(mode=0o700)
        (shared.folder(ana) / "owner.lock").write_text(json.dumps(asdict(owner)))
        seen = await check(run, ana, Trouble.NO_CODE)
        assert seen.conclusion.kind is kind
        assert seen.findings[C.SESSION_LOCK].words == ("unproven" if alive else "left")
        assert str(owner.pid) in str(seen.findings[C.SESSION_LOCK].values["holder"])


# --- it disconnects often


@pytest.mark.parametrize(("fault", "reason"), FALLS.items())
async def test_who_falls_often_is_told_of_what(shared: Harness, veteran: Person, fault: str, reason: Reason) -> None:
    """ "network, clock, close reasons of the last hours as a picture, back-off respected" """
    async with shared.running() as run, front_page(run):
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        for _ in range(3):
            await run.fault(fault, veteran)
            await run.until(veteran, LinkState.RECONNECTING)
            await run.until(veteran, LinkState.CONNECTED)
        seen = await check(run, veteran, Trouble.DISCONNECTS)
        assert seen.conclusion.kind is K.FALLS_OFTEN
        assert reason in {each for each, _ in seen.findings[C.CLOSE_REASONS].reasons}
        assert {seen.mark(each) for each in (C.NETWORK, C.CLOCK, C.WAITS, C.SESSION_LOCK)} == {M.GOOD}
        assert seen.findings[C.SESSION_LOCK].words == "here"


@pytest.mark.parametrize(("fault", "reason"), ENDS.items())
async def test_what_ended_the_connection_leads_to_its_own_way_out(shared: Harness, fault: str, reason: Reason) -> None:
    """ "leads to the recovery procedure where needed" """
    async with shared.running() as run, front_page(run):
        ana = await run.connect_new()
        await run.fault(fault, ana)
        await run.until(ana, LinkState.BLOCKED, reason)
        seen = await check(run, ana, Trouble.DISCONNECTS)
        assert (seen.conclusion.kind, seen.conclusion.reason) == (K.STATUS, reason)
        assert seen.conclusion.action == run.button(ana)


async def test_a_wrong_clock_is_named_before_anything_else(shared: Harness, veteran: Person) -> None:
    """ "clock" """
    async with shared.running() as run, front_page(run, skew=timedelta(minutes=-9)):
        seen = await check(run, veteran, Trouble.DISCONNECTS)
        assert seen.conclusion.kind is K.CLOCK
        assert seen.mark(C.CLOCK) is M.BAD


async def test_no_network_is_named_before_anything_else(shared: Harness, veteran: Person) -> None:
    """ "network" """
    async with shared.running() as run:
        async with front_page(run):
            pass  # nobody listens there any more
        seen = await check(run, veteran, Trouble.DISCONNECTS)
        assert seen.conclusion.kind is K.NETWORK
        assert seen.conclusion.values["found"] == CheckResult.NETWORK_DOWN


async def test_another_process_that_holds_the_session_is_named(shared: Harness, veteran: Person) -> None:
    """ "another process holding the session" """
    await host_gone(shared, veteran)
    begin = datetime.fromtimestamp(psutil.Process(os.getppid()).create_time(), UTC)
    other = replace(Owner.this_process(), pid=os.getppid(), started=begin.isoformat())
    lock = shared.folder(veteran) / "owner.lock"
    async with shared.running() as run, front_page(run):
        lock.write_text(json.dumps(asdict(other)))
        try:
            seen = await check(run, veteran, Trouble.DISCONNECTS)
        finally:
            lock.unlink()
        assert seen.conclusion.kind is K.HELD
        assert seen.findings[C.SESSION_LOCK].words == "elsewhere"


# --- the session seems damaged


def forged(file: Path) -> None:
    file.write_bytes(b"not a database" * 400)


def cut(file: Path) -> None:
    os.truncate(file, 4096)


def without_keys(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM whatsmeow_device")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(forged, Reason.SESSION_CORRUPT), (cut, Reason.SESSION_CORRUPT), (without_keys, Reason.LOGGED_OUT)],
)
async def test_a_damaged_session_leads_to_backup_and_re_authentication_and_keeps_the_history(
    shared: Harness, veteran: Person, damage: Callable[[Path], None], reason: Reason
) -> None:
    """ "session corruption (symptoms → backup → re-authenticate, history untouched)" """
    await host_gone(shared, veteran)
    file = shared.session_file(veteran)
    whole = file.read_bytes()
    damage(file)
    damaged = file.read_bytes()
    try:
        async with shared.running() as run:
            seen = await check(run, veteran, Trouble.SESSION)
            assert seen.conclusion.reason is reason
            assert seen.conclusion.action is ActionName.REAUTHENTICATE
            assert seen.mark(C.SESSION_FILE) is M.BAD
            assert seen.findings[C.HISTORY].words == "kept"
            assert file.read_bytes() == damaged, "a check changes nothing"
    finally:
        file.write_bytes(whole)


async def test_a_whole_session_is_said_to_be_whole_and_not_changed(shared: Harness, veteran: Person) -> None:
    """ "Each step runs itself, shows what it saw" """
    await host_gone(shared, veteran)
    before = shared.session_file(veteran).read_bytes()
    async with shared.running() as run:
        seen = await check(run, veteran, Trouble.SESSION)
        assert seen.conclusion.kind is K.SESSION_WHOLE
        assert seen.findings[C.SESSION_FILE].values == {"account": veteran.phone}
        assert shared.session_file(veteran).read_bytes() == before
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        seen = await check(run, veteran, Trouble.SESSION)
        assert seen.findings[C.SESSION_FILE].words == "open"


# --- a passkey is asked for, at Z-API


@pytest.fixture
def zapi(fast_dir: Path) -> Iterator[ZapiHarness]:
    emulator, clock = ZapiEmulator(), QuickClock()
    emulator.now = clock.now
    with Served(emulator) as served:
        yield ZapiHarness(fast_dir, emulator, served, clock)


@pytest.mark.within(60)
async def test_a_passkey_is_answered_through_the_extension_and_the_link_connects(zapi: ZapiHarness) -> None:
    """ "a guided path (show the extension token, what to install, wait, go on; a failed assertion says why)" """
    async with zapi.running() as run:
        ana = await run.client()
        ana.instance.pairing = Pairing.PASSKEY
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.PASSKEY_REQUIRED)
        seen = await check(run, ana.person, Trouble.PASSKEY)  # type: ignore[arg-type]
        assert seen.conclusion.kind is K.PASSKEY_HERE
        passkeys = run.core.passkeys

        token = await passkeys.token(ana.person.id)
        ana.instance.answer_passkey(token.text, error="NotAllowedError")
        assert await passkeys.begin_anew(ana.person.id) == "NotAllowedError"

        token = await passkeys.token(ana.person.id)
        assert token.text not in repr(token)
        waiting = asyncio.get_running_loop().create_task(passkeys.wait(ana.person.id, token))
        ana.instance.answer_passkey(token.text)
        assert await waiting
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)
