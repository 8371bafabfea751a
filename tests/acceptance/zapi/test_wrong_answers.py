"""What only a person asks for, answered wrongly: they are told, and nothing is taken for done."""

from __future__ import annotations

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.phone import PhoneNumber
from app.providers.http_client import Timeouts
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing
from tests.waiting import until

SOON = Timeouts(connect=0.5, read=0.3, whole=0.5)
GARBAGE = [Fault.HTML_502, Fault.EMPTY, Fault.WRONG_TYPES, Fault.TOO_LARGE, Fault.RESET, Fault.HANG]


async def mistaken(run: ProgramRun) -> Client:
    ana = await run.client()
    ana.instance.link("5521955554444")
    await run.do(ActionName.CONNECT, ana.person)
    await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
    return ana


@pytest.mark.parametrize("fault", GARBAGE)
@pytest.mark.parametrize("endpoint", ["status", "device", "disconnect"])
async def test_a_wrong_phone_that_could_not_be_unlinked_is_still_to_be_decided_on(
    harness: Harness, endpoint: str, fault: Fault
) -> None:
    async with harness.running(timeouts=SOON) as run:
        ana = await mistaken(run)
        harness.emulator.fault(endpoint, fault)
        with pytest.raises(Problem) as caught:
            await run.do(ActionName.REJECT_ACCOUNT, ana.person)
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
        assert run.status(ana.person).reason is Reason.WRONG_ACCOUNT
        harness.emulator.clear_faults()
        await run.do(ActionName.REJECT_ACCOUNT, ana.person)
        assert ana.instance.pairing is Pairing.DISCONNECTED


async def test_a_wrong_phone_that_left_by_itself_needs_no_unlinking(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await mistaken(run)
        ana.instance.unlink()
        await run.do(ActionName.REJECT_ACCOUNT, ana.person)
        assert "GET disconnect" not in ana.instance.asked
        assert run.status(ana.person).state is LinkState.OFF


async def test_the_right_phone_is_never_unlinked_in_the_wrong_ones_place(harness: Harness) -> None:
    """While a person decided, somebody put it right at Z-API."""
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.link("5521955554444")
        run.line(ana).check_now()
        await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        ana.instance.link(ana.person.digits)
        await run.do(ActionName.REJECT_ACCOUNT, ana.person)
        assert ana.instance.pairing is Pairing.CONNECTED


async def test_a_pairing_is_given_up_without_unlinking_anybody_who_belongs_there(harness: Harness) -> None:
    """Also when nobody can be asked: no phone was seen."""
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        harness.emulator.fault("*", Fault.HTML_502)
        await run.core.supervisor.give_up_pairing(ana.person.id)
        harness.emulator.clear_faults()
        await run.do(ActionName.CONNECT, ana.person)
        await run.scan_shown(ana)
        await run.core.supervisor.give_up_pairing(ana.person.id)  # in the moment of the scan
        assert ana.instance.pairing is Pairing.CONNECTED


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.ERROR_200, Fault.EMPTY, Fault.RESET])
async def test_a_code_to_type_that_did_not_come_is_said(harness: Harness, fault: Fault) -> None:
    async with harness.running(timeouts=SOON) as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        harness.emulator.fault("phone-code", fault)
        link = run.core.mentorados.get(ana.person.id).link
        with pytest.raises(Problem) as caught:
            await run.provider.phone_code(link, PhoneNumber(ana.person.phone))
        assert caught.value.code is ProblemCode.PROVIDER_SILENT
        assert run.status(ana.person).state is LinkState.QR_READY


async def test_a_code_to_type_may_be_answered_with_a_passkey(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        harness.emulator.fault("phone-code", (200, b'{"challenge":{"publicKey":{}}}'))
        link = run.core.mentorados.get(ana.person.id).link
        with pytest.raises(Problem):
            await run.provider.phone_code(link, PhoneNumber(ana.person.phone))
        await run.until(ana.person, LinkState.BLOCKED, Reason.PASSKEY_REQUIRED)


@pytest.mark.parametrize("fault", GARBAGE)
async def test_an_account_that_tells_nothing_of_itself_is_good_all_the_same(harness: Harness, fault: Fault) -> None:
    """ "/me" is only for show."""
    async with harness.running(timeouts=SOON) as run:
        ana = await run.client(linked=True)
        harness.emulator.fault("me", fault)
        report = await run.core.hosted.credentials.check(ana.person.id, run.credentials(ana))
        assert (report.valid, report.account, dict(report.facts)) == (True, ana.person.phone, {})


async def test_what_waits_is_refused_with_the_reason_when_it_is_denied(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client(linked=True)
        ana.instance.paid = False
        for asked in (run.core.hosted.queue.list, run.core.hosted.queue.list):
            with pytest.raises(Problem) as caught:
                await asked(ana.person.id)
            assert caught.value.code is ProblemCode.PROVIDER_REFUSED
            assert "must subscribe" in caught.value.context["detail"]


async def test_nothing_is_asked_before_the_pause_that_was_asked_for_is_over(harness: Harness) -> None:
    """ "429 with Retry-After: 300 and a body of HTML … no question before 300 s", whoever wants one."""
    async with harness.running() as run:
        ana = await run.connected()
        slow_down = (429, b"<html>slow down</html>", ((b"retry-after", b"90"),))
        before = harness.emulator.requested.count("GET status")
        harness.emulator.fault("status", slow_down, times=1)
        run.line(ana).check_now()
        await run.until(ana.person, LinkState.UNKNOWN)
        moment = harness.clock.now()
        run.line(ana).check_now()
        await until(lambda: harness.emulator.requested.count("GET status") > before + 1)
        assert (harness.clock.now() - moment).total_seconds() > 80
