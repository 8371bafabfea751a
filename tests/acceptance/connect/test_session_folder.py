"""Session folders in every bad shape: each is told apart, nothing is lost, and once mended the link needs no code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.text import status as status_text
from tests.acceptance.connect.core_process import CoreProcess
from tests.acceptance.connect.harness import AGAIN, Harness, no_hosts
from tests.acceptance.connect.outcomes import check_blocked
from tests.acceptance.program import Person

NOBODY = 65534


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        aside.rename(path)


@contextmanager
def replaced_by_a_file(path: Path) -> Iterator[None]:
    with moved_away(path):
        path.write_text("I am a file.")
        yield


@contextmanager
def replaced_by_an_empty_folder(path: Path) -> Iterator[None]:
    with moved_away(path):
        path.mkdir()
        yield


@contextmanager
def written_over(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    whole = path.read_bytes()
    damaged = change(whole)
    path.write_bytes(damaged)
    try:
        yield
        assert path.read_bytes() == damaged, "what is left of a damaged file may be all there is"
    finally:
        path.write_bytes(whole)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Forbid writing, to root as well: it becomes somebody else for the time."""
    home = folder.parent
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        hand_over(home, NOBODY)
    folder.chmod(0o500)
    if root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
            hand_over(home, 0)
        folder.chmod(0o700)


def hand_over(home: Path, owner: int) -> None:
    for path in (home, *home.rglob("*")):
        os.chown(path, owner, -1)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program, which is none of ours, holds the session's database."""
    holder = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "database.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            yield
        finally:
            process.communicate(timeout=10)


Harm = Callable[[Harness, Person], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Case:
    harm: Harm
    reason: Reason
    code: ProblemCode  # what the log and the details line say more precisely


CASES = {
    "the folder is missing": Case(
        lambda harness, _: moved_away(harness.sessions), Reason.SESSION_DIR_MISSING, ProblemCode.SESSION_DIR_MISSING
    ),
    "the folder is another, empty one": Case(
        lambda harness, _: replaced_by_an_empty_folder(harness.sessions),
        Reason.SESSION_DIR_MISSING,
        ProblemCode.SESSION_DIR_MISSING,
    ),
    "the folder is a file": Case(
        lambda harness, _: replaced_by_a_file(harness.sessions),
        Reason.SESSION_DIR_NOT_A_FOLDER,
        ProblemCode.SESSION_DIR_NOT_A_FOLDER,
    ),
    "the folder is not writable": Case(
        lambda harness, _: read_only(harness.sessions),
        Reason.SESSION_DIR_NOT_WRITABLE,
        ProblemCode.SESSION_DIR_NOT_WRITABLE,
    ),
    "the person's folder is a file": Case(
        lambda harness, person: replaced_by_a_file(harness.folder(person)),
        Reason.SESSION_DIR_NOT_A_FOLDER,
        ProblemCode.SESSION_DIR_NOT_A_FOLDER,
    ),
    "the person's folder is missing": Case(
        lambda harness, person: moved_away(harness.folder(person)), Reason.SESSION_MISSING, ProblemCode.SESSION_MISSING
    ),
    "the session file is missing": Case(
        lambda harness, person: moved_away(harness.session_file(person)),
        Reason.SESSION_MISSING,
        ProblemCode.SESSION_MISSING,
    ),
    "the session file is cut off": Case(
        lambda harness, person: written_over(harness.session_file(person), lambda whole: whole[: len(whole) // 2]),
        Reason.SESSION_CORRUPT,
        ProblemCode.SESSION_CORRUPT,
    ),
    "the session file is noise": Case(
        lambda harness, person: written_over(harness.session_file(person), lambda whole: os.urandom(len(whole))),
        Reason.SESSION_CORRUPT,
        ProblemCode.SESSION_CORRUPT,
    ),
    "the session file is empty": Case(
        lambda harness, person: written_over(harness.session_file(person), lambda _: b""),
        Reason.SESSION_CORRUPT,
        ProblemCode.SESSION_CORRUPT,
    ),
    "the pointer leads out of the folder": Case(
        lambda harness, person: written_over(harness.folder(person) / "current", lambda _: b"../../conecta.db\n"),
        Reason.SESSION_CORRUPT,
        ProblemCode.SESSION_CORRUPT,
    ),
    "another program holds the session file": Case(
        lambda harness, person: locked(harness.session_file(person)), Reason.SESSION_IN_USE, ProblemCode.SESSION_IN_USE
    ),
}


@pytest.mark.skipif(os.name != "posix", reason="modes and locks are POSIX here")
@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "-") for name in CASES])
async def test_what_is_wrong_with_the_folder_is_told_and_can_be_mended(
    shared: Harness, veteran: Person, case: Case
) -> None:
    """ "Missing keys/creds files, JSON parse errors": no code is shown by itself; mended, none is needed."""
    async with shared.running() as run:
        with case.harm(shared, veteran):
            await run.do(ActionName.CONNECT, veteran)
            status = await run.until(veteran, LinkState.BLOCKED)
            check_blocked(run, veteran, case.reason)
            assert status.detail.startswith(f"{case.code}: ")
        count = len(run.steps(veteran))
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.CONNECTED)
        assert tuple(run.steps(veteran)[count:]) == AGAIN
        assert run.core.mentorados.get(veteran.id).link.account == veteran.phone
    assert not (shared.folder(veteran) / "quarantine").exists()


async def test_every_kind_of_harm_has_words_of_its_own(shared: Harness, veteran: Person) -> None:
    """ "each with its own sentence": no two problems of the folder read alike, and no two reasons."""
    async with shared.running() as run:
        mentorado, status, now = run.core.mentorados.get(veteran.id), run.status(veteran), run.core.clock.now()
    codes = {case.code for case in CASES.values()} | {ProblemCode.SESSION_DISK_FULL}
    lines = {status_text.problem(Problem(code, path="/somewhere", owner="somebody")) for code in codes}
    assert len(lines) == len(codes)
    assert len({sentence for sentence, _next in lines}) == len(codes)
    reasons = {case.reason for case in CASES.values()} | {Reason.DISK_FULL}
    blocked = [type(status)(state=LinkState.BLOCKED, reason=reason, since=now) for reason in reasons]
    assert len({status_text.sentence(each, mentorado, now) for each in blocked}) == len(reasons)


@pytest.mark.within(60)
@pytest.mark.skipif(os.name != "posix", reason="the owner's note names processes by POSIX means")
async def test_a_session_that_another_conecta_has_open_is_left_to_it(shared: Harness, veteran: Person) -> None:
    """A session folder has one owner, who is named; when it has gone, the same session is opened here."""
    async with CoreProcess.started(shared.environment()) as other:
        await other.until(veteran.link, LinkState.CONNECTED)
        async with shared.running() as run:
            await run.do(ActionName.CONNECT, veteran)
            status = await run.until(veteran, LinkState.BLOCKED)
            check_blocked(run, veteran, Reason.SESSION_IN_USE)
            assert str(other.process.pid) in status.detail
            assert len(shared.emulator.control.connections()) == 1, "the other one was not disturbed"
            await other.kill()
            await asyncio.sleep(0.1)
            await run.do(ActionName.CONNECT, veteran)
            await run.until(veteran, LinkState.CONNECTED)


async def test_a_damaged_session_is_kept_and_replaced_by_a_new_code(harness: Harness) -> None:
    """ "Backup, then regenerate session via QR. Keep message history untouched." """
    async with harness.running() as run:
        ana = await run.connect_new()
        await run.do(ActionName.DISCONNECT, ana)
        await no_hosts()
        file = harness.session_file(ana)
        noise = os.urandom(file.stat().st_size)
        file.write_bytes(noise)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.BLOCKED, Reason.SESSION_CORRUPT)
        before = await run.core.transitions.for_mentorado(ana.id)
        await run.do(ActionName.REAUTHENTICATE, ana)
        await run.pair(ana)
    assert (harness.folder(ana) / "quarantine" / file.name).read_bytes() == noise
    assert (await harness.written(ana))[: len(before)] == list(reversed(before))
    with contextlib.closing(sqlite3.connect(harness.session_file(ana))) as fresh:
        assert fresh.execute("SELECT count(*) FROM whatsmeow_device").fetchone() == (1,)
    async with harness.running(starting=True) as run:
        await run.until(ana, LinkState.CONNECTED)


async def test_a_first_pairing_makes_the_folder_it_needs(harness: Harness) -> None:
    """ "Ensure session directory exists and is writable by the runtime user": made for this user alone."""
    assert not harness.sessions.exists()
    async with harness.running() as run:
        ana = await run.add_mentorado()
        await run.do(ActionName.CONNECT, ana)
        await run.code(ana)
        assert harness.sessions.stat().st_mode & 0o777 == 0o700
        await run.do(ActionName.CANCEL, ana)


@pytest.mark.parametrize("code", [ProblemCode.SESSION_DIR_NOT_A_FOLDER, ProblemCode.SESSION_DIR_NOT_WRITABLE], ids=str)
async def test_a_first_pairing_without_a_usable_folder_says_so(harness: Harness, code: ProblemCode) -> None:
    """ "Ensure session directory exists and is writable by the runtime user": else no code is shown."""
    harness.sessions.mkdir()
    harm = read_only if code is ProblemCode.SESSION_DIR_NOT_WRITABLE else replaced_by_a_file
    async with harness.running() as run:
        ana = await run.add_mentorado()
        with harm(harness.sessions):
            await run.do(ActionName.CONNECT, ana)
            status = await run.until(ana, LinkState.BLOCKED)
            check_blocked(run, ana, Reason(code))
            assert status.detail.startswith(f"{code}: ")
        await run.do(ActionName.CONNECT, ana)
        await run.pair(ana)
