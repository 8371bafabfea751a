"""Registering a number with its PIN: ten tries in 72 hours, and never one by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from tests.acceptance.meta_cloud.office import Day, Office, Person, run
from tests.emulators.meta_cloud.world import NUMBER_ID

PIN = "123456"
HOURS_72 = timedelta(hours=72)


async def refused(day: Day, person: Person, pin: str = PIN) -> Problem:
    with pytest.raises(Problem) as caught:
        await day.core.hosted.registration.register(person.id, pin)
    return caught.value


async def not_registered(day: Day) -> Person:
    day.cloud.world.number.fields |= {"status": "DISCONNECTED", "platform_type": "NOT_APPLICABLE"}
    ana = await day.enrol()
    await day.do(ActionName.CONNECT, ana)
    await day.until(ana, LinkState.BLOCKED, Reason.NOT_REGISTERED)
    return ana


def test_a_registered_number_connects_and_the_try_is_audited_without_the_pin(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await not_registered(day)
            assert (await day.core.hosted.registration.allowance(ana.id)).left == 10
            await day.core.hosted.registration.register(ana.id, PIN)
            await day.until(ana, LinkState.CONNECTED)
            (request,) = office.cloud.asked("register")
            assert request.path == f"/v25.0/{NUMBER_ID}/register"
            assert request.body == {"messaging_product": "whatsapp", "pin": PIN}
            allowance = await day.core.hosted.registration.allowance(ana.id)
            assert (allowance.left, allowance.until) == (9, office.clock.now() + HOURS_72)
            await day.core.supervisor._scribe.flush()
            entry = next(e.deed for e in await day.core.audit.entries() if e.deed.action == "register")
            assert (entry.outcome, dict(entry.after)) == ("done", {"tries_left": "9"})
            assert PIN not in repr(entry)

    run(main())


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５６", "123456\n"])
def test_what_is_no_pin_costs_no_try(office: Office, pin: str) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await not_registered(day)
            assert (await refused(day, ana, pin)).code is Code.PIN_INVALID
            assert (await day.core.hosted.registration.allowance(ana.id)).left == 10
            assert office.cloud.asked("register") == []

    run(main())


def test_the_eleventh_try_in_72_hours_is_refused_here_also_after_a_new_start(office: Office) -> None:
    """ "10 tries per 72 h are counted"."""

    async def main() -> None:
        office.cloud.world.number.pin = "000000"
        async with office.at_work() as day:
            ana = await not_registered(day)
            began = office.clock.now()
            for _ in range(9):
                problem = await refused(day, ana)
                assert problem.code is Code.PROVIDER_REFUSED
                assert "133005" in problem.context["detail"]
            await office.clock.advance(3600)
            await refused(day, ana)
            assert len(office.cloud.asked("register")) == 10
        async with office.at_work() as day:
            problem = await refused(day, ana)
            until = (began + HOURS_72).astimezone()
            expected = {"count": "10", "until": f"{until:%Y-%m-%d %H:%M}"}
            assert (problem.code, problem.context) == (Code.REGISTER_LIMIT, expected)
            assert len(office.cloud.asked("register")) == 10
            await office.clock.advance(71 * 3600)
            assert (await day.core.hosted.registration.allowance(ana.id)).left == 9

    run(main())


def test_when_meta_counted_more_tries_than_we_did_nothing_is_asked_for_72_hours(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await not_registered(day)
            office.cloud.decline("register", 133016)
            problem = await refused(day, ana)
            until = (office.clock.now() + HOURS_72).astimezone()
            assert problem.code is Code.REGISTER_LIMIT
            assert problem.context == {"count": "10", "until": f"{until:%Y-%m-%d %H:%M}"}
            assert (await refused(day, ana)).code is Code.REGISTER_LIMIT
            assert len(office.cloud.asked("register")) == 1

    run(main())


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (190, Code.CREDENTIALS_REFUSED),
        (10, Code.CREDENTIALS_REFUSED),
        (133005, Code.PROVIDER_REFUSED),
        (133006, Code.PROVIDER_REFUSED),
        (133008, Code.PROVIDER_REFUSED),
        (133009, Code.PROVIDER_REFUSED),
        (131031, Code.PROVIDER_REFUSED),
        (133015, Code.PROVIDER_SILENT),
        (133004, Code.PROVIDER_SILENT),
        (100, Code.PROVIDER_REFUSED),
    ],
)
def test_what_meta_says_is_told_and_never_tried_again_by_itself(office: Office, code: int, problem: Code) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await not_registered(day)
            office.cloud.decline("register", code, details="in Meta's words")
            told = await refused(day, ana)
            assert told.code is problem
            assert told.context["detail"] == f"{code}: in Meta's words"
            await office.clock.advance(24 * 3600)
            assert len(office.cloud.asked("register")) == 1
            await day.core.supervisor._scribe.flush()
            assert (await day.core.audit.entries())[0].deed.outcome == "failed"

    run(main())


def test_a_number_that_is_taken_off_is_disconnected_and_counted_too(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.core.hosted.registration.deregister(ana.id)
            await day.until(ana, LinkState.OFF)
            assert not day.core.enrolments.get(ana.id).link.wanted
            assert office.cloud.world.number.fields["platform_type"] == "NOT_APPLICABLE"
            assert (await day.core.hosted.registration.allowance(ana.id)).left == 9

    run(main())


def test_a_link_of_another_provider_cannot_be_registered(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            added = await day.core.enrolments.add("Bia", "+5521987650001")
            with pytest.raises(Problem) as caught:
                await day.core.hosted.registration.register(added.mentorado.id, PIN)
            assert caught.value.code is Code.NOT_POSSIBLE_NOW

    run(main())
