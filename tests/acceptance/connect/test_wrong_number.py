"""The wrong phone scans the code: nothing happens until a person has decided."""

from __future__ import annotations

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.text.status import unbroken
from tests.acceptance.connect.harness import (
    AGAIN,
    FIRST_TIME,
    Day,
    Harness,
    Person,
    no_hosts,
    run,
)
from tests.acceptance.connect.outcomes import check_blocked


async def mistaken(day: Day, *, paired: bool = False) -> tuple[Person, Person]:
    """Ana, whose code Bruno's phone has scanned; when *paired*, she had a session before."""
    bruno = await day.add_mentorado("Bruno")
    await day.do(ActionName.ARCHIVE, bruno)  # a number that is another mentorado's now cannot be accepted
    if paired:
        ana = await day.connect_new("Ana")
        await day.do(ActionName.DISCONNECT, ana)
        await day.do(ActionName.REAUTHENTICATE, ana)
    else:
        ana = await day.add_mentorado("Ana")
        await day.do(ActionName.CONNECT, ana)
    await day.scan(bruno, await day.code(ana))
    await day.until(ana, LinkState.BLOCKED)
    return ana, bruno


async def check_undecided(day: Day, ana: Person, bruno: Person) -> None:
    check_blocked(day, ana, Reason.WRONG_ACCOUNT)
    status, mentorado = day.status(ana), day.core.mentorados.get(ana.id)
    assert status.account == bruno.phone
    assert unbroken(status.account) in day.sentence(ana)
    assert mentorado.link.account in (None, ana.phone)
    assert day.refusal(ActionName.CONNECT, ana) is UnavailableReason.DECIDE_ACCOUNT_FIRST
    assert day.refusal(ActionName.ACCEPT_ACCOUNT, ana) is None
    await no_hosts()


when = pytest.mark.parametrize("later", [False, True], ids=["at-once", "after-a-restart"])


@when
def test_another_number_that_is_accepted_is_the_right_one_from_then_on(harness: Harness, later: bool) -> None:
    """ "Scan QR from the correct WhatsApp account/device": a person says that this other number is correct."""

    async def main() -> None:
        async with harness.at_work() as day:
            ana, bruno = await mistaken(day)
            await check_undecided(day, ana, bruno)
            if not later:
                await accept(day, ana, bruno)
        if later:
            async with harness.at_work(starting=True) as day:
                await check_undecided(day, ana, bruno)
                await accept(day, ana, bruno)
        async with harness.at_work(starting=True) as day:
            await day.until(ana, LinkState.CONNECTED)
            assert day.status(ana).account == bruno.phone

    async def accept(day: Day, ana: Person, bruno: Person) -> None:
        assert await day.do(ActionName.ACCEPT_ACCOUNT, ana, sure=False) == "declined"
        await check_undecided(day, ana, bruno)
        count = len(day.steps(ana))
        await day.do(ActionName.ACCEPT_ACCOUNT, ana)
        await day.until(ana, LinkState.CONNECTED)
        assert tuple(day.steps(ana)[count:]) == AGAIN
        link = day.core.mentorados.get(ana.id).link
        assert (link.account, link.accepted_account) == (bruno.phone, bruno.phone)

    run(main())


@when
def test_another_number_that_is_rejected_is_unlinked_from_its_phone(harness: Harness, later: bool) -> None:
    """The wrong phone no longer lists the device, and the next code goes to the right one."""

    async def main() -> None:
        async with harness.at_work() as day:
            ana, bruno = await mistaken(day)
            if not later:
                await reject(day, ana, bruno)
        if later:
            async with harness.at_work(starting=True) as day:
                await check_undecided(day, ana, bruno)
                await reject(day, ana, bruno)

    async def reject(day: Day, ana: Person, bruno: Person) -> None:
        assert len(harness.emulator.control.devices(bruno.digits)) == 1
        await day.do(ActionName.REJECT_ACCOUNT, ana)
        assert day.status(ana).state is LinkState.OFF
        assert harness.emulator.control.devices(bruno.digits) == []
        assert len(list((harness.folder(ana) / "quarantine").glob("*.db"))) == 1
        count = len(day.steps(ana))
        await day.do(ActionName.CONNECT, ana)
        await day.pair(ana)
        assert tuple(day.steps(ana)[count:]) == FIRST_TIME
        assert day.status(ana).account == ana.phone

    run(main())


async def test_the_session_that_was_there_before_the_wrong_scan_still_works(harness: Harness) -> None:
    """Re-authentication by the wrong phone, rejected: the former session was never touched and needs no code."""
    async with harness.at_work() as day:
        ana, bruno = await mistaken(day, paired=True)
        await check_undecided(day, ana, bruno)
        await day.do(ActionName.REJECT_ACCOUNT, ana)
        assert harness.emulator.control.devices(bruno.digits) == []
        assert len(harness.emulator.control.devices(ana.digits)) == 1
        count = len(day.steps(ana))
        await day.undo(ana)
        await day.do(ActionName.CONNECT, ana)
        await day.until(ana, LinkState.CONNECTED)
        assert tuple(day.steps(ana)[count:]) == AGAIN
        assert day.status(ana).account == ana.phone


async def test_a_rejected_phone_that_cannot_be_told_is_left_with_a_note(harness: Harness) -> None:
    """Without a network the phone goes on listing the device; the note beside the file says so."""
    async with harness.at_work() as day:
        ana, bruno = await mistaken(day)
        control = harness.emulator.control
        await control.off_loop(control.network, False)
        await day.do(ActionName.REJECT_ACCOUNT, ana)
        await control.off_loop(control.network, True)
        assert day.status(ana).state is LinkState.OFF
        assert len(control.devices(bruno.digits)) == 1
        (note,) = (harness.folder(ana) / "quarantine").glob("*.json")
        assert "may still list it" in note.read_text()
        await day.do(ActionName.CONNECT, ana)
        await day.pair(ana)


async def test_the_number_of_another_mentorado_cannot_be_accepted(harness: Harness) -> None:
    """ "Each mentorado has own WhatsApp account": the wrong phone may be unlinked, and never becomes two people's."""
    async with harness.at_work() as day:
        bruno = await day.connect_new("Bruno")
        ana = await day.add_mentorado("Ana")
        await day.do(ActionName.CONNECT, ana)
        await day.scan(bruno, await day.code(ana))
        await day.until(ana, LinkState.BLOCKED)
        assert day.refusal(ActionName.ACCEPT_ACCOUNT, ana) is UnavailableReason.NUMBER_TAKEN
        with pytest.raises(Problem) as refused:
            await day.core.supervisor.accept_account(ana.id)
        assert (refused.value.code, refused.value.context["name"]) == (ProblemCode.ACCOUNT_TAKEN, "Bruno")
        assert await day.do(ActionName.REJECT_ACCOUNT, ana, sure=False) == "declined"
        assert len(harness.emulator.control.devices(bruno.digits)) == 2, "nothing is unlinked before a yes"
        await day.do(ActionName.REJECT_ACCOUNT, ana)
        assert len(harness.emulator.control.devices(bruno.digits)) == 1
        assert day.status(bruno).state is LinkState.CONNECTED
        for phone in (bruno.phone, f"+55 {bruno.digits[2:4]} {bruno.digits[5:]}"):
            with pytest.raises(Problem) as refused:
                await day.core.mentorados.add("Caio", phone)
            assert refused.value.code is ProblemCode.PHONE_TAKEN
