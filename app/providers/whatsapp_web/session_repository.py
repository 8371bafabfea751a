"""The session folders: one a mentorado, one current file in it, and nothing ever deleted.

    BAILEYS_SESSION_DIR/
      about-this-folder.txt     proves that the folder is the one sessions were kept in
      <mentorado id>/           0700
        owner.lock  host.lock   who has it open (`locks`)
        current                 the name of the file in use, swapped in one step
        candidate               the name of the file of a pairing that nobody accepted yet
        session-….db            0600, one WhatsApp session each
        spool/                  what arrived and is not stored yet (`host/spool.py`)
      snapshots/              copies of the sessions (`session_backup.py`)
      quarantine/             what was replaced or given up, each with a note of why

Everything here blocks, briefly: call it from a worker thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, is_id
from app.domain.phone import PhoneNumber, is_e164
from app.platform.files import write_atomic
from app.platform.locks import (
    FileLock,
    LockHeld,
    Owner,
    OwnerState,
    read_owner,
)
from app.providers.whatsapp_web.protocol import HOST_LOCK, SPOOL
from app.providers.whatsapp_web.regular_files import (
    code_of,
    map_os_errors,
    open_regular,
    read_plain,
    require_folder,
    require_free_descriptors,
    require_no_link,
    require_owner,
)

_HEADER: Final = b"SQLite format 3\0"
_BESIDE: Final = ("-journal", "-wal", "-shm")
CHECKED_UP_TO: Final = 64 << 20
"""Bytes of a session that is looked through page by page: a millisecond each mebibyte, once the disk has read it."""


@dataclass(frozen=True, slots=True)
class SessionDevice:
    """One linked device of a WhatsApp account, as a session file describes it."""

    account: PhoneNumber
    jid: str  # "<number>:<device>@s.whatsapp.net"
    fingerprint: str  # of its private keys; empty where the file does not have them

    def is_same(self, other: SessionDevice) -> bool:
        """Whether WhatsApp would take both for one device, and end the connection of one when the other signs in."""
        return self.jid == other.jid or (self.fingerprint != "" and self.fingerprint == other.fingerprint)


def device_in(file: Path) -> SessionDevice | None:
    """The device in *file*, read without changing anything; None where there is none, or none that can be read.

    Raises `Problem(SESSION_IN_USE)` when another process keeps the file locked: then nothing is known about it.
    """
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return None
        with closing(open_session(file, "ro")) as database:
            columns = {str(name) for (_, name, *_) in database.execute("PRAGMA table_info(whatsmeow_device)")}
            keys = [name if name in columns else "NULL" for name in ("noise_key", "identity_key")]
            row = database.execute(f"SELECT jid, {', '.join(keys)} FROM whatsmeow_device").fetchone()  # noqa: S608
        return None if row is None else SessionDevice(_phone_of(str(row[0])), str(row[0]), _fingerprint(row[1:]))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Problem(ProblemCode.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        return None
    except (sqlite3.Error, OSError, UnicodeDecodeError, Problem):
        return None


def _fingerprint(keys: tuple[object, ...]) -> str:
    if not all(isinstance(key, bytes) and key for key in keys):
        return ""
    return hashlib.sha256(b"".join(key for key in keys if isinstance(key, bytes))).hexdigest()


def read_account(file: Path) -> PhoneNumber | None:
    """Whose session *file* holds; None when it holds no keys. Raises `Problem` when it cannot be used at all."""
    try:
        return _account_in(file)
    except OSError as error:
        raise Problem(code_of(error), path=str(file), why=error.strerror or str(error)) from error


def inspect_account(file: Path) -> PhoneNumber | None:
    """As `read_account`, and nothing is changed: no mode, and no journal that a killed host left."""
    try:
        return _account_in(file, changes=False)
    except OSError as error:
        raise Problem(code_of(error), path=str(file), why=error.strerror or str(error)) from error


def _account_in(file: Path, *, changes: bool = True) -> PhoneNumber | None:
    try:
        found = file.lstat()
    except FileNotFoundError:
        raise Problem(ProblemCode.SESSION_MISSING, path=str(file)) from None
    _require_plain(file, found.st_mode)
    require_owner(file)
    for name in _BESIDE:
        beside = file.with_name(file.name + name)
        if os.path.lexists(beside):  # the library would write through a link, too
            _require_plain(beside, beside.lstat().st_mode)
    if not os.access(file, os.R_OK | os.W_OK):
        raise Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path=str(file))
    if changes and os.name == "posix" and found.st_mode & 0o077:
        file.chmod(0o600)
    require_whole(file)
    try:
        jids = _devices(file, "ro")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Problem(ProblemCode.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        require_free_descriptors()  # else what cannot be opened would be called damaged
        if not changes and file.with_name(file.name + "-journal").exists():
            raise Problem(ProblemCode.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        jids = _devices_after_rollback(file, error)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # a broken file makes SQLite say broken texts
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    if len(jids) > 1:  # the library would take any one of them
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="it holds several sessions")
    return _phone_of(jids[0]) if jids else None


def _require_plain(file: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a link, which could lead anywhere" if stat.S_ISLNK(mode) else "not a file"
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=kind)


def require_whole(file: Path) -> None:
    """Raise `Problem(SESSION_CORRUPT)` for a file that is no database, or is shorter than it states: asking that costs
    nothing, and finds one that was cut off."""
    with os.fdopen(open_regular(file, os.O_RDONLY), "rb") as opened:
        header = opened.read(100)
    if not header:
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="empty")
    if len(header) < 100 or not header.startswith(_HEADER):
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="not a database")
    page_size = int.from_bytes(header[16:18], "big")
    stated = int.from_bytes(header[28:32], "big") * (65536 if page_size == 1 else page_size)
    # The stated size counts only when the version beside it matches (SQLite file format, 1.3.9); and with a journal
    # left by a crash, the database is put right when it is opened.
    valid = header[24:28] == header[92:96]
    if valid and file.stat().st_size < stated and not file.with_name(file.name + "-journal").exists():
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="cut off")


def _devices_after_rollback(file: Path, error: sqlite3.OperationalError) -> list[str]:
    """A host that was killed while it wrote left a journal; only a writer may roll it back."""
    if not file.with_name(file.name + "-journal").exists():
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    try:
        return _devices(file, "rw")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as again:
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=str(again)) from None


def _devices(file: Path, mode: str) -> list[str]:
    """Whose keys are in *file*; raises `Problem` when a page of it is damaged."""
    with closing(open_session(file, mode)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'whatsmeow_device'").fetchone():
            return []
        if file.stat().st_size <= CHECKED_UP_TO:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=str(found))
        return [str(jid) for (jid,) in database.execute("SELECT jid FROM whatsmeow_device LIMIT 2")]


def open_session(file: Path, mode: str) -> sqlite3.Connection:
    """Open a session, ``ro`` or ``rw``. A host that was killed leaves a journal that only a writer can roll back."""
    return sqlite3.connect(f"file:{quote(file.as_posix())}?mode={mode}", uri=True, timeout=1.0)


def _phone_of(jid: str) -> PhoneNumber:
    """The number in a JID such as ``5511987654321:12@s.whatsapp.net``."""
    number = "+" + jid.partition("@")[0].partition(":")[0].partition(".")[0]
    if not is_e164(number):
        raise Problem(ProblemCode.SESSION_CORRUPT, path="", why="its account is not a number")
    return PhoneNumber(number)


_SESSION_NAME: Final = re.compile(r"session-[0-9A-Za-z-]+\.db")
_SEGMENT: Final = re.compile(r"\d{20}-(session-[0-9A-Za-z-]+)\.spool")
_SIDECARS: Final = ("", "-journal", "-wal", "-shm")
_INSIDE: Final = (SPOOL, "snapshots", "quarantine")


class SessionDirectory:
    """What one mentorado's link keeps on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        with map_os_errors(self.path):
            self.path.mkdir(mode=0o700, exist_ok=True)
            require_folder(self.path)

    def lock(self, *, overrule: bool = False) -> FileLock:
        """Become its only owner, or raise `Problem`; other programs' owners are named.

        With *overrule*, a note of an owner that cannot be proven dead is not believed.
        """
        require_folder(self.path)
        for name in _INSIDE:
            require_no_link(self.path / name)
        with map_os_errors(self.path):
            try:
                return FileLock.take(self.path / "owner.lock", overrule=overrule)
            except LockHeld as held:
                raise _held(held) from None

    def overrule_host_lock(self) -> Owner | None:
        """Take back the note of a host that cannot be proven dead; the folder's own lock must be held.

        Returns whose it was. Raises `Problem(SESSION_IN_USE)` when a host holds the lock.
        """
        with map_os_errors(self.path):
            try:
                lock = FileLock.take(self.path / HOST_LOCK, overrule=True)
            except LockHeld as held:
                raise _held(held) from None
        lock.release()
        return lock.left_by

    def held_elsewhere(self) -> Owner | None:
        """The owner whose note alone keeps the folder closed, because nothing proves that it is dead."""
        for name in ("owner.lock", HOST_LOCK):
            owner = read_owner(self.path / name)
            if owner is not None and owner.state() in (OwnerState.UNKNOWN, OwnerState.SAME_SYSTEM):
                return owner
        return None

    def owners(self) -> list[Owner]:
        """Who the notes name: the program that had the folder open last, and its host."""
        notes = (read_owner(self.path / name) for name in ("owner.lock", HOST_LOCK))
        return [owner for owner in notes if owner is not None]

    def owner(self) -> Owner | None:
        """Who has the folder open, or died with it open."""
        return read_owner(self.path / "owner.lock")

    @property
    def current(self) -> Path | None:
        return self._pointed_to("current")

    @property
    def candidate(self) -> Path | None:
        """The file of a pairing that was neither adopted nor given up."""
        found = self._pointed_to("candidate")
        return None if found == self.current else found  # equal: adopted, and interrupted before the pointer went

    def session_to_open(self) -> tuple[Path, PhoneNumber | None]:
        """The current file and the account in it; None when WhatsApp took the keys back. Raises `Problem`."""
        current = self.current
        if current is None:
            raise Problem(ProblemCode.SESSION_MISSING, path=str(self.path))
        return current, read_account(current)

    def candidate_to_pair(self, now: datetime) -> tuple[Path, PhoneNumber | None]:
        """The file to pair into, and the account when it was paired already but nobody decided about it.

        A file that never got as far as an account holds nothing and is used again; a damaged one is set aside.
        """
        self._set_damaged_pointers_aside(now)
        candidate = self.candidate
        if candidate is not None:
            if not os.path.lexists(candidate):
                return candidate, None
            try:
                return candidate, read_account(candidate)
            except Problem as problem:
                if problem.code is not ProblemCode.SESSION_CORRUPT:
                    raise
                self.quarantine(candidate, f"a pairing that was never finished: {problem}", now)
                self._quarantine_messages(candidate, now)
        fresh = self._fresh_name(now)
        self._point("candidate", fresh)
        return fresh, None

    def adopt(self, now: datetime) -> None:
        """Let the candidate take over. Interrupted anywhere, it is either not done yet or done."""
        candidate = self.candidate
        if candidate is not None:
            self._point("current", candidate)
        current = self.current
        with contextlib.suppress(FileNotFoundError):
            (self.path / "candidate").unlink()
        for stray in self.path.glob("session-*.db"):
            if stray != current:
                self.quarantine(stray, f"replaced by a new pairing{_damage(stray)}", now)

    def put_back(self, whole: Path, now: datetime) -> None:
        """Let the new file *whole* of this folder take over from one that cannot be used any more. Repeatable."""
        if whole != self.current:
            named = self._fresh_name(now)
            with map_os_errors(self.path):
                whole.rename(named)
            self._point("current", named)
        in_use = (self.current, self.candidate)
        for stray in self.path.glob("session-*.db"):
            if stray not in in_use:
                self.quarantine(stray, f"replaced by a backup that was restored{_damage(stray)}", now)

    def reject(self, now: datetime, why: str) -> None:
        """Set the candidate aside."""
        candidate = self.candidate
        if candidate is not None and candidate.exists():
            self.quarantine(candidate, why, now)
        if candidate is not None:
            self._quarantine_messages(candidate, now)
        with contextlib.suppress(FileNotFoundError):
            (self.path / "candidate").unlink()

    def quarantine(self, file: Path, why: str, now: datetime) -> None:
        """Move *file* out of use, with a note. Nothing is deleted or overwritten."""
        with map_os_errors(self.path):
            place = self.path / "quarantine"
            place.mkdir(mode=0o700, exist_ok=True)
            name = file.name
            require_no_link(place)
            if os.path.lexists(place / name):
                name = f"{file.stem}-{secrets.token_hex(4)}{file.suffix}"
            note = {"file": file.name, "why": why, "at": now.isoformat()}
            write_atomic(place / f"{name}.json", json.dumps(note, ensure_ascii=False, indent=1).encode() + b"\n")
            for sidecar in _SIDECARS:
                with contextlib.suppress(FileNotFoundError):
                    file.with_name(file.name + sidecar).rename(place / (name + sidecar))

    def _set_damaged_pointers_aside(self, now: datetime) -> None:
        """A pointer that nobody can read must not keep a new pairing from taking over."""
        for pointer in ("current", "candidate"):
            try:
                self._pointed_to(pointer)
            except Problem as problem:
                if problem.code is not ProblemCode.SESSION_CORRUPT:
                    raise
                self.quarantine(self.path / pointer, f"damaged: {problem.context.get('why')}", now)

    def _quarantine_messages(self, session: Path, now: datetime) -> None:
        """What a session received that was nobody's here must not enter the history with the next one."""
        self.set_messages_aside(f"received by {session.name}, which was given up", now, f"*-{session.stem}.spool")

    def sessions_with_messages(self) -> frozenset[str]:
        """The names, without their ending, of the sessions that received what is not stored yet."""
        found = (_SEGMENT.fullmatch(each.name) for each in (self.path / SPOOL).glob("*.spool"))
        return frozenset(each[1] for each in found if each is not None)

    def knows(self, session: str) -> bool:
        """Whether *session*, a name without its ending, is or was one of this folder's."""
        kept = (self.path, self.path / "quarantine", self.path / "snapshots")
        return any(next(place.glob(f"{session}[.-]*"), None) is not None for place in kept)

    def set_messages_aside(self, why: str, now: datetime, pattern: str = "*.spool") -> None:
        """Quarantine what was received and is not stored, so that no host hands it on. Its lock must be held."""
        for segment in (self.path / SPOOL).glob(pattern):
            if segment.stat().st_size == 0:
                segment.unlink()
                continue
            self.quarantine(segment, why, now)

    def _pointed_to(self, pointer: str) -> Path | None:
        try:
            name = read_plain(self.path / pointer).strip()
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise Problem(ProblemCode.SESSION_DIR_NOT_A_FOLDER, path=str(self.path)) from None
        except PermissionError:
            raise Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE, path=str(self.path)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(ProblemCode.SESSION_CORRUPT, path=str(self.path / pointer), why=str(error)) from None
        if not _SESSION_NAME.fullmatch(name):
            raise Problem(ProblemCode.SESSION_CORRUPT, path=str(self.path / pointer), why="it names no session file")
        return self.path / name

    def _fresh_name(self, now: datetime) -> Path:
        return self.path / f"session-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.db"

    def _point(self, pointer: str, file: Path) -> None:
        with map_os_errors(self.path):
            write_atomic(self.path / pointer, f"{file.name}\n".encode())


def _held(held: LockHeld) -> Problem:
    if held.may_be_overruled and held.owner is not None:
        return Problem(ProblemCode.SESSION_HELD_ELSEWHERE, owner=str(held), holder=held.owner.label())
    return Problem(ProblemCode.SESSION_IN_USE, owner=str(held))


def _damage(session: Path) -> str:
    """What is wrong with a file that goes to quarantine, for its note."""
    try:
        read_account(session)
    except Problem as problem:
        return f"; {problem.code}: {problem.context.get('why', '')}".rstrip(": ")
    return ""


MINIMUM_FREE: Final = 16 << 20
"""Bytes that must be free before a session is opened: the library cannot say that a write failed."""

_MARK: Final = "about-this-folder.txt"
_ABOUT: Final = """\
These are the WhatsApp sessions of Conecta: keys that let a program write as somebody else.
Do not copy, edit or synchronise them. Two programs with the same session throw each other out.
"""


class SessionRepository:
    """All session folders, under one root."""

    def __init__(self, root: Path, *, chosen: bool, minimum_free: int = MINIMUM_FREE) -> None:
        self.root = root.absolute()
        self._chosen = chosen  # by a setting; else it is the default place, which may be made whole
        self._minimum_free = minimum_free

    def folder(self, mentorado_id: MentoradoId) -> SessionDirectory:
        """The folder of one mentorado, whether it exists or not."""
        if not is_id(mentorado_id):
            raise ValueError("not an id; it must never become a path")
        return SessionDirectory(self.root / mentorado_id)

    def check(self) -> None:
        """Raise `Problem` unless sessions can be opened here."""
        if not self.root.exists():
            raise Problem(ProblemCode.SESSION_DIR_MISSING, path=str(self.root))
        require_folder(self.root, may_be_linked=True)
        if shutil.disk_usage(self.root).free < self._minimum_free:
            raise Problem(ProblemCode.SESSION_DISK_FULL, path=str(self.root))

    def prepare(self, *, paired_before: bool) -> None:
        """Make the root for a first pairing. Somebody's chosen root that had sessions and is gone is not made again:
        its drive may be missing, and a new folder would hide that."""
        with map_os_errors(self.root):
            if not self.root.exists():
                if self._chosen and (paired_before or not self.root.parent.is_dir()):
                    raise Problem(ProblemCode.SESSION_DIR_MISSING, path=str(self.root))
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check()
            mark = self.root / _MARK
            if not mark.exists():
                write_atomic(mark, _ABOUT.encode())

    def folder_of_paired(self, mentorado_id: MentoradoId) -> SessionDirectory:
        """The folder of somebody who was paired; raises `Problem`, and says which when the root itself is not right."""
        self.check()
        folder = self.folder(mentorado_id)
        if not folder.path.exists():
            marked = (self.root / _MARK).exists()  # without the mark this is an empty mount point, or another folder
            raise Problem(
                ProblemCode.SESSION_MISSING if marked else ProblemCode.SESSION_DIR_MISSING, path=str(folder.path)
            )
        return folder
