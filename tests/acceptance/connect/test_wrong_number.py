"""The wrong phone scans the code: nothing happens until a person has decided."""

from __future__ import annotations

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.text.status import unbroken
from tests.acceptance.connect.harness import AGAIN, FIRST_TIME, Harness, ProgramRun, no_hosts
from tests.acceptance.connect.outcomes import check_blocked
from tests.acceptance.program import Person, run


async def mistaken(run: ProgramRun, *, paired: bool = False) -> tuple[Person, Person]:
    """Ana, whose code Bruno's phone has scanned; when *paired*, she had a session before."""
    bruno = await run.add_mentorado("Bruno")
    await run.do(ActionName.ARCHIVE, bruno)  # a number that is another mentorado's now cannot be accepted
    if paired:
        ana = await run.connect_new("Ana")
        await run.do(ActionName.DISCONNECT, ana)
        await run.do(ActionName.REAUTHENTICATE, ana)
    else:
        ana = await run.add_mentorado("Ana")
        await run.do(ActionName.CONNECT, ana)
    await run.scan(bruno, await run.code(ana))
    await run.until(ana, LinkState.BLOCKED)
    return ana, bruno


async def check_undecided(run: ProgramRun, ana: Person, bruno: Person) -> None:
    check_blocked(run, ana, Reason.WRONG_ACCOUNT)
    status, mentorado = run.status(ana), run.core.mentorados.get(ana.id)
    assert status.account == bruno.phone
    assert unbroken(status.account) in run.sentence(ana)
    assert mentorado.link.account in (None, ana.phone)
    assert run.refusal(ActionName.CONNECT, ana) is UnavailableReason.DECIDE_ACCOUNT_FIRST
    assert run.refusal(ActionName.ACCEPT_ACCOUNT, ana) is None
    await no_hosts()


when = pytest.mark.parametrize("later", [False, True], ids=["at-once", "after-a-restart"])


@when
def test_another_number_that_is_accepted_is_the_right_one_from_then_on(harness: Harness, later: bool) -> None:
    """ "Scan QR from the correct WhatsApp account/device": a person says that this other number is correct."""

    async def main() -> None:
        async with harness.running() as run:
            ana, bruno = await mistaken(run)
            await check_undecided(run, ana, bruno)
            if not later:
                await accept(run, ana, bruno)
        if later:
            async with harness.running(starting=True) as run:
                await check_undecided(run, ana, bruno)
                await accept(run, ana, bruno)
        async with harness.running(starting=True) as run:
            await run.until(ana, LinkState.CONNECTED)
            assert run.status(ana).account == bruno.phone

    async def accept(run: ProgramRun, ana: Person, bruno: Person) -> None:
        assert await run.do(ActionName.ACCEPT_ACCOUNT, ana, sure=False) == "declined"
        await check_undecided(run, ana, bruno)
        count = len(run.steps(ana))
        await run.do(ActionName.ACCEPT_ACCOUNT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert tuple(run.steps(ana)[count:]) == AGAIN
        link = run.core.mentorados.get(ana.id).link
        assert (link.account, link.accepted_account) == (bruno.phone, bruno.phone)

    run(main())


@when
def test_another_number_that_is_rejected_is_unlinked_from_its_phone(harness: Harness, later: bool) -> None:
    """The wrong phone no longer lists the device, and the next code goes to the right one."""

    async def main() -> None:
        async with harness.running() as run:
            ana, bruno = await mistaken(run)
            if not later:
                await reject(run, ana, bruno)
        if later:
            async with harness.running(starting=True) as run:
                await check_undecided(run, ana, bruno)
                await reject(run, ana, bruno)

    async def reject(run: ProgramRun, ana: Person, bruno: Person) -> None:
        assert len(harness.emulator.control.devices(bruno.digits)) == 1
        await run.do(ActionName.REJECT_ACCOUNT, ana)
        assert run.status(ana).state is LinkState.OFF
        assert harness.emulator.control.devices(bruno.digits) == []
        assert len(list((harness.folder(ana) / "quarantine").glob("*.db"))) == 1
        count = len(run.steps(ana))
        await run.do(ActionName.CONNECT, ana)
        await run.pair(ana)
        assert tuple(run.steps(ana)[count:]) == FIRST_TIME
        assert run.status(ana).account == ana.phone

    run(main())


async def test_the_session_that_was_there_before_the_wrong_scan_still_works(harness: Harness) -> None:
    """Re-authentication by the wrong phone, rejected: the former session was never touched and needs no code."""
    async with harness.running() as run:
        ana, bruno = await mistaken(run, paired=True)
        await check_undecided(run, ana, bruno)
        await run.do(ActionName.REJECT_ACCOUNT, ana)
        assert harness.emulator.control.devices(bruno.digits) == []
        assert len(harness.emulator.control.devices(ana.digits)) == 1
        count = len(run.steps(ana))
        await run.undo(ana)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert tuple(run.steps(ana)[count:]) == AGAIN
        assert run.status(ana).account == ana.phone


async def test_a_rejected_phone_that_cannot_be_told_is_left_with_a_note(harness: Harness) -> None:
    """Without a network the phone goes on listing the device; the note beside the file says so."""
    async with harness.running() as run:
        ana, bruno = await mistaken(run)
        control = harness.emulator.control
        await control.off_loop(control.network, False)
        await run.do(ActionName.REJECT_ACCOUNT, ana)
        await control.off_loop(control.network, True)
        assert run.status(ana).state is LinkState.OFF
        assert len(control.devices(bruno.digits)) == 1
        (note,) = (harness.folder(ana) / "quarantine").glob("*.json")
        assert "may still list it" in note.read_text()
        await run.do(ActionName.CONNECT, ana)
        await run.pair(ana)


async def test_the_number_of_another_mentorado_cannot_be_accepted(harness: Harness) -> None:
    """ "Each mentorado has own WhatsApp account": the wrong phone may be unlinked, and never becomes two people's."""
    async with harness.running() as run:
        bruno = await run.connect_new("Bruno")
        ana = await run.add_mentorado("Ana")
        await run.do(ActionName.CONNECT, ana)
        await run.scan(bruno, await run.code(ana))
        await run.until(ana, LinkState.BLOCKED)
        assert run.refusal(ActionName.ACCEPT_ACCOUNT, ana) is UnavailableReason.NUMBER_TAKEN
        with pytest.raises(Problem) as refused:
            await run.core.supervisor.accept_account(ana.id)
        assert (refused.value.code, refused.value.context["name"]) == (ProblemCode.ACCOUNT_TAKEN, "Bruno")
        assert await run.do(ActionName.REJECT_ACCOUNT, ana, sure=False) == "declined"
        assert len(harness.emulator.control.devices(bruno.digits)) == 2, "nothing is unlinked before a yes"
        await run.do(ActionName.REJECT_ACCOUNT, ana)
        assert len(harness.emulator.control.devices(bruno.digits)) == 1
        assert run.status(bruno).state is LinkState.CONNECTED
        for phone in (bruno.phone, f"+55 {bruno.digits[2:4]} {bruno.digits[5:]}"):
            with pytest.raises(Problem) as refused:
                await run.core.mentorados.add("Caio", phone)
            assert refused.value.code is ProblemCode.PHONE_TAKEN
