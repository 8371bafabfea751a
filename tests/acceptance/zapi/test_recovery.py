""" "`restore-session` → `restart` → QR, in that order"."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from tests.acceptance.zapi.harness import Client, Harness
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing

STEPS = ("GET restore-session", "GET restart", "GET qr-code")


def tried(client: Client) -> list[str]:
    return [asked for asked in client.instance.asked if asked in STEPS]


async def test_the_common_outage_is_restored_without_a_code_and_without_a_person(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.drop()
        await run.until(ana.person, LinkState.RECONNECTING, Reason.SESSION_DROPPED)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session"]


async def test_it_is_restarted_when_restoring_it_does_not_help(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.restore_works = False
        ana.instance.drop()
        await run.until(ana.person, LinkState.RECONNECTING)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session", "GET restart"]


async def test_a_slow_return_is_waited_for(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.takes = 20
        ana.instance.drop()
        await run.until(ana.person, LinkState.RECONNECTING)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session"]


@pytest.mark.within(60)
async def test_a_code_comes_last_and_then_at_once(harness: Harness) -> None:
    """Nobody waits for steps again that were in vain a moment ago."""
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.restore_works = ana.instance.restart_works = False
        ana.instance.drop()
        await run.until(ana.person, LinkState.BLOCKED, Reason.LOGGED_OUT)
        assert tried(ana) == ["GET restore-session", "GET restart"]
        await run.core.supervisor.pair_again(ana.person.id)
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session", "GET restart", "GET qr-code"]


async def test_a_new_pairing_restores_first_what_can_be_restored(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.do(ActionName.DISCONNECT, ana.person)
        ana.instance.pairing = Pairing.NEEDS_RESTORE
        await run.core.supervisor.pair_again(ana.person.id)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session"]


async def test_each_fall_has_its_own_restore(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        for _ in range(3):
            ana.instance.drop()
            await run.until(ana.person, LinkState.RECONNECTING)
            await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET restore-session"] * 3


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.DONE_THEN_RESET, Fault.ERROR_200, Fault.EMPTY])
async def test_a_restore_whose_answer_is_lost_is_looked_after_and_not_repeated(harness: Harness, fault: Fault) -> None:
    """What counts is the state that follows, not the answer."""
    async with harness.running() as run:
        ana = await run.connected()
        harness.emulator.fault("restore-session", fault)
        ana.instance.drop()
        await run.until(ana.person, LinkState.RECONNECTING)
        await run.until(ana.person, LinkState.CONNECTED)
        assert len(tried(ana)) == 1


async def test_a_phone_that_was_unlinked_is_not_restored_but_shown_a_code(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.drop(restorable=False)
        await run.until(ana.person, LinkState.BLOCKED, Reason.LOGGED_OUT)
        assert tried(ana) == []
        await run.core.supervisor.pair_again(ana.person.id)
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)
        assert tried(ana) == ["GET qr-code"]


async def test_a_bill_that_falls_due_while_it_is_restored_stops_it(harness: Harness) -> None:
    """ "BILLING: stop, no retry" """
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.takes = 60
        ana.instance.drop()
        await run.until(ana.person, LinkState.RECONNECTING)
        ana.instance.paid = False
        await run.until(ana.person, LinkState.BLOCKED, Reason.BILLING)
        await run.core.clock.sleep(3)  # a request may be on its way
        asked = len(ana.instance.asked)
        await run.core.clock.sleep(120)
        assert len(ana.instance.asked) == asked, "nobody asks any more"


async def test_an_instance_that_could_not_be_asked_at_first_is_paired_when_it_can(harness: Harness) -> None:
    """It was never linked, but nobody could know."""
    async with harness.running() as run:
        ana = await run.client()
        harness.emulator.fault("status", Fault.HTML_502)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.UNKNOWN)
        harness.emulator.clear_faults()
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.ERROR_200, Fault.DEEP, Fault.TOO_LARGE])
async def test_a_code_that_cannot_be_fetched_leaves_it_unknown_and_others_their_turn(
    harness: Harness, fault: Fault
) -> None:
    """Pairing is one at a time, so it does not wait for ever."""
    async with harness.running() as run:
        ana = await run.client()
        harness.emulator.fault("qr-code", fault)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.UNKNOWN, Reason.UNREACHABLE)
        harness.emulator.clear_faults()
        await run.code(ana.person)
        harness.emulator.fault("qr-code", fault)
        await run.until(ana.person, LinkState.BLOCKED, Reason.UNREACHABLE)
        async with asyncio.timeout(5):
            while run.core.supervisor.pairing.current is not None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.EMPTY, Fault.RESET])
async def test_a_connection_whose_number_cannot_be_told_does_not_count(harness: Harness, fault: Fault) -> None:
    """Nobody is shown as connected whose number is not known."""
    async with harness.running() as run:
        ana = await run.client(linked=True)
        harness.emulator.fault("device", fault)
        await run.do(ActionName.CONNECT, ana.person)
        status = await run.until(ana.person, LinkState.UNKNOWN)
        assert "whose number" in status.detail
        await run.core.clock.sleep(60)
        assert LinkState.CONNECTED not in {state for state, _ in run.steps(ana.person)}
        harness.emulator.clear_faults()
        await run.until(ana.person, LinkState.CONNECTED)
