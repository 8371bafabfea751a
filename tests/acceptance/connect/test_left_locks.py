"""A session, or the data folder, that a program which is gone left marked as open: there is always a way out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.platform.locks import (
    FileLock,
    Owner,
    _machine_id,
    read_owner,
)
from app.ui.detail_pane.recommendation import recommendation_for
from tests.acceptance.connect.harness import Harness, ProgramRun, no_hosts
from tests.acceptance.connect.outcomes import check_blocked
from tests.acceptance.connect.terminal import conecta
from tests.acceptance.program import Person

ELSEWHERE = Owner(
    pid=4211, host="recepcao", machine="another-machine", started="2026-01-05T09:30:00+00:00", boot="another-boot"
)
pytestmark = pytest.mark.skipif(
    not _machine_id(), reason="this computer has no /etc/machine-id: nothing can be proven about its former runs"
)
LABEL = "recepcao, 2026-01-05 09:30 UTC, PID 4211"
NOTE = json.dumps(asdict(ELSEWHERE))
LOCKS = ("owner.lock", "host.lock")


async def taken_over(run: ProgramRun, person: Person) -> list[str]:
    await run.core.audit_service.flush()
    entries = await run.core.audit.entries(mentorado_id=person.id)
    return [entry.record.before["owner"] for entry in entries if entry.record.action == AuditAction.TAKE_OVER_SESSION]


@pytest.mark.parametrize("locks", [LOCKS[:1], LOCKS[1:], LOCKS], ids=["program", "host", "both"])
async def test_a_person_who_sees_whose_session_it_is_opens_it_here(
    shared: Harness, veteran: Person, locks: tuple[str, ...]
) -> None:
    """ "What cannot be proven can be overruled by a person who sees whose it is", and it is written down."""
    async with shared.running() as run:
        for name in locks:
            (shared.folder(veteran) / name).write_text(NOTE)
        before = len(await taken_over(run, veteran))
        await run.do(ActionName.CONNECT, veteran)
        status = await run.until(veteran, LinkState.BLOCKED)
        check_blocked(run, veteran, Reason.SESSION_HELD_ELSEWHERE)
        assert status.holder == LABEL
        assert LABEL in run.sentence(veteran)
        mentorado, availability = run.core.mentorados.get(veteran.id), run.core.actions.availability(veteran.id)
        lead = recommendation_for(mentorado, status, availability, run.core.clock.now())
        assert (lead.button, lead.second) == (ActionName.CONNECT, ActionName.OVERRULE_LOCK)

        assert await run.do(ActionName.OVERRULE_LOCK, veteran, sure=False) == "declined"
        assert all((shared.folder(veteran) / name).read_text() == NOTE for name in locks)
        await run.do(ActionName.OVERRULE_LOCK, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        assert run.refusal(ActionName.OVERRULE_LOCK, veteran) is UnavailableReason.NO_UNPROVEN_LOCK
        new = (await taken_over(run, veteran))[: -before or None]
        assert new == [f"{ELSEWHERE}; not proven dead, overruled"]
    await no_hosts()


async def test_a_dead_program_s_session_is_opened_without_a_question_and_written_down(
    shared: Harness, veteran: Person
) -> None:
    """ "What proves dead is broken and audited": here, a note from before this computer was started again."""
    dead = replace(Owner.this_process(), boot="an earlier boot", pid=1)
    async with shared.running() as run:
        for name in LOCKS:
            (shared.folder(veteran) / name).write_text(json.dumps(asdict(dead)))
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        assert (await taken_over(run, veteran))[0] == str(dead)
    await no_hosts()


async def test_a_session_that_is_open_is_not_overruled(shared: Harness, veteran: Person) -> None:
    async with shared.running() as run:
        lock = FileLock.take(shared.folder(veteran) / "owner.lock")
        link = run.core.mentorados.get(veteran.id).link
        with pytest.raises(Problem) as met:
            await run.core.whatsapp_web.overrule_lock(link)
        assert met.value.code is ProblemCode.SESSION_IN_USE
        assert read_owner(lock.path) is not None
        lock.release()


@pytest.mark.within(60)
@pytest.mark.parametrize("what", ["session", "window"])
async def test_the_command_names_the_owner_and_removes_the_mark_at_a_word(
    shared: Harness, veteran: Person, what: str
) -> None:
    """In the window *and* by a command: for servers, and where no window opens any more."""
    home, environment = shared.settings.data_dir, shared.environment()
    path = shared.folder(veteran) / "owner.lock" if what == "session" else shared.settings.instance
    names = (veteran.name,) if what == "session" else ()
    path.write_text(NOTE)
    asked = await conecta(home, environment, "unlock", *names)
    assert asked.exit_code == 1
    assert LABEL in asked.out
    assert path.read_text() == NOTE, "nothing is removed before it is asked for"
    done = await conecta(home, environment, "unlock", *names, "--yes", "--json")
    assert (done.exit_code, done.events) == (0, [{"holder": LABEL, "removed": True}])
    assert read_owner(path) is None
    none = await conecta(home, environment, "unlock", *names, "--yes", "--json")
    assert (none.exit_code, none.events) == (0, [{"holder": None, "removed": False}])
    async with shared.running() as run:
        action = AuditAction.TAKE_OVER_SESSION if what == "session" else AuditAction.TAKE_OVER_WINDOW
        entry = next(each for each in await run.core.audit.entries() if each.record.action == action)
        assert entry.record.before["owner"] == f"{ELSEWHERE}; not proven dead, overruled"
