"""Damage that is found before anything is connected, or while it is: each with its reason and its one action."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.errors import ProblemCode
from app.domain.guidance import Recommendation
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.text import status as status_text
from tests.acceptance.connect.core_process import CoreProcess
from tests.acceptance.connect.harness import Harness, ProgramRun, no_hosts
from tests.acceptance.program import Person

NOBODY = 65534
CONTACT = "5511988880002"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, owners and modes as POSIX has them")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


@contextmanager
def given_away(path: Path) -> Iterator[None]:
    """Somebody else's, as after a start with another user."""
    os.chown(path, NOBODY, -1)
    try:
        yield
    finally:
        os.chown(path, 0, -1)


@contextmanager
def linked_out(path: Path) -> Iterator[None]:
    """What should be here lies elsewhere, and a link leads there."""
    outside = path.parent.parent.parent / f"{path.name}.outside"
    path.rename(outside)
    path.symlink_to(outside)
    whole = sorted(each.stat().st_mtime_ns for each in (outside, *outside.rglob("*")))
    try:
        yield
        assert sorted(each.stat().st_mtime_ns for each in (outside, *outside.rglob("*"))) == whole, "followed"
    finally:
        path.unlink()
        outside.rename(path)


@contextmanager
def changed(file: Path, change: Callable[[Path], None]) -> Iterator[None]:
    whole = file.read_bytes()
    change(file)
    damaged = file.read_bytes()
    try:
        yield
        assert file.read_bytes() == damaged, "what is left of a damaged file may be all there is"
    finally:
        file.write_bytes(whole)


def without_a_device(file: Path) -> None:
    """As the library leaves it when WhatsApp took the keys back; it would now begin a new session."""
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM whatsmeow_device")


def with_a_second_device(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        columns = [name for (_, name, *_) in database.execute("PRAGMA table_info(whatsmeow_device)")]
        others = ", ".join(name for name in columns if name != "jid")
        database.execute(
            f"INSERT INTO whatsmeow_device (jid, {others}) "
            f"SELECT '5511900000000:7@s.whatsapp.net', {others} FROM whatsmeow_device"
        )


def with_a_damaged_page(file: Path) -> None:
    """The header, the tables' names and the account stay as they are: only the prekeys cannot be read any more."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'whatsmeow_pre_keys'").fetchone()
    raw = bytearray(file.read_bytes())
    raw[(page - 1) * size : page * size] = os.urandom(size)
    file.write_bytes(raw)


@dataclass(frozen=True, slots=True)
class Case:
    harm: Callable[[Harness, Person], AbstractContextManager[None]]
    reason: Reason
    recommended: Recommendation


_R, _G = Reason, Recommendation
CASES = {
    "the root is another user's": Case(
        lambda harness, _: given_away(harness.sessions), _R.SESSION_OF_ANOTHER_USER, _G.FIX_FOLDER
    ),
    "the person's folder is another user's": Case(
        lambda harness, person: given_away(harness.folder(person)), _R.SESSION_OF_ANOTHER_USER, _G.FIX_FOLDER
    ),
    "the session file is another user's": Case(
        lambda harness, person: given_away(harness.session_file(person)), _R.SESSION_OF_ANOTHER_USER, _G.FIX_FOLDER
    ),
    "the person's folder is a link": Case(
        lambda harness, person: linked_out(harness.folder(person)), _R.SESSION_DIR_NOT_A_FOLDER, _G.FIX_FOLDER
    ),
    "the messages' folder is a link": Case(
        lambda harness, person: linked_out(harness.folder(person) / "spool"), _R.SESSION_DIR_NOT_A_FOLDER, _G.FIX_FOLDER
    ),
    "the session file is a link": Case(
        lambda harness, person: linked_out(harness.session_file(person)), _R.SESSION_CORRUPT, _G.REAUTHENTICATE
    ),
    "the pointer is a link": Case(
        lambda harness, person: linked_out(harness.folder(person) / "current"), _R.SESSION_CORRUPT, _G.REAUTHENTICATE
    ),
    "there is no session in the file": Case(
        lambda harness, person: changed(harness.session_file(person), without_a_device),
        _R.LOGGED_OUT,
        _G.REAUTHENTICATE,
    ),
    "there are two sessions in the file": Case(
        lambda harness, person: changed(harness.session_file(person), with_a_second_device),
        _R.SESSION_CORRUPT,
        _G.REAUTHENTICATE,
    ),
    "a page of the file is damaged": Case(
        lambda harness, person: changed(harness.session_file(person), with_a_damaged_page),
        _R.SESSION_CORRUPT,
        _G.REAUTHENTICATE,
    ),
}


@needs_root
@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "-") for name in CASES])
async def test_damage_is_told_before_anything_is_connected_and_is_no_new_session(
    shared: Harness, veteran: Person, case: Case
) -> None:
    """ "Corruption is detected before connecting […] each with its reason and its one action; never mistaken for a new
    session": no code is shown, nothing is dialled, nothing is changed; and mended, the same session is opened."""
    async with shared.running() as run:
        dialled = len(shared.emulator.control.attempts())
        with case.harm(shared, veteran):
            await run.do(ActionName.CONNECT, veteran)
            status = await run.until(veteran, LinkState.BLOCKED)
            assert (status.reason, run.recommended(veteran)) == (case.reason, case.recommended)
            assert status.qr is None
            assert len(shared.emulator.control.attempts()) == dialled
            await no_hosts()
        await run.core.supervisor.connect(veteran.id)
        await run.until(veteran, LinkState.CONNECTED)
    assert not (shared.folder(veteran) / "quarantine").exists()


def test_whose_the_files_are_is_said_in_words() -> None:
    """ "each with its reason and its one action": the problem names the other user, and what to do."""
    from app.domain.errors import Problem

    for language in ("pt-BR", "en"):
        status_text.texts.set_language(language)
        text, do = status_text.problem(Problem(ProblemCode.SESSION_OF_ANOTHER_USER, path="/somewhere", owner="suporte"))
        assert "suporte" in text
        assert "/somewhere" not in text
        assert do
    status_text.texts.set_language("pt-BR")


# --- damaged files go to quarantine, with a note ----------------------------------------------------------------------


def noise(harness: Harness, person: Person) -> str:
    harness.session_file(person).write_bytes(os.urandom(40_000))
    return harness.session_file(person).name


def a_pointer_out(harness: Harness, person: Person) -> str:
    (harness.folder(person) / "current").write_text("../../conecta.db\n")
    return "current"


@pytest.mark.parametrize("damage", [noise, a_pointer_out])
async def test_what_was_damaged_is_in_quarantine_with_a_note_when_a_new_session_took_over(
    harness: Harness, damage: Callable[[Harness, Person], str]
) -> None:
    """ "Damaged files go to quarantine with a note, never to the bin." """
    async with harness.running() as run:
        ana = await run.connect_new()
        first = harness.session_file(ana)
        await run.do(ActionName.DISCONNECT, ana)
        await no_hosts()
        name = damage(harness, ana)
        damaged = (harness.folder(ana) / name).read_bytes()
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.SESSION_CORRUPT)
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
        assert harness.session_file(ana) != first
    quarantine = harness.folder(ana) / "quarantine"
    assert (quarantine / name).read_bytes() == damaged
    note = json.loads((quarantine / f"{name}.json").read_text())
    assert note["file"] == name
    assert "damaged" in note["why"] or str(ProblemCode.SESSION_CORRUPT) in note["why"]
    assert (quarantine / first.name).exists(), "what was replaced is kept as well"


# --- a stale lock -----------------------------------------------------------------------------------------------------


@pytest.mark.within(60)
@pytest.mark.skipif(sys.platform != "linux", reason="where /proc tells when a process started")
async def test_a_lock_whose_owner_is_proven_dead_is_broken_and_that_is_audited(
    shared: Harness, veteran: Person
) -> None:
    """ "A stale lock is broken only when its owner is proven dead, and that is audited." """
    async with CoreProcess.started(shared.environment()) as other:
        await other.until(veteran.link, LinkState.CONNECTED)
        async with shared.running() as run:
            await run.do(ActionName.CONNECT, veteran)
            await run.until(veteran, LinkState.BLOCKED, Reason.SESSION_IN_USE)
            assert await taken_over(run, veteran) == []
            await other.kill()
            await asyncio.sleep(0.1)
            await run.do(ActionName.CONNECT, veteran)
            await run.until(veteran, LinkState.CONNECTED)
            (text,) = await taken_over(run, veteran)
            assert f"process {other.process.pid} on " in text


async def taken_over(run: ProgramRun, person: Person) -> list[str]:
    entries = await run.core.audit.entries(mentorado_id=person.id)
    return [entry.record.before["owner"] for entry in entries if entry.record.action == AuditAction.TAKE_OVER_SESSION]


# --- while it is in use -----------------------------------------------------------------------------------------------


def _can_drop_rights() -> bool:
    return shutil.which("setpriv") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.mark.skipif(not _can_drop_rights(), reason="modes bind root only when it gives its rights away")
async def test_a_folder_that_turns_unwritable_while_in_use_ends_the_line_instead_of_leaving_it_deaf(
    harness: Harness, fast_dir: Path
) -> None:
    """ "wrong permissions […] with its reason and its one action": the library itself would go on, connected and unable
    to read anything that arrives."""
    like_anybody = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]
    harness = Harness(fast_dir, harness.emulator, host=[*like_anybody, *shlex.split(harness.emulator.host_command())])
    harness.emulator.control.add_account(CONTACT)
    async with harness.running() as run:
        ana = await run.connect_new()
        harness.folder(ana).chmod(0o500)
        await asyncio.to_thread(harness.emulator.control.send_text, CONTACT, ana.digits, "bom dia")
        status = await run.until(ana, LinkState.BLOCKED)
        assert (status.reason, run.recommended(ana)) == (_R.SESSION_DIR_NOT_WRITABLE, _G.FIX_FOLDER)
        assert run.button(ana) is ActionName.CONNECT
        await no_hosts()
        harness.folder(ana).chmod(0o700)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.CONNECTED)
        await asyncio.to_thread(harness.emulator.control.send_text, CONTACT, ana.digits, "boa tarde")
        assert await has_message(run, ana, "boa tarde")


async def has_message(run: ProgramRun, person: Person, words: str, within: float = 10) -> bool:
    async with asyncio.timeout(within):
        while True:
            for conversation in await run.core.history.conversations(person.id):
                if conversation.last_text == words:
                    return True
            await asyncio.sleep(0.05)


# --- a sign-in that fails for good --------------------------------------------------------------------------------


async def test_a_sign_in_that_is_refused_again_and_again_is_told_apart_from_a_busy_service(
    shared: Harness, veteran: Person
) -> None:
    """ "permanent sign-in failure […] with its reason and its one action": after three refusals in a row, not before,
    and a sign-in that gets through begins the count anew."""
    async with shared.running() as run:
        collected: list[LinkStatus] = []
        for _ in range(4):
            await run.fault("failure-400", veteran)
            await run.do(ActionName.CONNECT, veteran)
            collected.append(await run.until(veteran, LinkState.BLOCKED))
        busy, refused = _R.SERVER_UNAVAILABLE, _R.SIGN_IN_FAILED
        assert [status.reason for status in collected] == [busy, busy, refused, refused]
        assert run.recommended(veteran) is _G.REAUTHENTICATE
        assert run.refusal(ActionName.CONNECT, veteran) is None, "it may still be tried"
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        await run.do(ActionName.DISCONNECT, veteran)
        await run.fault("failure-400", veteran)
        await run.do(ActionName.CONNECT, veteran)
        assert (await run.until(veteran, LinkState.BLOCKED)).reason is busy


async def test_a_session_that_lost_a_table_is_told_as_soon_as_it_is_used(harness: Harness) -> None:
    """ "Corruption […] with its reason": what only shows in use ends the line as well, and nothing goes on deaf."""
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.do(ActionName.DISCONNECT, ana)
        await no_hosts()
        with contextlib.closing(sqlite3.connect(harness.session_file(ana))) as database, database:
            database.execute("DROP TABLE whatsmeow_pre_keys")
        await run.do(ActionName.CONNECT, ana)
        status = await run.until(ana, LinkState.BLOCKED)
        assert (status.reason, run.recommended(ana)) == (_R.SESSION_CORRUPT, _G.REAUTHENTICATE)
