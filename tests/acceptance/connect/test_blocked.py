"""Links that wait for a person: what is kept, what is locked, and the way back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import AGAIN, FIRST_TIME, NONE, Harness, ProgramRun
from tests.acceptance.connect.outcomes import WHEN_BLOCKED, check_blocked, check_on_its_way_back
from tests.acceptance.program import Person, run

OUTSIDE = frozenset({Reason.TEMPORARY_BAN, Reason.BANNED, Reason.CLIENT_OUTDATED, Reason.CLIENT_REFUSED})


def keys_in(file: Path) -> int:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM whatsmeow_device").fetchone()[0])


async def logged_out(run: ProgramRun) -> Person:
    """Somebody who ended the connection on the phone."""
    ana = await run.connect_new()
    await run.fault("device-removed", ana)
    await run.until(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
    return ana


async def test_a_logout_on_the_phone_costs_the_keys_and_nothing_else(harness: Harness) -> None:
    """ "Re-authenticate via QR only for the affected mentorado", "avoid deleting existing" history; old file kept."""
    async with harness.running() as run:
        bia = await run.connect_new("Bia")
        ana = await logged_out(run)
        steps_of_bia = len(run.steps(bia))
        old, count = harness.session_file(ana), len(run.steps(ana))
        assert run.core.mentorados.get(ana.id).link.account == ana.phone
        before = await run.core.transitions.for_mentorado(ana.id)

        assert await run.do(ActionName.REAUTHENTICATE, ana, sure=False) == "declined"
        assert run.status(ana).state is LinkState.BLOCKED
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
        assert tuple(run.steps(ana)[count:]) == FIRST_TIME
        assert run.steps(bia)[steps_of_bia:] == []
    new = harness.session_file(ana)
    assert new != old
    assert keys_in(new) == 1
    kept = harness.folder(ana) / "quarantine" / old.name
    assert kept.is_file()
    note = json.loads(kept.with_name(f"{kept.name}.json").read_text())
    assert (note["file"], note["why"]) == (old.name, "replaced by a new pairing")
    assert not old.exists()
    written = await harness.written(ana)
    assert written[: len(before)] == list(reversed(before))
    async with harness.running(starting=True) as run:
        await run.until(ana, LinkState.CONNECTED)
        assert tuple(run.steps(ana))[-2:] == AGAIN


async def test_a_logout_is_still_known_after_a_restart_and_is_not_retried(harness: Harness) -> None:
    """ "Inspect close reasons and avoid reconnect storms": what only a person can mend is shown, not tried."""
    async with harness.running() as run:
        ana = await logged_out(run)
    dialed = len(harness.emulator.control.attempts())
    async with harness.running(starting=True) as run:
        await asyncio.sleep(0.5)
        check_blocked(run, ana, Reason.LOGGED_OUT)
        assert len(harness.emulator.control.attempts()) == dialed
        assert run.refusal(ActionName.CONNECT, ana) is UnavailableReason.NEEDS_NEW_CODE  # it would only say so again
        assert run.refusal(ActionName.REAUTHENTICATE, ana) is None
    assert len(harness.emulator.control.attempts()) == dialed


async def test_a_reauthentication_that_is_given_up_costs_nothing(harness: Harness) -> None:
    """ "backup affected session folder before any cleanup": the session in use is replaced by a connected one only."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.do(ActionName.DISCONNECT, ana)
        old = harness.session_file(ana)
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.code(ana)
        await run.do(ActionName.CANCEL, ana)
        assert (harness.session_file(ana), keys_in(old)) == (old, 1)
        await run.undo(ana)
        count = len(run.steps(ana))
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert tuple(run.steps(ana)[count:]) == AGAIN


def test_a_suspension_says_until_when_and_is_sat_out(harness: Harness) -> None:
    """A temporary ban carries its end; nothing connects before, at a start neither, and everything after."""

    async def main() -> None:
        async with harness.running() as run:
            ana = await run.connect_new()
            await run.fault("failure-402", ana)
            await run.fault("abort", ana)
            status = await run.until(ana, LinkState.BLOCKED)
            check_blocked(run, ana, Reason.TEMPORARY_BAN)
            left = (status.until or status.since) - harness.clock.now()
            assert timedelta(minutes=59) < left <= timedelta(hours=1)
            refused_whatever_is_asked(run, ana)
            with pytest.raises(Problem) as caught:
                await run.do(ActionName.CONNECT, ana)
            assert (caught.value.code, caught.value.context["why"]) == (
                ProblemCode.NOT_POSSIBLE_NOW,
                UnavailableReason.SUSPENDED,
            )
        dialed = len(harness.emulator.control.attempts())
        async with harness.running(starting=True) as run:
            assert run.status(ana).until == status.until
            refused_whatever_is_asked(run, ana)
            await asyncio.sleep(0.3)
            assert len(harness.emulator.control.attempts()) == dialed
            harness.clock.ahead = timedelta(minutes=61)
            assert run.refusal(ActionName.CONNECT, ana) is None
        async with harness.running(starting=True) as run:
            await run.until(ana, LinkState.CONNECTED)
            assert tuple(run.steps(ana))[-2:] == AGAIN

    def refused_whatever_is_asked(run: ProgramRun, ana: Person) -> None:
        for action in (ActionName.CONNECT, ActionName.REAUTHENTICATE):
            assert run.refusal(action, ana) is UnavailableReason.SUSPENDED
        for action in (ActionName.NEW_CODE, ActionName.TRY_NOW):
            assert run.refusal(action, ana) is not None

    run(main())


async def test_of_two_programs_with_one_session_the_older_says_so_and_stays_away(harness: Harness) -> None:
    """A replaced stream is not retried: two programs with one session would throw each other out for ever."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.fault("replaced", ana)
        await run.until(ana, LinkState.BLOCKED)
        check_blocked(run, ana, Reason.STREAM_REPLACED)
    async with harness.running(starting=True) as run:
        await asyncio.sleep(0.3)
        assert run.status(ana).state is LinkState.BLOCKED
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        assert run.steps(ana)[-2:] == [(LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE)]


async def test_an_outdated_client_is_tried_again_by_the_next_start(harness: Harness) -> None:
    """An update of the program is what mends it, and a start may be the first after an update."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.fault("failure-405", ana)
        await run.fault("abort", ana)
        await run.until(ana, LinkState.BLOCKED)
        check_blocked(run, ana, Reason.CLIENT_OUTDATED)
    async with harness.running(starting=True) as run:
        await run.until(ana, LinkState.CONNECTED)


def test_a_new_pairing_is_never_recommended_where_it_would_do_harm() -> None:
    """Suspended, outdated, in use elsewhere: a new QR makes each worse. A ban is for a human, with no button."""
    assert WHEN_BLOCKED[Reason.BANNED].button is None
    for reason in OUTSIDE - {Reason.BANNED} | {Reason.STREAM_REPLACED, Reason.SESSION_IN_USE, Reason.WRONG_ACCOUNT}:
        assert WHEN_BLOCKED[reason].no_new_pairing is not None


@pytest.mark.slow
def test_codes_that_run_out_and_pings_that_nobody_answers(harness: Harness) -> None:
    """Both wait for the library's own clocks, so they wait together: about half a minute."""

    async def codes(run: ProgramRun) -> None:
        """An expired code is said to be expired, and the button makes another that works."""
        ana = await run.add_mentorado("Ana")
        await run.do(ActionName.CONNECT, ana)
        first = await run.code(ana)
        second = await run.code(ana, number=2, within=40)
        assert second != first
        await run.until(ana, LinkState.BLOCKED, within=60)
        check_blocked(run, ana, Reason.QR_EXPIRED)
        await run.do(ActionName.NEW_CODE, ana)
        assert await run.code(ana) not in (first, second)

    async def pings(run: ProgramRun, bia: Person) -> None:
        """A line that went silent is on its way back, and can be hurried."""
        await asyncio.to_thread(harness.emulator.control.answer_pings, False)
        status = await run.until(bia, LinkState.RECONNECTING, within=60)
        check_on_its_way_back(status, Reason.KEEPALIVE_TIMEOUT)
        await asyncio.to_thread(harness.emulator.control.answer_pings, True)
        await run.do(ActionName.TRY_NOW, bia)
        await run.until(bia, LinkState.CONNECTED)
        assert run.steps(bia)[-1] == (LinkState.CONNECTED, NONE)

    async def main() -> None:
        async with harness.running() as run:
            bia = await run.connect_new("Bia")
            harness.emulator.control.set_ref_count(2)
            async with asyncio.TaskGroup() as both:
                both.create_task(codes(run))
                both.create_task(pings(run, bia))

    run(main(), within=100)
