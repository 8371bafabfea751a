"""Every row of the fault table, with the real client: the right state, reason and one recommended action."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import FIRST_TIME, NONE, Harness, ProgramRun
from tests.acceptance.connect.outcomes import check_blocked, check_on_its_way_back
from tests.acceptance.program import Person, run
from tests.emulators.whatsapp_web.control import EmulatorRefused
from tests.emulators.whatsapp_web.faults import FAULTS

_R = Reason

FALLS = {  # come back by themselves
    "stream-401": _R.STREAM_ERROR,
    "stream-500": _R.STREAM_ERROR,
    "stream-503": _R.SERVER_UNAVAILABLE,
    "stream-516": _R.STREAM_ERROR,
    "stream-end": _R.NETWORK_DOWN,
    "close-1000": _R.NETWORK_DOWN,
    "abort": _R.NETWORK_DOWN,
}
ENDS = {  # wait for a person
    "replaced": _R.STREAM_REPLACED,
    "replaced-kept-open": _R.STREAM_REPLACED,
    "device-removed": _R.LOGGED_OUT,
}
SIGN_IN_FALLS = {"failure-500": _R.SERVER_UNAVAILABLE, "failure-503": _R.SERVER_UNAVAILABLE}
SIGN_IN_ENDS = {
    "failure-400": _R.SERVER_UNAVAILABLE,
    "failure-401": _R.LOGGED_OUT,
    "failure-402": _R.TEMPORARY_BAN,
    "failure-403": _R.MAIN_DEVICE_GONE,
    "failure-405": _R.CLIENT_OUTDATED,
    "failure-406": _R.BANNED,
    "failure-409": _R.CLIENT_REFUSED,
    "failure-413": _R.CLIENT_REFUSED,
    "failure-414": _R.CLIENT_REFUSED,
    "failure-415": _R.CLIENT_REFUSED,
    "failure-418": _R.CLIENT_REFUSED,
    "failure-501": _R.CLIENT_REFUSED,
}
UPGRADES = dict.fromkeys(("upgrade-403", "upgrade-429", "upgrade-503"), _R.SERVER_UNAVAILABLE)
UNPAIRED_ENDS = SIGN_IN_ENDS | {"failure-401": _R.PAIRING_FAILED}  # nobody is logged in who could be logged out
SCANS = {
    "pairing-bad-hmac": _R.PAIRING_FAILED,
    "pairing-bad-signature": _R.PAIRING_FAILED,
    "pairing-downgrade": _R.PHONE_UPDATE_REQUIRED,
    "pairing-passkey": _R.PASSKEY_REQUIRED,
}
AFTER_A_FALL = ("failure-401", "failure-402", "failure-403", "failure-405", "failure-406", "failure-415")
"""One for each reason: how the client meets the others is the same as at its start."""
TAKES_THE_KEYS = ("device-removed", "failure-401", "failure-403", "failure-406")
ELSEWHERE = {
    "stream-515": "test_a_sign_in_that_the_service_asks_for_is_no_fall",
    "downgrade": "test_a_phone_too_old_for_the_code_says_so_before_it_scans",
    "send-463": "belongs to sending",
}


def rows(table: dict[str, Reason], *, without: Iterable[str] = ()) -> pytest.MarkDecorator:
    chosen = {fault: reason for fault, reason in table.items() if fault not in without}
    return pytest.mark.parametrize(("fault", "reason"), chosen.items(), ids=[f"{f}-{r}" for f, r in chosen.items()])


async def somebody(run: ProgramRun, veteran: Person, fault: str) -> Person:
    """Somebody paired and not connected; somebody new where the fault takes the keys or lasts."""
    if fault not in (*TAKES_THE_KEYS, "failure-402"):
        return veteran
    person = await run.connect_new()
    await run.do(ActionName.DISCONNECT, person)
    await run.until(person, LinkState.OFF)
    return person


async def connected(run: ProgramRun, person: Person) -> None:
    await run.do(ActionName.CONNECT, person)
    await run.until(person, LinkState.CONNECTED)


async def try_again(run: ProgramRun, person: Person, fault: str) -> None:
    """Where the keys are still there and nobody forbids it, the same link connects again without a new code."""
    if fault in TAKES_THE_KEYS or fault == "failure-402":
        return
    count = len(run.steps(person))
    await connected(run, person)
    assert run.steps(person)[count:] == [(LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE)]


def test_no_row_of_the_fault_table_is_left_out() -> None:
    """ "Every row of the fault table gives the right state, reason and one recommended action" """
    proven = (FALLS, ENDS, SIGN_IN_FALLS, SIGN_IN_ENDS, UPGRADES, SCANS, ELSEWHERE)
    of_a_message = {
        "send-unacknowledged"
    }  # proven in tests/providers/whatsapp_web/test_arrivals.py: the link stays as it is
    assert {fault for table in proven for fault in table} | of_a_message == set(FAULTS)


@rows(ENDS)
async def test_a_connected_link_is_ended(shared: Harness, veteran: Person, fault: str, reason: Reason) -> None:
    """ "Inspect close reasons and avoid reconnect storms": an end that needs a person is not retried."""
    async with shared.running() as run:
        person = await somebody(run, veteran, fault)
        await connected(run, person)
        await run.fault(fault, person)
        await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, reason)
        await asyncio.sleep(0.2)
        assert run.steps(person)[-1] == (LinkState.BLOCKED, reason)
        await try_again(run, person, fault)


@rows(FALLS)
async def test_a_connected_link_falls_and_comes_back_by_itself(
    shared: Harness, veteran: Person, fault: str, reason: Reason
) -> None:
    """ "Attempt soft reconnect first (without deleting session artifacts)": nobody is asked for anything."""
    async with shared.running() as run:
        await connected(run, veteran)
        await run.fault(fault, veteran)
        check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING), reason)
        await run.until(veteran, LinkState.CONNECTED)
        assert run.steps(veteran)[-2:] == [(LinkState.RECONNECTING, reason), (LinkState.CONNECTED, NONE)]


@rows(SIGN_IN_ENDS)
async def test_a_sign_in_is_refused(shared: Harness, veteran: Person, fault: str, reason: Reason) -> None:
    """ "Detect issue scope": the refusal is named for what it is."""
    async with shared.running() as run:
        person = await somebody(run, veteran, fault)
        await run.fault(fault, person)
        await run.do(ActionName.CONNECT, person)
        status = await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, reason)
        assert (status.until is not None) is (reason is _R.TEMPORARY_BAN)
        await try_again(run, person, fault)


@rows({fault: SIGN_IN_ENDS[fault] for fault in AFTER_A_FALL})
async def test_a_fallen_link_is_refused_on_its_way_back(
    shared: Harness, veteran: Person, fault: str, reason: Reason
) -> None:
    """ "avoid reconnect storms": what ends a link ends it at any time, and its keys are used again where they live."""
    async with shared.running() as run:
        person = await somebody(run, veteran, fault)
        await connected(run, person)
        await run.fault(fault, person)
        await run.fault("abort", person)
        await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, reason)
        await try_again(run, person, fault)


@rows(SIGN_IN_FALLS | UPGRADES)
def test_a_service_that_is_busy_is_tried_again(shared: Harness, veteran: Person, fault: str, reason: Reason) -> None:
    """ "Respect backoff; do not loop aggressive reconnects": the link comes back when the service does."""

    async def main() -> None:
        async with shared.running() as run:
            # At the upgrade nobody knows yet who is calling.
            await run.fault(fault, veteran if fault.startswith("failure") else None)
            await run.do(ActionName.CONNECT, veteran)
            await comes_back(run, reason)

    async def comes_back(run: ProgramRun, reason: Reason) -> None:
        check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING, reason), reason)
        await run.until(veteran, LinkState.CONNECTED)
        assert not any(state in (LinkState.BLOCKED, LinkState.QR_READY) for state, _ in run.steps(veteran)[1:])

    run(main())


@rows({"failure-503": _R.SERVER_UNAVAILABLE, "upgrade-429": _R.SERVER_UNAVAILABLE})
async def test_a_fallen_link_waits_for_a_service_that_is_busy(
    shared: Harness, veteran: Person, fault: str, reason: Reason
) -> None:
    """ "Respect backoff": the cause is corrected from "no network" to "busy" as soon as it is known."""
    async with shared.running() as run:
        await connected(run, veteran)
        await run.fault(fault, veteran if fault.startswith("failure") else None)
        await run.fault("abort", veteran)
        check_on_its_way_back(await run.until(veteran, LinkState.RECONNECTING, reason), reason)
        await run.until(veteran, LinkState.CONNECTED)
        assert run.steps(veteran)[-1] == (LinkState.CONNECTED, NONE)


@rows(UNPAIRED_ENDS)
async def test_somebody_who_is_not_paired_is_refused(shared: Harness, fault: str, reason: Reason) -> None:
    """ "Confirm connect mutation succeeds": a code that cannot be shown has its reason, and no session is made."""
    async with shared.running() as run:
        person = await run.add_mentorado()
        await run.fault(fault, linking=True)
        await run.do(ActionName.CONNECT, person)
        await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, reason)
        assert not (shared.folder(person) / "current").exists()
        if run.refusal(ActionName.CONNECT, person) is None and fault in AFTER_A_FALL:
            await run.do(ActionName.CONNECT, person)
            await run.code(person)


@rows(SIGN_IN_FALLS | UPGRADES)
async def test_a_service_that_is_busy_shows_its_code_later(shared: Harness, fault: str, reason: Reason) -> None:
    """ "Wait for QR payload emission and render": it comes by itself once the service answers."""
    async with shared.running() as run:
        person = await run.add_mentorado()
        how: dict[str, Any] = {"linking": True} if fault.startswith("failure") else {}
        await run.fault(fault, **how)
        await run.do(ActionName.CONNECT, person)
        check_on_its_way_back(await run.until(person, LinkState.RECONNECTING), reason)
        await run.pair(person)
        fallen = [(LinkState.CONNECTING, NONE), (LinkState.RECONNECTING, reason)]
        assert run.steps(person) == [*fallen, *FIRST_TIME[1:]]


@rows(SCANS)
async def test_a_scan_goes_wrong(shared: Harness, fault: str, reason: Reason) -> None:
    """ "Scan QR from the correct WhatsApp account/device": what went wrong is said, and a new code works."""
    async with shared.running() as run:
        person = await run.add_mentorado()
        await run.do(ActionName.CONNECT, person)
        code = await run.code(person)
        await run.fault(fault)
        with contextlib.suppress(EmulatorRefused):
            await run.scan(person, code)
        await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, reason)
        assert not (shared.folder(person) / "current").exists()
        button = run.button(person)
        await run.do(ActionName.CONNECT if button in (None, ActionName.TROUBLESHOOT) else button, person)
        await run.pair(person)


async def test_a_phone_too_old_for_the_code_says_so_before_it_scans(shared: Harness) -> None:
    """The downgrade notice may come while a code is shown."""
    async with shared.running() as run:
        person = await run.add_mentorado()
        await run.do(ActionName.CONNECT, person)
        await run.code(person)
        await run.fault("downgrade")
        await run.until(person, LinkState.BLOCKED)
        check_blocked(run, person, _R.PHONE_UPDATE_REQUIRED)
        await run.do(ActionName.NEW_CODE, person)
        await run.pair(person)


async def test_a_sign_in_that_the_service_asks_for_is_no_fall(shared: Harness, veteran: Person) -> None:
    """Code 515 asks for a new sign-in, which the library does without a word; staff see a connected link."""
    async with shared.running() as run:
        await connected(run, veteran)
        control = shared.emulator.control
        before = control.wait_online(veteran.digits)
        await run.fault("stream-515", veteran)
        again = await control.off_loop(control.wait_online, veteran.digits, since=(before.online or 0) + 1e-6)
        assert again.number != before.number
        await asyncio.sleep(0.2)
        assert run.steps(veteran) == [(LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE)]
