"""Links that wait for a person: what is kept, what is locked, and the way back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.action import ActionName, Refusal
from app.domain.connection import LinkState, Reason
from app.domain.errors import Code, Problem
from tests.acceptance.connect.office import AGAIN, FIRST_TIME, NONE, Day, Office, Person, run
from tests.acceptance.connect.verdicts import WHEN_BLOCKED, check_blocked, check_on_its_way_back

OUTSIDE = frozenset({Reason.TEMPORARY_BAN, Reason.BANNED, Reason.CLIENT_OUTDATED, Reason.CLIENT_REFUSED})


def keys_in(file: Path) -> int:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM whatsmeow_device").fetchone()[0])


async def logged_out(day: Day) -> Person:
    """Somebody who ended the connection on the phone."""
    ana = await day.connect_new()
    await day.fault("device-removed", ana)
    await day.until(ana, LinkState.BLOCKED, Reason.LOGGED_OUT)
    return ana


def test_a_logout_on_the_phone_costs_the_keys_and_nothing_else(office: Office) -> None:
    """ "Re-authenticate via QR only for the affected mentorado", "avoid deleting existing" history; old file kept."""

    async def main() -> None:
        async with office.at_work() as day:
            bia = await day.connect_new("Bia")
            ana = await logged_out(day)
            told_of_bia = len(day.steps(bia))
            old, told = office.session_file(ana), len(day.steps(ana))
            assert day.core.enrolments.get(ana.id).link.account == ana.phone
            before = await day.core.transitions.of(ana.id)

            assert await day.do(ActionName.REAUTHENTICATE, ana, sure=False) == "declined"
            assert day.status(ana).state is LinkState.BLOCKED
            await day.do(ActionName.REAUTHENTICATE, ana)
            await day.pair(ana)
            assert tuple(day.steps(ana)[told:]) == FIRST_TIME
            assert day.steps(bia)[told_of_bia:] == []
        new = office.session_file(ana)
        assert new != old
        assert keys_in(new) == 1
        kept = office.folder(ana) / "quarantine" / old.name
        assert kept.is_file()
        note = json.loads(kept.with_name(f"{kept.name}.json").read_text())
        assert (note["file"], note["why"]) == (old.name, "replaced by a new pairing")
        assert not old.exists()
        written = await office.written(ana)
        assert written[: len(before)] == list(reversed(before))
        async with office.at_work(starting=True) as day:
            await day.until(ana, LinkState.CONNECTED)
            assert tuple(day.steps(ana))[-2:] == AGAIN

    run(main())


def test_a_logout_is_still_known_after_a_restart_and_is_not_retried(office: Office) -> None:
    """ "Inspect close reasons and avoid reconnect storms": what only a person can mend is shown, not tried."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await logged_out(day)
        dialed = len(office.emulator.control.attempts())
        async with office.at_work(starting=True) as day:
            await asyncio.sleep(0.5)
            check_blocked(day, ana, Reason.LOGGED_OUT)
            assert len(office.emulator.control.attempts()) == dialed
            assert day.refusal(ActionName.CONNECT, ana) is Refusal.NEEDS_NEW_CODE  # it would only say so again
            assert day.refusal(ActionName.REAUTHENTICATE, ana) is None
        assert len(office.emulator.control.attempts()) == dialed

    run(main())


def test_a_reauthentication_that_is_given_up_costs_nothing(office: Office) -> None:
    """ "backup affected session folder before any cleanup": the session in use is replaced by a connected one only."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connect_new()
            await day.do(ActionName.DISCONNECT, ana)
            old = office.session_file(ana)
            await day.do(ActionName.REAUTHENTICATE, ana)
            await day.code(ana)
            await day.do(ActionName.CANCEL, ana)
            assert (office.session_file(ana), keys_in(old)) == (old, 1)
            await day.undo(ana)
            told = len(day.steps(ana))
            await day.do(ActionName.CONNECT, ana)
            await day.until(ana, LinkState.CONNECTED)
            assert tuple(day.steps(ana)[told:]) == AGAIN

    run(main())


def test_a_suspension_says_until_when_and_is_sat_out(office: Office) -> None:
    """A temporary ban carries its end; nothing connects before, at a start neither, and everything after."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connect_new()
            await day.fault("failure-402", ana)
            await day.fault("abort", ana)
            status = await day.until(ana, LinkState.BLOCKED)
            check_blocked(day, ana, Reason.TEMPORARY_BAN)
            left = (status.until or status.since) - office.clock.now()
            assert timedelta(minutes=59) < left <= timedelta(hours=1)
            refused_whatever_is_asked(day, ana)
            with pytest.raises(Problem) as caught:
                await day.do(ActionName.CONNECT, ana)
            assert (caught.value.code, caught.value.context["why"]) == (Code.NOT_POSSIBLE_NOW, Refusal.SUSPENDED)
        dialed = len(office.emulator.control.attempts())
        async with office.at_work(starting=True) as day:
            assert day.status(ana).until == status.until
            refused_whatever_is_asked(day, ana)
            await asyncio.sleep(0.3)
            assert len(office.emulator.control.attempts()) == dialed
            office.clock.ahead = timedelta(minutes=61)
            assert day.refusal(ActionName.CONNECT, ana) is None
        async with office.at_work(starting=True) as day:
            await day.until(ana, LinkState.CONNECTED)
            assert tuple(day.steps(ana))[-2:] == AGAIN

    def refused_whatever_is_asked(day: Day, ana: Person) -> None:
        for action in (ActionName.CONNECT, ActionName.REAUTHENTICATE):
            assert day.refusal(action, ana) is Refusal.SUSPENDED
        for action in (ActionName.NEW_CODE, ActionName.TRY_NOW):
            assert day.refusal(action, ana) is not None

    run(main())


def test_of_two_programs_with_one_session_the_older_says_so_and_stays_away(office: Office) -> None:
    """A replaced stream is not retried: two programs with one session would throw each other out for ever."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connect_new()
            await day.fault("replaced", ana)
            await day.until(ana, LinkState.BLOCKED)
            check_blocked(day, ana, Reason.STREAM_REPLACED)
        async with office.at_work(starting=True) as day:
            await asyncio.sleep(0.3)
            assert day.status(ana).state is LinkState.BLOCKED
            await day.do(ActionName.CONNECT, ana)
            await day.until(ana, LinkState.CONNECTED)
            assert day.steps(ana)[-2:] == [(LinkState.CONNECTING, NONE), (LinkState.CONNECTED, NONE)]

    run(main())


def test_an_outdated_client_is_tried_again_by_the_next_start(office: Office) -> None:
    """An update of the program is what mends it, and a start may be the first after an update."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connect_new()
            await day.fault("failure-405", ana)
            await day.fault("abort", ana)
            await day.until(ana, LinkState.BLOCKED)
            check_blocked(day, ana, Reason.CLIENT_OUTDATED)
        async with office.at_work(starting=True) as day:
            await day.until(ana, LinkState.CONNECTED)

    run(main())


def test_a_new_pairing_is_never_recommended_where_it_would_do_harm() -> None:
    """Suspended, outdated, in use elsewhere: a new QR makes each worse. A ban is for a human, with no button."""
    assert WHEN_BLOCKED[Reason.BANNED].button is None
    for reason in OUTSIDE - {Reason.BANNED} | {Reason.STREAM_REPLACED, Reason.SESSION_IN_USE, Reason.WRONG_ACCOUNT}:
        assert WHEN_BLOCKED[reason].no_new_pairing is not None


@pytest.mark.slow
def test_codes_that_run_out_and_pings_that_nobody_answers(office: Office) -> None:
    """Both wait for the library's own clocks, so they wait together: about half a minute."""

    async def codes(day: Day) -> None:
        """An expired code is said to be expired, and the button makes another that works."""
        ana = await day.enrol("Ana")
        await day.do(ActionName.CONNECT, ana)
        first = await day.code(ana)
        second = await day.code(ana, number=2, within=40)
        assert second != first
        await day.until(ana, LinkState.BLOCKED, within=60)
        check_blocked(day, ana, Reason.QR_EXPIRED)
        await day.do(ActionName.NEW_CODE, ana)
        assert await day.code(ana) not in (first, second)

    async def pings(day: Day, bia: Person) -> None:
        """A line that went silent is on its way back, and can be hurried."""
        await asyncio.to_thread(office.emulator.control.answer_pings, False)
        status = await day.until(bia, LinkState.RECONNECTING, within=60)
        check_on_its_way_back(status, Reason.KEEPALIVE_TIMEOUT)
        await asyncio.to_thread(office.emulator.control.answer_pings, True)
        await day.do(ActionName.TRY_NOW, bia)
        await day.until(bia, LinkState.CONNECTED)
        assert day.steps(bia)[-1] == (LinkState.CONNECTED, NONE)

    async def main() -> None:
        async with office.at_work() as day:
            bia = await day.connect_new("Bia")
            office.emulator.control.set_ref_count(2)
            async with asyncio.TaskGroup() as both:
                both.create_task(codes(day))
                both.create_task(pings(day, bia))

    run(main(), within=100)
