"""One mentorado's session folder: which file is in use, which is a candidate, and how one follows the other.

Everything here blocks, briefly: call it from a worker thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber
from app.file_lock import FileLock, LockHeld, Owner, OwnerState, read_owner
from app.providers.whatsapp_web.inspection import account_in
from app.providers.whatsapp_web.plain_files import (
    problems_with,
    read_plain,
    require_folder,
    require_no_link,
    write_whole,
)
from app.providers.whatsapp_web.protocol import HOST_LOCK, SPOOL

_SESSION_NAME: Final = re.compile(r"session-[0-9A-Za-z-]+\.db")
_SEGMENT: Final = re.compile(r"\d{20}-(session-[0-9A-Za-z-]+)\.spool")
_SIDECARS: Final = ("", "-journal", "-wal", "-shm")
_INSIDE: Final = (SPOOL, "snapshots", "quarantine")


class SessionFolder:
    """What one mentorado's link keeps on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        with problems_with(self.path):
            self.path.mkdir(mode=0o700, exist_ok=True)
            require_folder(self.path)

    def lock(self, *, overrule: bool = False) -> FileLock:
        """Become its only owner, or raise `Problem`; other programs' owners are named.

        With *overrule*, a note of an owner that cannot be proven dead is not believed.
        """
        require_folder(self.path)
        for name in _INSIDE:
            require_no_link(self.path / name)
        with problems_with(self.path):
            try:
                return FileLock.take(self.path / "owner.lock", overrule=overrule)
            except LockHeld as held:
                raise _held(held) from None

    def overrule_host_lock(self) -> Owner | None:
        """Take back the note of a host that cannot be proven dead; the folder's own lock must be held.

        Returns whose it was. Raises `Problem(SESSION_IN_USE)` when a host holds the lock.
        """
        with problems_with(self.path):
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
            with problems_with(self.path):
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
        with problems_with(self.path):
            place = self.path / "quarantine"
            place.mkdir(mode=0o700, exist_ok=True)
            name = file.name
            require_no_link(place)
            if os.path.lexists(place / name):
                name = f"{file.stem}-{secrets.token_hex(4)}{file.suffix}"
            note = {"file": file.name, "why": why, "at": now.isoformat()}
            write_whole(place / f"{name}.json", json.dumps(note, ensure_ascii=False, indent=1) + "\n")
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
        with problems_with(self.path):
            write_whole(self.path / pointer, file.name + "\n")


def _held(held: LockHeld) -> Problem:
    if held.may_be_overruled and held.owner is not None:
        return Problem(Code.SESSION_HELD_ELSEWHERE, owner=str(held), holder=held.owner.label())
    return Problem(Code.SESSION_IN_USE, owner=str(held))


def _damage(session: Path) -> str:
    """What is wrong with a file that goes to quarantine, for its note."""
    try:
        account_in(session)
    except Problem as problem:
        return f"; {problem.code}: {problem.context.get('why', '')}".rstrip(": ")
    return ""
