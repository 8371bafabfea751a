"""What somebody, or a disk, can do to session files that is worse than losing them: lead elsewhere, or look alright."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.platform.locks import FileLock, LockHeld, Owner
from app.providers.whatsapp_web.session_repository import SessionDirectory, SessionRepository, read_account
from tests.providers.whatsapp_web.test_session_files import ANA, NOW, pair_candidate, write_session
from tests.providers.whatsapp_web.test_session_files import files as files
from tests.providers.whatsapp_web.test_session_files import folder as folder

NOBODY = 65534
posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and owners as POSIX has them")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


def adopted(folder: SessionDirectory) -> Path:
    file = pair_candidate(folder)
    folder.adopt(NOW)
    return file


def code_of(do: Callable[[], object]) -> ProblemCode:
    with pytest.raises(Problem) as met:
        do()
    return met.value.code


# --- what only looks whole ------------------------------------------------------------------------------------------


def test_a_damaged_page_is_found_although_the_file_opens_and_names_its_account(folder: SessionDirectory) -> None:
    file = adopted(folder)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB)")
        rows = [(f"{number:06d}", os.urandom(300)) for number in range(2000)]
        database.executemany("INSERT INTO keys VALUES (?, ?)", rows)
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'keys'").fetchone()
    whole = bytearray(file.read_bytes())
    begin = (root + 40) * size
    whole[begin : begin + size] = os.urandom(size)
    file.write_bytes(whole)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM whatsmeow_device").fetchone() == (1,)
    assert code_of(folder.session_to_open) is ProblemCode.SESSION_CORRUPT


def test_a_session_too_large_to_look_through_is_opened_unread(
    folder: SessionDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.providers.whatsapp_web.session_repository.CHECKED_UP_TO", 100)
    file = adopted(folder)
    assert folder.session_to_open() == (file, ANA)


def test_a_file_with_two_sessions_is_nobodys(folder: SessionDirectory) -> None:
    file = adopted(folder)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO whatsmeow_device VALUES ('5511987654321:13@s.whatsapp.net', x'00')")
    assert code_of(folder.session_to_open) is ProblemCode.SESSION_CORRUPT


# --- what leads out of the folder -----------------------------------------------------------------------------------


def linked_elsewhere(file: Path) -> None:
    outside = file.parent.parent / "outside"
    file.rename(outside)
    file.symlink_to(outside)


def piped(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@posix
@pytest.mark.parametrize("harm", [linked_elsewhere, piped])
def test_a_session_that_is_no_plain_file_is_not_opened(folder: SessionDirectory, harm: Callable[[Path], None]) -> None:
    harm(adopted(folder))
    assert code_of(folder.session_to_open) is ProblemCode.SESSION_CORRUPT


@posix
@pytest.mark.parametrize("name", ["-journal", "-wal", "-shm"])
def test_what_the_library_would_write_beside_a_session_leads_nowhere(folder: SessionDirectory, name: str) -> None:
    file = adopted(folder)
    file.with_name(file.name + name).symlink_to(folder.path.parent / "elsewhere")
    assert code_of(folder.session_to_open) is ProblemCode.SESSION_CORRUPT
    assert not (folder.path.parent / "elsewhere").exists()


@posix
@pytest.mark.parametrize("pointer", ["current", "candidate"])
@pytest.mark.parametrize("harm", [linked_elsewhere, piped])
def test_a_pointer_that_is_no_plain_file_is_not_followed(
    folder: SessionDirectory, pointer: str, harm: Callable[[Path], None]
) -> None:
    adopted(folder)
    if pointer == "candidate":
        pair_candidate(folder)
    harm(folder.path / pointer)
    assert code_of(lambda: getattr(folder, pointer)) is ProblemCode.SESSION_CORRUPT


@posix
def test_a_lock_is_not_written_into_what_a_link_leads_to(folder: SessionDirectory) -> None:
    adopted(folder)
    precious = folder.path.parent / "precious.txt"
    precious.write_text("not a note")
    (folder.path / "owner.lock").symlink_to(precious)
    assert code_of(folder.lock) is ProblemCode.SESSION_DIR_NOT_WRITABLE
    assert precious.read_text() == "not a note"
    (folder.path / "owner.lock").unlink()
    os.mkfifo(folder.path / "owner.lock")
    assert code_of(folder.lock) is ProblemCode.SESSION_DIR_NOT_WRITABLE


@posix
@pytest.mark.parametrize("inside", ["", "spool", "snapshots", "quarantine"])
def test_no_folder_below_the_root_may_be_a_link(
    files: SessionRepository, folder: SessionDirectory, inside: str
) -> None:
    adopted(folder)
    place, elsewhere = folder.path / inside, files.root.parent / "elsewhere"
    if place.exists():
        place.rename(elsewhere)
    else:
        elsewhere.mkdir()
    place.symlink_to(elsewhere)
    assert code_of(folder.lock) is ProblemCode.SESSION_DIR_NOT_A_FOLDER
    if inside == "quarantine":
        assert (
            code_of(lambda: folder.quarantine(folder.path / "current", "gone", NOW))
            is ProblemCode.SESSION_DIR_NOT_A_FOLDER
        )


@posix
def test_the_root_may_be_a_link_that_somebody_chose(fast_dir: Path, files: SessionRepository) -> None:
    link = fast_dir / "chosen"
    link.symlink_to(files.root)
    SessionRepository(link, chosen=True).check()


# --- whose it is ----------------------------------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("what", ["root", "folder", "session"])
def test_what_belongs_to_somebody_else_is_told_and_left_alone(
    files: SessionRepository, folder: SessionDirectory, what: str
) -> None:
    file = adopted(folder)
    theirs = {"root": files.root, "folder": folder.path, "session": file}[what]
    os.chown(theirs, NOBODY, -1)

    def open_it() -> None:
        files.check()
        folder.lock().release()
        folder.session_to_open()

    assert code_of(open_it) is ProblemCode.SESSION_OF_ANOTHER_USER
    assert theirs.stat().st_uid == NOBODY
    os.chown(theirs, 4_000_000, -1)
    with pytest.raises(Problem, match="4000000"):  # a user this computer has no name for
        open_it()


# --- what becomes of damage -----------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("pointer", ["current", "candidate"])
@pytest.mark.parametrize("harm", [linked_elsewhere, piped, lambda file: file.write_text("../../away\n")])
def test_a_damaged_pointer_goes_to_quarantine_and_does_not_stop_a_new_pairing(
    folder: SessionDirectory, pointer: str, harm: Callable[[Path], None]
) -> None:
    first = adopted(folder)
    if pointer == "candidate":
        pair_candidate(folder)
    harm(folder.path / pointer)
    second, account = folder.candidate_to_pair(NOW)
    assert account is None
    write_session(second)
    folder.adopt(NOW)
    assert folder.session_to_open() == (second, ANA)
    assert os.path.lexists(folder.path / "quarantine" / pointer)
    note = json.loads((folder.path / "quarantine" / f"{pointer}.json").read_text())
    assert note["why"].startswith("damaged: ")
    assert (folder.path / "quarantine" / first.name).exists()


def test_the_note_of_a_damaged_session_says_what_was_wrong_with_it(folder: SessionDirectory) -> None:
    first = adopted(folder)
    first.write_bytes(b"I was a session once, long and dear." * 9)
    pair_candidate(folder)
    folder.adopt(NOW)
    note = json.loads((folder.path / "quarantine" / f"{first.name}.json").read_text())
    assert note["why"] == "replaced by a new pairing; session_corrupt: not a database"
    assert (folder.path / "quarantine" / first.name).read_bytes().startswith(b"I was a session")


@posix
def test_a_session_that_cannot_be_read_says_so_in_its_note(folder: SessionDirectory) -> None:
    first = adopted(folder)
    second = pair_candidate(folder)
    first.unlink()
    first.mkdir()
    folder.adopt(NOW)
    assert (folder.path / "quarantine" / first.name).is_dir()
    assert folder.current == second


# --- the lock -------------------------------------------------------------------------------------------------------


def left(path: Path, **fields: object) -> Owner:
    """A note of this computer, by an owner that does not hold the lock."""
    owner = replace(Owner.this_process(), **fields)  # type: ignore[arg-type]
    path.write_text(json.dumps(asdict(owner)))
    return owner


@pytest.mark.skipif(sys.platform != "linux", reason="where /proc tells when a process started")
def test_a_lock_is_broken_only_when_its_owner_is_proven_dead(fast_dir: Path) -> None:
    """A drive that carries no locks lets us lock what somebody holds: who lives is believed."""
    path = fast_dir / "owner.lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        owner = left(path, pid=living.pid, started=datetime.now(UTC).isoformat())
        assert owner.lives()
        with pytest.raises(LockHeld, match=str(living.pid)):
            FileLock.take(path)
        # The same pid, but of a process that began long after: the owner is gone and its number was used again.
        reused = left(path, pid=living.pid, started="2020-01-01T00:00:00+00:00")
        assert not reused.lives()
        lock = FileLock.take(path)
        assert lock.left_by == reused
        lock.release()
        assert left(path, pid=living.pid, started="some day").lives()  # in doubt, it lives
        living.kill()
    lock = FileLock.take(path)
    assert lock.left_by is not None
    lock.release()


def test_what_cannot_be_looked_at_is_told_for_what_it_is(fast_dir: Path) -> None:
    (fast_dir / "file").write_text("")
    assert code_of(lambda: read_account(fast_dir / "file" / "session.db")) is ProblemCode.SESSION_DIR_NOT_A_FOLDER
