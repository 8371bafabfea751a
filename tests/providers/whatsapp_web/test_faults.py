"""Every fault the far end can show, and what the real library and our host make of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.provider import Blocked, Connected, Connection, ConnectionEvent, Failed, Lost, QrIssued
from tests.clock import DAWN
from tests.emulators.whatsapp_web.control import EmulatorRefused
from tests.emulators.whatsapp_web.process import EmulatorProcess, quick_directory
from tests.providers.conftest import ProviderHarness, run, until, world_in

_R = Reason


@dataclass(frozen=True)
class Verdict:
    """What a fault must lead to: the end of the line, or a fall the library recovers from by itself."""

    kind: type[Blocked] | type[Failed] | type[Lost] | type[Connected]
    reason: Reason = Reason.NONE

    def __str__(self) -> str:
        return f"{self.kind.__name__}-{self.reason}"


def refused(reason: Reason) -> Verdict:
    return Verdict(Blocked, reason)


def lost(reason: Reason) -> Verdict:
    return Verdict(Lost, reason)


WHILE_CONNECTED = {
    "replaced": refused(_R.STREAM_REPLACED),
    "replaced-kept-open": refused(_R.STREAM_REPLACED),
    "device-removed": refused(_R.LOGGED_OUT),
    "stream-401": lost(_R.STREAM_ERROR),
    "stream-500": lost(_R.STREAM_ERROR),
    "stream-503": lost(_R.SERVER_UNAVAILABLE),
    "stream-515": Verdict(Connected),  # the library signs in again without a word
    "stream-516": lost(_R.STREAM_ERROR),
    "stream-end": lost(_R.NETWORK_DOWN),
    "close-1000": lost(_R.NETWORK_DOWN),
    "abort": lost(_R.NETWORK_DOWN),
}
AT_SIGN_IN = {
    "failure-400": refused(_R.SERVER_UNAVAILABLE),
    "failure-401": refused(_R.LOGGED_OUT),
    "failure-402": refused(_R.TEMPORARY_BAN),
    "failure-403": refused(_R.MAIN_DEVICE_GONE),
    "failure-405": refused(_R.CLIENT_OUTDATED),
    "failure-406": refused(_R.BANNED),
    "failure-409": refused(_R.CLIENT_REFUSED),
    "failure-413": refused(_R.CLIENT_REFUSED),  # left to itself, the library panics over these two
    "failure-414": refused(_R.CLIENT_REFUSED),
    "failure-415": refused(_R.CLIENT_REFUSED),  # the library fails over these two instead of telling
    "failure-418": refused(_R.CLIENT_REFUSED),
    "failure-500": lost(_R.SERVER_UNAVAILABLE),
    "failure-501": refused(_R.CLIENT_REFUSED),
    "failure-503": lost(_R.SERVER_UNAVAILABLE),
}
AT_THE_UPGRADE = ("upgrade-403", "upgrade-429", "upgrade-503")
WHILE_LINKING = AT_SIGN_IN | {
    "failure-401": refused(_R.PAIRING_FAILED),  # nobody is logged in who could be logged out
    "failure-500": Verdict(Failed, _R.SERVER_UNAVAILABLE),
    "failure-503": Verdict(Failed, _R.SERVER_UNAVAILABLE),
    **dict.fromkeys(AT_THE_UPGRADE, Verdict(Failed, _R.SERVER_UNAVAILABLE)),
}
AT_THE_SCAN = {
    "pairing-bad-hmac": refused(_R.PAIRING_FAILED),
    "pairing-bad-signature": refused(_R.PAIRING_FAILED),
    "pairing-downgrade": refused(_R.PHONE_UPDATE_REQUIRED),
    "pairing-passkey": refused(_R.PASSKEY_REQUIRED),
}
TAKES_THE_KEYS = ("device-removed", "failure-401", "failure-403", "failure-406")


def rows(table: dict[str, Verdict]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("fault", "verdict"), table.items(), ids=str)


class PairedBefore:
    """Somebody paired once for all the tests that do not cost them their session."""

    def __init__(self, harness: ProviderHarness) -> None:
        self.world = harness
        self.person = harness.somebody()
        run(harness.pair(self.person))


@pytest.fixture(scope="module")
def veteran(emulator: EmulatorProcess) -> Iterator[PairedBefore]:
    with tempfile.TemporaryDirectory(dir=quick_directory()) as home:
        yield PairedBefore(world_in(emulator, Path(home)))


async def follow(line: Connection, verdict: Verdict) -> ConnectionEvent:
    """The signal the verdict is about; a fall must also be recovered from, an end must be one."""
    found: ConnectionEvent = await until(line, lambda signal: isinstance(signal, verdict.kind))
    if verdict.kind is Lost:
        await until(line, Connected)
    elif verdict.kind is not Connected:
        assert [signal async for signal in line.events()] == []
    return found


def check(signal: ConnectionEvent, verdict: Verdict) -> None:
    assert isinstance(signal, verdict.kind)
    if not isinstance(signal, Connected):
        assert isinstance(signal, Blocked | Failed | Lost)
        assert signal.reason is verdict.reason
    if verdict.reason is _R.TEMPORARY_BAN:
        assert isinstance(signal, Blocked)
        assert signal.until == DAWN + timedelta(hours=1)


@pytest.fixture
def chosen(veteran: PairedBefore, request: pytest.FixtureRequest) -> tuple[ProviderHarness, Mentorado]:
    """The veteran, or somebody new where the fault takes the keys."""
    if request.node.callspec.params["fault"] not in TAKES_THE_KEYS:
        return veteran.world, veteran.person
    person = veteran.world.somebody()
    run(veteran.world.pair(person))
    return veteran.world, person


@rows(WHILE_CONNECTED)
def test_while_connected(chosen: tuple[ProviderHarness, Mentorado], fault: str, verdict: Verdict) -> None:
    async def main() -> ConnectionEvent:
        harness, person = chosen
        async with harness.connected(person) as line:
            harness.fault(fault, person)
            return await follow(line, verdict)

    check(run(main()), verdict)


@rows(AT_SIGN_IN)
def test_at_the_first_sign_in(chosen: tuple[ProviderHarness, Mentorado], fault: str, verdict: Verdict) -> None:
    async def main() -> ConnectionEvent:
        harness, person = chosen
        harness.fault(fault, person)
        async with harness.provider.connect(person) as line:
            return await follow(line, verdict)

    check(run(main()), verdict)


@rows(AT_SIGN_IN)
def test_at_a_later_sign_in(chosen: tuple[ProviderHarness, Mentorado], fault: str, verdict: Verdict) -> None:
    async def main() -> ConnectionEvent:
        harness, person = chosen
        async with harness.connected(person) as line:
            harness.fault(fault, person)
            harness.fault("abort", person)
            assert isinstance(await until(line, Lost), Lost)
            return await follow(line, verdict)

    check(run(main()), verdict)


@pytest.mark.parametrize("fault", AT_THE_UPGRADE)
def test_the_first_dial_is_turned_away(veteran: PairedBefore, fault: str) -> None:
    async def main() -> ConnectionEvent:
        veteran.world.fault(fault)
        async with veteran.world.provider.connect(veteran.person) as line:
            return await follow(line, Verdict(Failed))

    check(run(main()), Verdict(Failed, _R.SERVER_UNAVAILABLE))


@pytest.mark.parametrize("fault", AT_THE_UPGRADE)
async def test_a_later_dial_is_turned_away_and_tried_again(veteran: PairedBefore, fault: str) -> None:
    async with veteran.world.connected(veteran.person) as line:
        veteran.world.fault(fault)
        veteran.world.fault("abort", veteran.person)
        await until(line, lambda signal: isinstance(signal, Lost) and signal.reason is _R.SERVER_UNAVAILABLE)
        await until(line, Connected)


@rows(WHILE_LINKING)
def test_before_a_code_is_shown(veteran: PairedBefore, fault: str, verdict: Verdict) -> None:
    async def main() -> ConnectionEvent:
        harness = veteran.world
        how: dict[str, Any] = {"linking": True} if fault.startswith("failure") else {}
        harness.fault(fault, **how)
        async with harness.provider.pair(harness.somebody()) as line:
            return await follow(line, verdict)

    check(run(main()), verdict)


@rows(AT_THE_SCAN)
def test_when_the_code_is_scanned(veteran: PairedBefore, fault: str, verdict: Verdict) -> None:
    async def main() -> ConnectionEvent:
        harness = veteran.world
        person = harness.somebody()
        async with harness.provider.pair(person) as line:
            code = await until(line, QrIssued)
            harness.fault(fault)
            with contextlib.suppress(EmulatorRefused):
                await harness.scan(person, code.text)
            return await follow(line, verdict)

    check(run(main()), verdict)


def test_the_network_falls_while_a_code_is_shown(veteran: PairedBefore) -> None:
    """The library says "timeout" here as it does for codes that ran out; it is not the same to a person."""

    async def main() -> ConnectionEvent:
        harness = veteran.world
        async with harness.provider.pair(harness.somebody()) as line:
            await until(line, QrIssued)
            await asyncio.to_thread(harness.emulator.control.network, False)
            return await follow(line, Verdict(Failed))

    check(run(main()), Verdict(Failed, _R.NETWORK_DOWN))
