"""A denial stops whatever was going on, at whichever question it comes: "each its own reason"."""

from __future__ import annotations

import json

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from tests.acceptance.zapi.harness import Harness
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing

LAPSED = (400, b'{"error":"To continue sending a message, you must subscribe to this instance again"}')


@pytest.mark.parametrize("question", ["status", "device", "queue", "restore-session", "restart"])
async def test_while_a_session_is_brought_back(harness: Harness, question: str) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.restore_works = question != "restart"
        harness.emulator.fault(question, LAPSED)
        ana.instance.drop()
        await run.until(ana.person, LinkState.BLOCKED, Reason.BILLING)


@pytest.mark.parametrize("question", ["queue", "qr-code", "device"])
async def test_while_a_phone_is_paired(harness: Harness, question: str) -> None:
    async with harness.running() as run:
        ana = await run.client(linked=question == "device")
        harness.emulator.fault(question, LAPSED)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.BILLING)


async def test_while_a_code_is_shown(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        ana.instance.paid = False
        await run.until(ana.person, LinkState.BLOCKED, Reason.BILLING)
        assert run.status(ana.person).qr is None


async def test_a_pairing_of_an_instance_that_is_denied_from_the_start(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.do(ActionName.DISCONNECT, ana.person)
        ana.instance.paid = False
        await run.core.supervisor.pair_again(ana.person.id)
        await run.until(ana.person, LinkState.BLOCKED, Reason.BILLING)


async def test_a_code_shown_stays_while_nobody_answers(harness: Harness) -> None:
    """It may be scanned all the same."""
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        code = await run.code(ana.person)
        harness.emulator.fault("status", Fault.HTML_502)
        await run.core.clock.sleep(10)
        assert run.status(ana.person).state is LinkState.QR_READY
        ana.instance.scan(ana.person.digits, ana.instance.qr())
        assert code
        harness.emulator.clear_faults()
        await run.until(ana.person, LinkState.CONNECTED)


@pytest.mark.parametrize("fields", [{"connected": True}, {"value": None}, {"error": "You are already connected."}])
async def test_no_code_because_it_is_connected_counts_only_where_its_status_says_so(
    harness: Harness, fields: dict[str, object]
) -> None:
    async with harness.running() as run:
        ana = await run.client()
        harness.emulator.fault("qr-code", (200, json.dumps(fields).encode()))
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.UNKNOWN, Reason.UNREACHABLE)
        ana.instance.link(ana.person.digits)
        await run.until(ana.person, LinkState.CONNECTED)


async def test_a_pairing_that_can_never_ask_ends(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.do(ActionName.DISCONNECT, ana.person)
        harness.emulator.fault("status", Fault.EMPTY)
        await run.core.supervisor.pair_again(ana.person.id)
        await run.until(ana.person, LinkState.UNKNOWN)
        await run.until(ana.person, LinkState.BLOCKED, Reason.UNREACHABLE)


async def test_a_phone_linked_meanwhile_ends_a_pairing_well(harness: Harness) -> None:
    """A new code was asked for, and there is nothing to scan any more."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.do(ActionName.DISCONNECT, ana.person)
        await run.core.supervisor.pair_again(ana.person.id)
        await run.until(ana.person, LinkState.CONNECTED)
        assert ana.instance.qr_total == 0


async def test_a_queue_without_an_end_is_not_read_for_ever(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.pairing = Pairing.NEEDS_RESTORE
        page = {"messages": [], "hasMore": True, "pagingState": "again"}
        harness.emulator.fault("queue", (200, json.dumps(page).encode()))
        with pytest.raises(Problem) as caught:
            await run.core.hosted.queue.list(ana.person.id)
        assert caught.value.code is ProblemCode.PROVIDER_SILENT


async def test_an_empty_page_that_says_there_is_more_does_not_open_the_gate(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.link(ana.person.digits)
        ana.instance.pairing = Pairing.NEEDS_RESTORE
        page = {"messages": [], "hasMore": True, "pagingState": "next"}
        harness.emulator.fault("queue", (200, json.dumps(page).encode()))
        await run.do(ActionName.CONNECT, ana.person)
        await run.until_status(ana.person, lambda status: status.state in (LinkState.UNKNOWN, LinkState.BLOCKED))
        assert "GET restore-session" not in ana.instance.asked
