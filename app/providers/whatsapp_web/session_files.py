"""The session folders: one a mentorado, one current file in it, and nothing ever deleted.

    BAILEYS_SESSION_DIR/
      about-this-folder.txt     proves that the folder is the one sessions were kept in
      <mentorado id>/           0700
        owner.lock  host.lock   who has it open (`file_lock`)
        current                 the name of the file in use, swapped in one step
        candidate               the name of the file of a pairing that nobody accepted yet
        session-….db            0600, one WhatsApp session each
        spool/                  what arrived and is not stored yet (`host/spool.py`)
      snapshots/              copies of the sessions (`snapshots.py`)
      quarantine/             what was replaced or given up, each with a note of why

Everything here blocks, briefly: call it from a worker thread.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId, is_id
from app.domain.phone import PhoneNumber
from app.providers.whatsapp_web.file_lock import FileLock, LockHeld, Owner, read_owner
from app.providers.whatsapp_web.inspection import account_in
from app.providers.whatsapp_web.plain_files import read_plain, require_own
from app.providers.whatsapp_web.protocol import SPOOL

MINIMUM_FREE: Final = 16 << 20
"""Bytes that must be free before a session is opened: the library cannot say that a write failed."""

_SESSION_NAME: Final = re.compile(r"session-[0-9A-Za-z-]+\.db")
_SIDECARS: Final = ("", "-journal", "-wal", "-shm")
_MARK: Final = "about-this-folder.txt"
_ABOUT: Final = """\
These are the WhatsApp sessions of Conecta: keys that let a program write as somebody else.
Do not copy, edit or synchronise them. Two programs with the same session throw each other out.
"""


class SessionFiles:
    """All session folders, under one root."""

    def __init__(self, root: Path, *, chosen: bool, minimum_free: int = MINIMUM_FREE) -> None:
        self.root = root.absolute()
        self._chosen = chosen  # by a setting; else it is the default place, which may be made whole
        self._minimum_free = minimum_free

    def folder(self, mentorado_id: MentoradoId) -> SessionFolder:
        """The folder of one mentorado, whether it exists or not."""
        if not is_id(mentorado_id):
            raise ValueError("not an id; it must never become a path")
        return SessionFolder(self.root / mentorado_id)

    def check(self) -> None:
        """Raise `Problem` unless sessions can be opened here."""
        if not self.root.exists():
            raise Problem(Code.SESSION_DIR_MISSING, path=str(self.root))
        _require_folder(self.root, may_be_linked=True)
        if shutil.disk_usage(self.root).free < self._minimum_free:
            raise Problem(Code.SESSION_DISK_FULL, path=str(self.root))

    def prepare(self, *, paired_before: bool) -> None:
        """Make the root for a first pairing. Somebody's chosen root that had sessions and is gone is not made again:
        its drive may be missing, and a new folder would hide that."""
        with _problems_with(self.root):
            if not self.root.exists():
                if self._chosen and (paired_before or not self.root.parent.is_dir()):
                    raise Problem(Code.SESSION_DIR_MISSING, path=str(self.root))
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check()
            mark = self.root / _MARK
            if not mark.exists():
                _write_whole(mark, _ABOUT)

    def folder_of_paired(self, mentorado_id: MentoradoId) -> SessionFolder:
        """The folder of somebody who was paired; raises `Problem`, and says which when the root itself is not right."""
        self.check()
        folder = self.folder(mentorado_id)
        if not folder.path.exists():
            marked = (self.root / _MARK).exists()  # without the mark this is an empty mount point, or another folder
            raise Problem(Code.SESSION_MISSING if marked else Code.SESSION_DIR_MISSING, path=str(folder.path))
        return folder


class SessionFolder:
    """What one mentorado's link keeps on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        with _problems_with(self.path):
            self.path.mkdir(mode=0o700, exist_ok=True)
            _require_folder(self.path)

    def lock(self) -> FileLock:
        """Become its only owner, or raise `Problem`; other programs' owners are named."""
        _require_folder(self.path)
        for name in _INSIDE:
            _require_no_link(self.path / name)
        with _problems_with(self.path):
            try:
                return FileLock.take(self.path / "owner.lock")
            except LockHeld as held:
                raise Problem(Code.SESSION_IN_USE, owner=str(held)) from None

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
            raise Problem(Code.SESSION_MISSING, path=str(self.path))
        return current, account_in(current)

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
                return candidate, account_in(candidate)
            except Problem as problem:
                if problem.code is not Code.SESSION_CORRUPT:
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
            with _problems_with(self.path):
                whole.rename(named)
            self._point("current", named)
        in_use = (self.current, self.candidate)
        for stray in self.path.glob("session-*.db"):
            if stray not in in_use:
                self.quarantine(stray, f"replaced by a backup that was restored{_damage(stray)}", now)

    def give_up(self, now: datetime, why: str) -> None:
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
        with _problems_with(self.path):
            place = self.path / "quarantine"
            place.mkdir(mode=0o700, exist_ok=True)
            name = file.name
            _require_no_link(place)
            if os.path.lexists(place / name):
                name = f"{file.stem}-{secrets.token_hex(4)}{file.suffix}"
            note = {"file": file.name, "why": why, "at": now.isoformat()}
            _write_whole(place / f"{name}.json", json.dumps(note, ensure_ascii=False, indent=1) + "\n")
            for sidecar in _SIDECARS:
                with contextlib.suppress(FileNotFoundError):
                    file.with_name(file.name + sidecar).rename(place / (name + sidecar))

    def _set_damaged_pointers_aside(self, now: datetime) -> None:
        """A pointer that nobody can read must not keep a new pairing from taking over."""
        for pointer in ("current", "candidate"):
            try:
                self._pointed_to(pointer)
            except Problem as problem:
                if problem.code is not Code.SESSION_CORRUPT:
                    raise
                self.quarantine(self.path / pointer, f"damaged: {problem.context.get('why')}", now)

    def _quarantine_messages(self, session: Path, now: datetime) -> None:
        """What a session received that was nobody's here must not enter the history with the next one."""
        for segment in (self.path / SPOOL).glob(f"*-{session.stem}.spool"):
            if segment.stat().st_size == 0:
                segment.unlink()
                continue
            self.quarantine(segment, f"received by {session.name}, which was given up", now)

    def _pointed_to(self, pointer: str) -> Path | None:
        try:
            name = read_plain(self.path / pointer).strip()
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise Problem(Code.SESSION_DIR_NOT_A_FOLDER, path=str(self.path)) from None
        except PermissionError:
            raise Problem(Code.SESSION_DIR_NOT_WRITABLE, path=str(self.path)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(Code.SESSION_CORRUPT, path=str(self.path / pointer), why=str(error)) from None
        if not _SESSION_NAME.fullmatch(name):
            raise Problem(Code.SESSION_CORRUPT, path=str(self.path / pointer), why="it names no session file")
        return self.path / name

    def _fresh_name(self, now: datetime) -> Path:
        return self.path / f"session-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.db"

    def _point(self, pointer: str, file: Path) -> None:
        with _problems_with(self.path):
            _write_whole(self.path / pointer, file.name + "\n")


_INSIDE: Final = (SPOOL, "snapshots", "quarantine")


def _damage(session: Path) -> str:
    """What is wrong with a file that goes to quarantine, for its note."""
    try:
        account_in(session)
    except Problem as problem:
        return f"; {problem.code}: {problem.context.get('why', '')}".rstrip(": ")
    return ""


def _require_folder(path: Path, *, may_be_linked: bool = False) -> None:
    """Raise `Problem` unless *path* is a folder of ours that we can write in, and keep others out of it.

    Only the root may be a link, because a person chose it; one further down could lead out of it.
    """
    if not os.path.lexists(path):
        raise Problem(Code.SESSION_MISSING, path=str(path))
    if not may_be_linked:
        _require_no_link(path)
    if not path.is_dir():
        raise Problem(Code.SESSION_DIR_NOT_A_FOLDER, path=str(path))
    require_own(path.resolve() if may_be_linked else path)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise Problem(Code.SESSION_DIR_NOT_WRITABLE, path=str(path))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        with _problems_with(path):
            path.chmod(0o700)


def _require_no_link(path: Path) -> None:
    if path.is_symlink():
        raise Problem(Code.SESSION_DIR_NOT_A_FOLDER, path=str(path))


def _write_whole(path: Path, text: str) -> None:
    """Write *path* so that a crash leaves the old text or the new one, on the disk."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _problems_with(path: Path) -> Iterator[None]:
    """What the file system refuses, as a `Problem`."""
    try:
        yield
    except OSError as error:
        raise Problem(_CODES.get(error.errno or 0, Code.SESSION_DIR_NOT_WRITABLE), path=str(path)) from error


_CODES: Final = {
    errno.ENOSPC: Code.SESSION_DISK_FULL,
    errno.EDQUOT: Code.SESSION_DISK_FULL,
    errno.ENOTDIR: Code.SESSION_DIR_NOT_A_FOLDER,
    errno.EEXIST: Code.SESSION_DIR_NOT_A_FOLDER,
}
