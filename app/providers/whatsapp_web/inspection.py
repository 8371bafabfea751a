"""Looks into a session file before the library does: to the library, a lost file is a new session to pair."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber, is_e164
from app.providers.whatsapp_web.plain_files import code_of, open_plain, require_free_descriptors, require_own

_HEADER: Final = b"SQLite format 3\0"
_BESIDE: Final = ("-journal", "-wal", "-shm")
CHECKED_UP_TO: Final = 64 << 20
"""Bytes of a session that is looked through page by page: a millisecond each mebibyte, once the disk has read it."""


@dataclass(frozen=True, slots=True)
class Device:
    """One linked device of a WhatsApp account, as a session file describes it."""

    account: PhoneNumber
    jid: str  # "<number>:<device>@s.whatsapp.net"
    fingerprint: str  # of its private keys; empty where the file does not have them

    def is_same(self, other: Device) -> bool:
        """Whether WhatsApp would take both for one device, and end the connection of one when the other signs in."""
        return self.jid == other.jid or (self.fingerprint != "" and self.fingerprint == other.fingerprint)


def device_in(file: Path) -> Device | None:
    """The device in *file*, read without changing anything; None where there is none, or none that can be read.

    Raises `Problem(SESSION_IN_USE)` when another process keeps the file locked: then nothing is known about it.
    """
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return None
        with closing(_opened(file, "ro")) as database:
            columns = {str(name) for (_, name, *_) in database.execute("PRAGMA table_info(whatsmeow_device)")}
            keys = [name if name in columns else "NULL" for name in ("noise_key", "identity_key")]
            row = database.execute(f"SELECT jid, {', '.join(keys)} FROM whatsmeow_device").fetchone()  # noqa: S608
        return None if row is None else Device(_phone_of(str(row[0])), str(row[0]), _fingerprint(row[1:]))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Problem(Code.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        return None
    except (sqlite3.Error, OSError, UnicodeDecodeError, Problem):
        return None


def _fingerprint(keys: tuple[object, ...]) -> str:
    if not all(isinstance(key, bytes) and key for key in keys):
        return ""
    return hashlib.sha256(b"".join(key for key in keys if isinstance(key, bytes))).hexdigest()


def account_in(file: Path) -> PhoneNumber | None:
    """Whose session *file* holds; None when it holds no keys. Raises `Problem` when it cannot be used at all."""
    try:
        return _account_in(file)
    except OSError as error:
        raise Problem(code_of(error), path=str(file), why=error.strerror or str(error)) from error


def _account_in(file: Path) -> PhoneNumber | None:
    try:
        found = file.lstat()
    except FileNotFoundError:
        raise Problem(Code.SESSION_MISSING, path=str(file)) from None
    _require_plain(file, found.st_mode)
    require_own(file)
    for name in _BESIDE:
        beside = file.with_name(file.name + name)
        if os.path.lexists(beside):  # the library would write through a link, too
            _require_plain(beside, beside.lstat().st_mode)
    if not os.access(file, os.R_OK | os.W_OK):
        raise Problem(Code.SESSION_DIR_NOT_WRITABLE, path=str(file))
    if os.name == "posix" and found.st_mode & 0o077:
        file.chmod(0o600)
    _check_whole(file)
    try:
        jids = _devices(file, "ro")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Problem(Code.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        require_free_descriptors()  # else what cannot be opened would be called damaged
        jids = _devices_after_rollback(file, error)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # a broken file makes SQLite say broken texts
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    if len(jids) > 1:  # the library would take any one of them
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="it holds several sessions")
    return _phone_of(jids[0]) if jids else None


def _require_plain(file: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a link, which could lead anywhere" if stat.S_ISLNK(mode) else "not a file"
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=kind)


def _check_whole(file: Path) -> None:
    """Compare the size with the one the database states, which costs nothing and finds a file that was cut off."""
    with os.fdopen(open_plain(file, os.O_RDONLY), "rb") as opened:
        header = opened.read(100)
    if not header:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="empty")
    if len(header) < 100 or not header.startswith(_HEADER):
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="not a database")
    page_size = int.from_bytes(header[16:18], "big")
    stated = int.from_bytes(header[28:32], "big") * (65536 if page_size == 1 else page_size)
    # The stated size counts only when the version beside it matches (SQLite file format, 1.3.9); and with a journal
    # left by a crash, the database is put right when it is opened.
    valid = header[24:28] == header[92:96]
    if valid and file.stat().st_size < stated and not file.with_name(file.name + "-journal").exists():
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="cut off")


def _devices_after_rollback(file: Path, error: sqlite3.OperationalError) -> list[str]:
    """A host that was killed while it wrote left a journal; only a writer may roll it back."""
    if not file.with_name(file.name + "-journal").exists():
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    try:
        return _devices(file, "rw")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as again:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(again)) from None


def _devices(file: Path, mode: str) -> list[str]:
    """Whose keys are in *file*; raises `Problem` when a page of it is damaged."""
    with closing(_opened(file, mode)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'whatsmeow_device'").fetchone():
            return []
        if file.stat().st_size <= CHECKED_UP_TO:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(found))
        return [str(jid) for (jid,) in database.execute("SELECT jid FROM whatsmeow_device LIMIT 2")]


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(file.as_posix())}?mode={mode}", uri=True, timeout=1.0)


def _phone_of(jid: str) -> PhoneNumber:
    """The number in a JID such as ``5511987654321:12@s.whatsapp.net``."""
    number = "+" + jid.partition("@")[0].partition(":")[0].partition(".")[0]
    if not is_e164(number):
        raise Problem(Code.SESSION_CORRUPT, path="", why="its account is not a number")
    return PhoneNumber(number)
