"""A session, or the data folder, that a program which is gone left marked as open: there is always a way out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from app.core.action import ActionName, Refusal
from app.domain.connection import LinkState, Reason
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.file_lock import FileLock, Owner, _machine_id, read_owner
from app.ui.detail_pane.lead import lead_of
from tests.acceptance.connect.office import Day, Office, Person, no_hosts, run
from tests.acceptance.connect.terminal import conecta
from tests.acceptance.connect.verdicts import check_blocked

ELSEWHERE = Owner(
    pid=4211, host="recepcao", machine="another-machine", started="2026-01-05T09:30:00+00:00", boot="another-boot"
)
pytestmark = pytest.mark.skipif(
    not _machine_id(), reason="this computer has no /etc/machine-id: nothing can be proven about its former runs"
)
LABEL = "recepcao, 2026-01-05 09:30 UTC, PID 4211"
NOTE = json.dumps(asdict(ELSEWHERE))
LOCKS = ("owner.lock", "host.lock")


async def taken_over(day: Day, person: Person) -> list[str]:
    await day.core.witness.written()
    entries = await day.core.audit.entries(mentorado_id=person.id)
    return [entry.deed.before["owner"] for entry in entries if entry.deed.action == DeedName.TAKE_OVER_SESSION]


@pytest.mark.parametrize("locks", [LOCKS[:1], LOCKS[1:], LOCKS], ids=["program", "host", "both"])
def test_a_person_who_sees_whose_session_it_is_opens_it_here(
    shared: Office, veteran: Person, locks: tuple[str, ...]
) -> None:
    """ "What cannot be proven can be overruled by a person who sees whose it is", and it is written down."""

    async def main() -> None:
        async with shared.at_work() as day:
            for name in locks:
                (shared.folder(veteran) / name).write_text(NOTE)
            before = len(await taken_over(day, veteran))
            await day.do(ActionName.CONNECT, veteran)
            status = await day.until(veteran, LinkState.BLOCKED)
            check_blocked(day, veteran, Reason.SESSION_HELD_ELSEWHERE)
            assert status.holder == LABEL
            assert LABEL in day.sentence(veteran)
            lead = lead_of(day.core.enrolments.get(veteran.id), status, day.core.actions, day.core.clock.now())
            assert (lead.button, lead.second) == (ActionName.CONNECT, ActionName.OVERRULE_LOCK)

            assert await day.do(ActionName.OVERRULE_LOCK, veteran, sure=False) == "declined"
            assert all((shared.folder(veteran) / name).read_text() == NOTE for name in locks)
            await day.do(ActionName.OVERRULE_LOCK, veteran)
            await day.until(veteran, LinkState.CONNECTED)
            assert day.refusal(ActionName.OVERRULE_LOCK, veteran) is Refusal.NO_UNPROVEN_LOCK
            new = (await taken_over(day, veteran))[: -before or None]
            assert new == [f"{ELSEWHERE}; not proven dead, overruled"]
        await no_hosts()

    run(main())


def test_a_dead_program_s_session_is_opened_without_a_question_and_written_down(
    shared: Office, veteran: Person
) -> None:
    """ "What proves dead is broken and audited": here, a note from before this computer was started again."""

    async def main() -> None:
        dead = replace(Owner.this_process(), boot="an earlier boot", pid=1)
        async with shared.at_work() as day:
            for name in LOCKS:
                (shared.folder(veteran) / name).write_text(json.dumps(asdict(dead)))
            await day.do(ActionName.CONNECT, veteran)
            await day.until(veteran, LinkState.CONNECTED)
            assert (await taken_over(day, veteran))[0] == str(dead)
        await no_hosts()

    run(main())


def test_a_session_that_is_open_is_not_overruled(shared: Office, veteran: Person) -> None:
    async def main() -> None:
        async with shared.at_work() as day:
            lock = FileLock.take(shared.folder(veteran) / "owner.lock")
            link = day.core.enrolments.get(veteran.id).link
            with pytest.raises(Problem) as met:
                await day.core.whatsapp_web.overrule_lock(link)
            assert met.value.code is Code.SESSION_IN_USE
            assert read_owner(lock.path) is not None
            lock.release()

    run(main())


@pytest.mark.parametrize("what", ["session", "window"])
def test_the_command_names_the_owner_and_removes_the_mark_at_a_word(shared: Office, veteran: Person, what: str) -> None:
    """In the window *and* by a command: for servers, and where no window opens any more."""

    async def main() -> None:
        home, environment = shared.settings.data_dir, shared.environment()
        path = shared.folder(veteran) / "owner.lock" if what == "session" else shared.settings.instance
        names = (veteran.name,) if what == "session" else ()
        path.write_text(NOTE)
        asked = await conecta(home, environment, "unlock", *names)
        assert asked.exit_code == 1
        assert LABEL in asked.out
        assert path.read_text() == NOTE, "nothing is removed before it is asked for"
        done = await conecta(home, environment, "unlock", *names, "--yes", "--json")
        assert (done.exit_code, done.told) == (0, [{"holder": LABEL, "removed": True}])
        assert read_owner(path) is None
        none = await conecta(home, environment, "unlock", *names, "--yes", "--json")
        assert (none.exit_code, none.told) == (0, [{"holder": None, "removed": False}])
        async with shared.at_work() as day:
            action = DeedName.TAKE_OVER_SESSION if what == "session" else DeedName.TAKE_OVER_WINDOW
            entry = next(each for each in await day.core.audit.entries() if each.deed.action == action)
            assert entry.deed.before["owner"] == f"{ELSEWHERE}; not proven dead, overruled"

    run(main(), within=60)
