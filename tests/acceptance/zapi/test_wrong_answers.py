"""What only a person asks for, answered wrongly: they are told, and nothing is taken for done."""

from __future__ import annotations

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber
from app.providers.wire import Patience
from tests.acceptance.zapi.office import Client, Day, Office, run
from tests.emulators.zapi.faults import Fault
from tests.emulators.zapi.instance import Pairing
from tests.waiting import until

SOON = Patience(connect=0.5, read=0.3, whole=0.5)
GARBAGE = [Fault.HTML_502, Fault.EMPTY, Fault.WRONG_TYPES, Fault.TOO_LARGE, Fault.RESET, Fault.HANG]


async def mistaken(day: Day) -> Client:
    ana = await day.client()
    ana.instance.link("5521955554444")
    await day.do(ActionName.CONNECT, ana.person)
    await day.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
    return ana


@pytest.mark.parametrize("fault", GARBAGE)
@pytest.mark.parametrize("endpoint", ["status", "device", "disconnect"])
def test_a_wrong_phone_that_could_not_be_unlinked_is_still_to_be_decided_on(
    office: Office, endpoint: str, fault: Fault
) -> None:
    async def main() -> None:
        async with office.at_work(patience=SOON) as day:
            ana = await mistaken(day)
            office.emulator.fault(endpoint, fault)
            with pytest.raises(Problem) as caught:
                await day.do(ActionName.REJECT_ACCOUNT, ana.person)
            assert caught.value.code is Code.PROVIDER_SILENT
            assert day.status(ana.person).reason is Reason.WRONG_ACCOUNT
            office.emulator.clear_faults()
            await day.do(ActionName.REJECT_ACCOUNT, ana.person)
            assert ana.instance.pairing is Pairing.DISCONNECTED

    run(main())


def test_a_wrong_phone_that_left_by_itself_needs_no_unlinking(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await mistaken(day)
            ana.instance.unlink()
            await day.do(ActionName.REJECT_ACCOUNT, ana.person)
            assert "GET disconnect" not in ana.instance.asked
            assert day.status(ana.person).state is LinkState.OFF

    run(main())


def test_the_right_phone_is_never_unlinked_in_the_wrong_ones_place(office: Office) -> None:
    """While a person decided, somebody put it right at Z-API."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            ana.instance.link("5521955554444")
            day.line(ana).check_now()
            await day.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
            ana.instance.link(ana.person.digits)
            await day.do(ActionName.REJECT_ACCOUNT, ana.person)
            assert ana.instance.pairing is Pairing.CONNECTED

    run(main())


def test_a_pairing_is_given_up_without_unlinking_anybody_who_belongs_there(office: Office) -> None:
    """Also when nobody can be asked: no phone was seen."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            await day.do(ActionName.CONNECT, ana.person)
            await day.code(ana.person)
            office.emulator.fault("*", Fault.HTML_502)
            await day.core.supervisor.give_up_pairing(ana.person.id)
            office.emulator.clear_faults()
            await day.do(ActionName.CONNECT, ana.person)
            await day.scan_shown(ana)
            await day.core.supervisor.give_up_pairing(ana.person.id)  # in the moment of the scan
            assert ana.instance.pairing is Pairing.CONNECTED

    run(main())


@pytest.mark.parametrize("fault", [Fault.HTML_502, Fault.WRONG_TYPES, Fault.ERROR_200, Fault.EMPTY, Fault.RESET])
def test_a_code_to_type_that_did_not_come_is_said(office: Office, fault: Fault) -> None:
    async def main() -> None:
        async with office.at_work(patience=SOON) as day:
            ana = await day.client()
            await day.do(ActionName.CONNECT, ana.person)
            await day.code(ana.person)
            office.emulator.fault("phone-code", fault)
            link = day.core.enrolments.get(ana.person.id).link
            with pytest.raises(Problem) as caught:
                await day.provider.phone_code(link, PhoneNumber(ana.person.phone))
            assert caught.value.code is Code.PROVIDER_SILENT
            assert day.status(ana.person).state is LinkState.QR_READY

    run(main())


def test_a_code_to_type_may_be_answered_with_a_passkey(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client()
            await day.do(ActionName.CONNECT, ana.person)
            await day.code(ana.person)
            office.emulator.fault("phone-code", (200, b'{"challenge":{"publicKey":{}}}'))
            link = day.core.enrolments.get(ana.person.id).link
            with pytest.raises(Problem):
                await day.provider.phone_code(link, PhoneNumber(ana.person.phone))
            await day.until(ana.person, LinkState.BLOCKED, Reason.PASSKEY_REQUIRED)

    run(main())


@pytest.mark.parametrize("fault", GARBAGE)
def test_an_account_that_tells_nothing_of_itself_is_good_all_the_same(office: Office, fault: Fault) -> None:
    """ "/me" is only for show."""

    async def main() -> None:
        async with office.at_work(patience=SOON) as day:
            ana = await day.client(linked=True)
            office.emulator.fault("me", fault)
            report = await day.core.hosted.credentials.check(ana.person.id, day.credentials(ana))
            assert (report.good, report.account, dict(report.facts)) == (True, ana.person.phone, {})

    run(main())


def test_what_waits_is_refused_with_the_reason_when_it_is_denied(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.client(linked=True)
            ana.instance.paid = False
            for asked in (day.core.hosted.queue.waiting, day.core.hosted.queue.waiting):
                with pytest.raises(Problem) as caught:
                    await asked(ana.person.id)
                assert caught.value.code is Code.PROVIDER_REFUSED
                assert "must subscribe" in caught.value.context["detail"]

    run(main())


def test_nothing_is_asked_before_the_pause_that_was_asked_for_is_over(office: Office) -> None:
    """ "429 with Retry-After: 300 and a body of HTML … no question before 300 s", whoever wants one."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            slow_down = (429, b"<html>slow down</html>", ((b"retry-after", b"90"),))
            before = office.emulator.requested.count("GET status")
            office.emulator.fault("status", slow_down, times=1)
            day.line(ana).check_now()
            await day.until(ana.person, LinkState.UNKNOWN)
            told = office.clock.now()
            day.line(ana).check_now()
            await until(lambda: office.emulator.requested.count("GET status") > before + 1)
            assert (office.clock.now() - told).total_seconds() > 80

    run(main())
