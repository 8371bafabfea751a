"""What can be wrong with session files, found before the library sees them; and that nothing is ever lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, new_mentorado_id
from app.domain.phone import PhoneNumber
from app.platform.locks import (
    FileLock,
    LockHeld,
    Owner,
    read_owner,
)
from app.providers.whatsapp_web.session_repository import SessionDirectory, SessionRepository, read_account

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
ANA = PhoneNumber("+5511987654321")


@pytest.fixture
def files(fast_dir: Path) -> SessionRepository:
    files = SessionRepository(fast_dir / "sessions", chosen=True)
    files.prepare(paired_before=False)
    return files


@pytest.fixture
def folder(files: SessionRepository) -> SessionDirectory:
    folder = files.folder(new_mentorado_id())
    folder.make()
    return folder


def write_session(file: Path, jid: str | None = "5511987654321:12@s.whatsapp.net") -> Path:
    """A database with the one table the app looks into."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, padding BLOB)")
        if jid:
            database.execute("INSERT INTO whatsmeow_device VALUES (?, ?)", (jid, b"x" * 20_000))
    return file


def pair_candidate(folder: SessionDirectory, now: datetime = NOW) -> Path:
    file, account = folder.candidate_to_pair(now)
    assert account is None
    return write_session(file)


# --- the root -------------------------------------------------------------------------------------------------------


def test_an_id_that_is_none_never_becomes_a_path(files: SessionRepository) -> None:
    for text in ("../elsewhere", "", "ana", "A" * 32, "0" * 31 + "/"):
        with pytest.raises(ValueError, match="not an id"):
            files.folder(MentoradoId(text))


def test_the_default_root_is_made_whole(fast_dir: Path) -> None:
    files = SessionRepository(fast_dir / "not" / "yet" / "there", chosen=False)
    files.prepare(paired_before=True)
    files.check()
    assert files.root.stat().st_mode & 0o777 == 0o700


def test_a_chosen_root_is_made_when_its_parent_is_there(fast_dir: Path) -> None:
    SessionRepository(fast_dir / "sessions", chosen=True).prepare(paired_before=False)
    with pytest.raises(Problem) as problem:
        SessionRepository(fast_dir / "drive" / "sessions", chosen=True).prepare(paired_before=False)
    assert problem.value.code is ProblemCode.SESSION_DIR_MISSING


def test_a_chosen_root_that_vanished_is_not_made_again(fast_dir: Path) -> None:
    """Its drive may just not be there, and a new folder in its place would hide all sessions."""
    files = SessionRepository(fast_dir / "sessions", chosen=True)
    for attempt in (lambda: files.prepare(paired_before=True), lambda: files.folder_of_paired(new_mentorado_id())):
        with pytest.raises(Problem) as problem:
            attempt()
        assert problem.value.code is ProblemCode.SESSION_DIR_MISSING
    assert not files.root.exists()


def test_an_empty_mount_point_is_not_taken_for_lost_sessions(fast_dir: Path, files: SessionRepository) -> None:
    somebody = new_mentorado_id()
    with pytest.raises(Problem) as missing:
        files.folder_of_paired(somebody)
    assert missing.value.code is ProblemCode.SESSION_MISSING
    empty = SessionRepository(fast_dir, chosen=True)
    with pytest.raises(Problem) as gone:
        empty.folder_of_paired(somebody)
    assert gone.value.code is ProblemCode.SESSION_DIR_MISSING


def test_a_root_that_is_a_file(fast_dir: Path) -> None:
    (fast_dir / "sessions").write_text("")
    with pytest.raises(Problem) as problem:
        SessionRepository(fast_dir / "sessions", chosen=True).prepare(paired_before=False)
    assert problem.value.code is ProblemCode.SESSION_DIR_NOT_A_FOLDER


def test_a_folder_that_is_a_file(files: SessionRepository) -> None:
    somebody = new_mentorado_id()
    (files.root / somebody).write_text("")
    with pytest.raises(Problem) as problem:
        files.folder(somebody).make()
    assert problem.value.code is ProblemCode.SESSION_DIR_NOT_A_FOLDER


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a place where nobody may write, not even root")
def test_a_root_that_cannot_be_written() -> None:
    with pytest.raises(Problem) as problem:
        SessionRepository(Path("/proc/self/task"), chosen=True).prepare(paired_before=False)
    assert problem.value.code is ProblemCode.SESSION_DIR_NOT_WRITABLE


def test_a_full_disk_is_noticed_before_a_session_is_opened(fast_dir: Path) -> None:
    files = SessionRepository(fast_dir / "sessions", chosen=True, minimum_free=1 << 60)
    with pytest.raises(Problem) as problem:
        files.prepare(paired_before=False)
    assert problem.value.code is ProblemCode.SESSION_DISK_FULL


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_that_are_too_wide_are_narrowed(files: SessionRepository, folder: SessionDirectory) -> None:
    file = pair_candidate(folder)
    folder.adopt(NOW)
    folder.path.chmod(0o755)
    file.chmod(0o644)
    folder.lock().release()
    folder.session_to_open()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


# --- the file -------------------------------------------------------------------------------------------------------


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def cut_to_a_header(file: Path) -> None:
    os.truncate(file, 60)


def random_bytes(file: Path) -> None:
    file.write_bytes(os.urandom(20_000))


def scrambled_inside(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + os.urandom(len(whole) - 100))


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    "damage", [emptied, cut_off, cut_to_a_header, random_bytes, scrambled_inside, a_folder], ids=lambda d: d.__name__
)
def test_a_damaged_session_is_not_opened(folder: SessionDirectory, damage: Callable[[Path], None]) -> None:
    file = pair_candidate(folder)
    folder.adopt(NOW)
    damage(file)
    with pytest.raises(Problem) as problem:
        folder.session_to_open()
    assert problem.value.code is ProblemCode.SESSION_CORRUPT


def test_a_missing_session_is_not_taken_for_a_new_one(folder: SessionDirectory) -> None:
    with pytest.raises(Problem) as never_paired:
        folder.session_to_open()
    assert never_paired.value.code is ProblemCode.SESSION_MISSING
    file = pair_candidate(folder)
    folder.adopt(NOW)
    file.unlink()
    with pytest.raises(Problem) as lost:
        folder.session_to_open()
    assert lost.value.code is ProblemCode.SESSION_MISSING


def test_a_pointer_leads_nowhere_else(folder: SessionDirectory) -> None:
    for text in ("../../etc/passwd\n", "", "session-1.db/../../x", "\x00"):
        (folder.path / "current").write_text(text)
        with pytest.raises(Problem) as problem:
            folder.session_to_open()
        assert problem.value.code is ProblemCode.SESSION_CORRUPT


def test_a_session_whose_keys_were_taken_back_has_no_account(fast_dir: Path) -> None:
    assert read_account(write_session(fast_dir / "session.db", jid=None)) is None
    assert read_account(write_session(fast_dir / "other.db")) == ANA


def test_a_session_another_program_writes_is_in_use(folder: SessionDirectory) -> None:
    file = pair_candidate(folder)
    folder.adopt(NOW)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Problem) as problem:
            folder.session_to_open()
    assert problem.value.code is ProblemCode.SESSION_IN_USE


def test_a_write_that_a_crash_interrupted_is_rolled_back(folder: SessionDirectory) -> None:
    file = pair_candidate(folder)
    folder.adopt(NOW)
    crash = f"""
import os, sqlite3
database = sqlite3.connect({str(file)!r}, isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("DELETE FROM whatsmeow_device")
database.execute("CREATE TABLE more (x)")
database.executemany("INSERT INTO more VALUES (?)", [(b"y" * 9000,)] * 50)
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", crash], check=False, timeout=20)
    assert file.with_name(file.name + "-journal").stat().st_size > 0
    assert folder.session_to_open() == (file, ANA)


# --- pairing, adopting, giving up -----------------------------------------------------------------------------------


def test_a_new_pairing_goes_into_a_new_file(folder: SessionDirectory) -> None:
    first = pair_candidate(folder)
    folder.adopt(NOW)
    second, _ = folder.candidate_to_pair(NOW)
    assert second != first
    assert folder.current == first


def test_adopting_swaps_the_pointer_and_quarantines_what_it_replaces(folder: SessionDirectory) -> None:
    first = pair_candidate(folder)
    folder.adopt(NOW)
    content = first.read_bytes()
    second = pair_candidate(folder)
    folder.adopt(NOW)
    assert folder.current == second
    assert folder.candidate is None
    assert (folder.path / "quarantine" / first.name).read_bytes() == content
    note = json.loads((folder.path / "quarantine" / f"{first.name}.json").read_text())
    assert note == {"file": first.name, "why": "replaced by a new pairing", "at": NOW.isoformat()}


def test_adopting_can_be_interrupted_after_any_step(folder: SessionDirectory) -> None:
    first = pair_candidate(folder)
    folder.adopt(NOW)
    second = pair_candidate(folder)
    (folder.path / "current").write_text(second.name)  # the swap was the last thing that happened
    assert folder.candidate is None
    assert folder.session_to_open() == (second, ANA)
    folder.adopt(NOW)
    assert folder.current == second
    assert not first.exists()


def test_giving_up_quarantines_the_candidate_and_keeps_the_current_one(folder: SessionDirectory) -> None:
    first = pair_candidate(folder)
    folder.adopt(NOW)
    second = pair_candidate(folder)
    folder.reject(NOW, "wrong account")
    folder.reject(NOW, "again")
    assert folder.session_to_open() == (first, ANA)
    assert (folder.path / "quarantine" / second.name).is_file()


def test_a_damaged_candidate_is_set_aside(folder: SessionDirectory) -> None:
    damaged = pair_candidate(folder)
    random_bytes(damaged)
    fresh, account = folder.candidate_to_pair(NOW)
    assert fresh != damaged
    assert account is None
    assert (folder.path / "quarantine" / damaged.name).is_file()


def test_quarantine_never_overwrites(folder: SessionDirectory) -> None:
    for content in (b"one", b"two"):
        file = folder.path / "session-a.db"
        file.write_bytes(content)
        folder.quarantine(file, "test", NOW)
    kept = {path.read_bytes() for path in (folder.path / "quarantine").glob("*.db")}
    assert kept == {b"one", b"two"}


# --- the lock -------------------------------------------------------------------------------------------------------


def test_a_folder_has_one_owner_and_says_who(folder: SessionDirectory) -> None:
    lock = folder.lock()
    with pytest.raises(Problem, match=str(os.getpid())) as problem:
        folder.lock()
    assert problem.value.code is ProblemCode.SESSION_IN_USE
    lock.release()
    lock.release()
    assert folder.owner() is None
    folder.lock().release()


HOLD = """
import sys
from pathlib import Path
from app.platform.locks import FileLock
lock = FileLock.take(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_dead_owner_s_lock_is_free_and_its_note_tells_who_it_was(fast_dir: Path) -> None:
    path = fast_dir / "owner.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld) as held:
            FileLock.take(path)
        assert held.value.owner is not None
        assert held.value.owner.pid == holder.pid
        holder.kill()
        holder.wait(5)
    lock = FileLock.take(path)
    assert lock.left_by is not None
    assert lock.left_by.pid == holder.pid
    lock.release()


def test_a_note_of_another_machine_is_believed(fast_dir: Path) -> None:
    """A lock on a network drive may not reach us; that nobody holds it here proves nothing about over there."""
    path = fast_dir / "owner.lock"
    there = Owner(pid=1, host="elsewhere", machine="another", started="2026-01-01T00:00:00+00:00")
    path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "machine": "another", "started": there.started}))
    with pytest.raises(LockHeld, match="elsewhere"):
        FileLock.take(path)
    assert read_owner(path) == there


def test_a_note_nobody_can_read_does_not_lock_anybody_out(fast_dir: Path) -> None:
    path = fast_dir / "owner.lock"
    path.write_text("{torn")
    lock = FileLock.take(path)
    assert lock.left_by is None
    lock.release()
