"""A denial stops whatever was going on, at whichever question it comes: "each its own reason"."""

from __future__ import annotations

import json

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from tests.acceptance.zapi.office import Office, run
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing

LAPSED = (400, b'{"error":"To continue sending a message, you must subscribe to this instance again"}')


@pytest.mark.parametrize("question", ["status", "device", "queue", "restore-session", "restart"])
def test_while_a_session_is_brought_back(office: Office, question: str) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.restore_works = question != "restart"
            office.emulator.fault(question, LAPSED)
            ana.instance.drop()
            await day.until(ana.person, LinkState.BLOCKED, Reason.BILLING)

    run(main())


@pytest.mark.parametrize("question", ["queue", "qr-code", "device"])
def test_while_a_phone_is_paired(office: Office, question: str) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client(linked=question == "device")
            office.emulator.fault(question, LAPSED)
            await day.do(ActionName.CONNECT, ana.person)
            await day.until(ana.person, LinkState.BLOCKED, Reason.BILLING)

    run(main())


def test_while_a_code_is_shown(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            await day.do(ActionName.CONNECT, ana.person)
            await day.code(ana.person)
            ana.instance.paid = False
            await day.until(ana.person, LinkState.BLOCKED, Reason.BILLING)
            assert day.status(ana.person).qr is None

    run(main())


def test_a_pairing_of_an_instance_that_is_denied_from_the_start(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.do(ActionName.DISCONNECT, ana.person)
            ana.instance.paid = False
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.until(ana.person, LinkState.BLOCKED, Reason.BILLING)

    run(main())


def test_a_code_shown_stays_while_nobody_answers(office: Office) -> None:
    """It may be scanned all the same."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            await day.do(ActionName.CONNECT, ana.person)
            code = await day.code(ana.person)
            office.emulator.fault("status", Fault.HTML_502)
            await day.core.clock.sleep(10)
            assert day.status(ana.person).state is LinkState.QR_READY
            ana.instance.scan(ana.person.digits, ana.instance.qr())
            assert code
            office.emulator.clear_faults()
            await day.until(ana.person, LinkState.CONNECTED)

    run(main())


@pytest.mark.parametrize("said", [{"connected": True}, {"value": None}, {"error": "You are already connected."}])
def test_no_code_because_it_is_connected_counts_only_where_its_status_says_so(
    office: Office, said: dict[str, object]
) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            office.emulator.fault("qr-code", (200, json.dumps(said).encode()))
            await day.do(ActionName.CONNECT, ana.person)
            await day.until(ana.person, LinkState.UNKNOWN, Reason.UNREACHABLE)
            ana.instance.link(ana.person.digits)
            await day.until(ana.person, LinkState.CONNECTED)

    run(main())


def test_a_pairing_that_can_never_ask_ends(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.do(ActionName.DISCONNECT, ana.person)
            office.emulator.fault("status", Fault.EMPTY)
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.until(ana.person, LinkState.UNKNOWN)
            await day.until(ana.person, LinkState.BLOCKED, Reason.UNREACHABLE)

    run(main())


def test_a_phone_linked_meanwhile_ends_a_pairing_well(office: Office) -> None:
    """A new code was asked for, and there is nothing to scan any more."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.do(ActionName.DISCONNECT, ana.person)
            await day.core.supervisor.pair_anew(ana.person.id)
            await day.until(ana.person, LinkState.CONNECTED)
            assert ana.instance.qr_total == 0

    run(main())


def test_a_queue_without_an_end_is_not_read_for_ever(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            ana.instance.pairing = Pairing.NEEDS_RESTORE
            page = {"messages": [], "hasMore": True, "pagingState": "again"}
            office.emulator.fault("queue", (200, json.dumps(page).encode()))
            with pytest.raises(Problem) as caught:
                await day.core.hosted.queue.waiting(ana.person.id)
            assert caught.value.code is Code.PROVIDER_SILENT

    run(main())


def test_an_empty_page_that_says_there_is_more_does_not_open_the_gate(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            ana.instance.link(ana.person.digits)
            ana.instance.pairing = Pairing.NEEDS_RESTORE
            page = {"messages": [], "hasMore": True, "pagingState": "next"}
            office.emulator.fault("queue", (200, json.dumps(page).encode()))
            await day.do(ActionName.CONNECT, ana.person)
            await day.until_told(ana.person, lambda told: told.state in (LinkState.UNKNOWN, LinkState.BLOCKED))
            assert "GET restore-session" not in ana.instance.asked

    run(main())
