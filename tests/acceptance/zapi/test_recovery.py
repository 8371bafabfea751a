""" "`restore-session` → `restart` → QR, in that order"."""

from __future__ import annotations

import asyncio

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from tests.acceptance.zapi.office import Client, Office, run
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing

STEPS = ("GET restore-session", "GET restart", "GET qr-code")


def tried(client: Client) -> list[str]:
    return [asked for asked in client.instance.asked if asked in STEPS]


def test_the_common_outage_is_restored_without_a_code_and_without_a_person(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.drop()
            await day.until(ana.person, LinkState.RECONNECTING, Reason.SESSION_DROPPED)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session"]

    run(main())


def test_it_is_restarted_when_restoring_it_does_not_help(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.restore_works = False
            ana.instance.drop()
            await day.until(ana.person, LinkState.RECONNECTING)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session", "GET restart"]

    run(main())


def test_a_slow_return_is_waited_for(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.takes = 20
            ana.instance.drop()
            await day.until(ana.person, LinkState.RECONNECTING)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session"]

    run(main())


def test_a_code_comes_last_and_then_at_once(office: Office) -> None:
    """Nobody waits for steps again that were in vain a moment ago."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.restore_works = ana.instance.restart_works = False
            ana.instance.drop()
            await day.until(ana.person, LinkState.BLOCKED, Reason.LOGGED_OUT)
            assert tried(ana) == ["GET restore-session", "GET restart"]
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.scan_shown(ana)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session", "GET restart", "GET qr-code"]

    run(main(), within=60)


def test_a_new_pairing_restores_first_what_can_be_restored(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.do(ActionName.DISCONNECT, ana.person)
            ana.instance.pairing = Pairing.NEEDS_RESTORE
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session"]

    run(main())


def test_each_fall_has_its_own_restore(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            for _ in range(3):
                ana.instance.drop()
                await day.until(ana.person, LinkState.RECONNECTING)
                await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET restore-session"] * 3

    run(main())


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.DONE_THEN_RESET, Fault.ERROR_200, Fault.EMPTY])
def test_a_restore_whose_answer_is_lost_is_looked_after_and_not_repeated(office: Office, fault: Fault) -> None:
    """What counts is the state that follows, not the answer."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            office.emulator.fault("restore-session", fault)
            ana.instance.drop()
            await day.until(ana.person, LinkState.RECONNECTING)
            await day.until(ana.person, LinkState.CONNECTED)
            assert len(tried(ana)) == 1

    run(main())


def test_a_phone_that_was_unlinked_is_not_restored_but_shown_a_code(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.drop(restorable=False)
            await day.until(ana.person, LinkState.BLOCKED, Reason.LOGGED_OUT)
            assert tried(ana) == []
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.scan_shown(ana)
            await day.until(ana.person, LinkState.CONNECTED)
            assert tried(ana) == ["GET qr-code"]

    run(main())


def test_a_bill_that_falls_due_while_it_is_restored_stops_it(office: Office) -> None:
    """ "BILLING: stop, no retry" """

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.takes = 60
            ana.instance.drop()
            await day.until(ana.person, LinkState.RECONNECTING)
            ana.instance.paid = False
            await day.until(ana.person, LinkState.BLOCKED, Reason.BILLING)
            await day.core.clock.sleep(3)  # a request may be on its way
            asked = len(ana.instance.asked)
            await day.core.clock.sleep(120)
            assert len(ana.instance.asked) == asked, "nobody asks any more"

    run(main())


def test_an_instance_that_could_not_be_asked_at_first_is_paired_when_it_can(office: Office) -> None:
    """It was never linked, but nobody could know."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            office.emulator.fault("status", Fault.HTML_502)
            await day.do(ActionName.CONNECT, ana.person)
            await day.until(ana.person, LinkState.UNKNOWN)
            office.emulator.clear_faults()
            await day.scan_shown(ana)
            await day.until(ana.person, LinkState.CONNECTED)

    run(main())


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.ERROR_200, Fault.DEEP, Fault.TOO_LARGE])
def test_a_code_that_cannot_be_fetched_leaves_it_unknown_and_others_their_turn(office: Office, fault: Fault) -> None:
    """Pairing is one at a time, so it does not wait for ever."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            office.emulator.fault("qr-code", fault)
            await day.do(ActionName.CONNECT, ana.person)
            await day.until(ana.person, LinkState.UNKNOWN, Reason.UNREACHABLE)
            office.emulator.clear_faults()
            await day.code(ana.person)
            office.emulator.fault("qr-code", fault)
            await day.until(ana.person, LinkState.BLOCKED, Reason.UNREACHABLE)
            async with asyncio.timeout(5):
                while day.core.supervisor.pairing.current is not None:
                    await asyncio.sleep(0.01)

    run(main())


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.EMPTY, Fault.RESET])
def test_a_connection_whose_number_cannot_be_told_does_not_count(office: Office, fault: Fault) -> None:
    """Nobody is shown as connected whose number is not known."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client(linked=True)
            office.emulator.fault("device", fault)
            await day.do(ActionName.CONNECT, ana.person)
            status = await day.until(ana.person, LinkState.UNKNOWN)
            assert "whose number" in status.detail
            await day.core.clock.sleep(60)
            assert LinkState.CONNECTED not in {state for state, _ in day.steps(ana.person)}
            office.emulator.clear_faults()
            await day.until(ana.person, LinkState.CONNECTED)

    run(main())
