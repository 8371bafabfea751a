"""Looks into a session file before the library does: to the library, a lost file is a new session to pair."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber, is_e164

_HEADER: Final = b"SQLite format 3\0"


def account_in(file: Path) -> PhoneNumber | None:
    """Whose session *file* holds; None when it holds no keys. Raises `Problem` when it cannot be used at all."""
    try:
        return _account_in(file)
    except OSError as error:
        raise Problem(Code.SESSION_DIR_NOT_WRITABLE, path=str(file), why=error.strerror or str(error)) from error


def _account_in(file: Path) -> PhoneNumber | None:
    if not file.exists():
        raise Problem(Code.SESSION_MISSING, path=str(file))
    if not file.is_file():
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="not a file")
    if not os.access(file, os.R_OK | os.W_OK):
        raise Problem(Code.SESSION_DIR_NOT_WRITABLE, path=str(file))
    if os.name == "posix" and file.stat().st_mode & 0o077:
        file.chmod(0o600)
    _check_whole(file)
    try:
        jid = _device(file, "ro")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Problem(Code.SESSION_IN_USE, path=str(file), owner="an unknown process") from None
        jid = _device_after_rollback(file, error)
    except sqlite3.DatabaseError as error:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    return _phone_of(jid) if jid else None


def _check_whole(file: Path) -> None:
    """Compare the size with the one the database states, which costs nothing and finds a file that was cut off."""
    with file.open("rb") as opened:
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


def _device_after_rollback(file: Path, error: sqlite3.OperationalError) -> str:
    """A host that was killed while it wrote left a journal; only a writer may roll it back."""
    if not file.with_name(file.name + "-journal").exists():
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(error)) from None
    try:
        return _device(file, "rw")
    except sqlite3.DatabaseError as again:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(again)) from None


def _device(file: Path, mode: str) -> str:
    with closing(sqlite3.connect(f"file:{quote(file.as_posix())}?mode={mode}", uri=True, timeout=1.0)) as database:
        table = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'whatsmeow_device'").fetchone()
        row = database.execute("SELECT jid FROM whatsmeow_device LIMIT 1").fetchone() if table else None
    return str(row[0]) if row else ""


def _phone_of(jid: str) -> PhoneNumber:
    """The number in a JID such as ``5511987654321:12@s.whatsapp.net``."""
    number = "+" + jid.partition("@")[0].partition(":")[0].partition(".")[0]
    if not is_e164(number):
        raise Problem(Code.SESSION_CORRUPT, path="", why="its account is not a number")
    return PhoneNumber(number)
