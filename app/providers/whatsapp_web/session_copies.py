"""The keys in use, copied for a backup, and put back from one where that does no harm. Everything here blocks.

Keys that are put back are as old as the backup. If the device went on after it was taken, the other side has moved on
too, and older keys cannot read what comes: they are worse than none. So they come back only when nobody can have used
the device since, and when there is nothing better in their place.
"""

from __future__ import annotations

import errno
import hashlib
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Code, Problem
from app.domain.phone import PhoneNumber
from app.providers.whatsapp_web.inspection import account_in
from app.providers.whatsapp_web.session_folder import SessionFolder
from app.providers.whatsapp_web.snapshots import Snapshots, Unusable, copy_database

_TABLES: Final = re.compile(r"whatsmeow_\w+|sqlite_\w+")
_LOOKED_THROUGH_WITHIN: Final = 30.0  # seconds
_LONGEST_VALUE: Final = 16 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def copy_session(folder: SessionFolder, to: Path) -> PhoneNumber | None:
    """Copy the keys in use to the new file *to*, also while they are in use; None when there are none."""
    current = folder.current
    account = None if current is None else account_in(current)
    if current is None or account is None:
        return None
    with _problems(current):
        copy_database(current, to)
    return account


def restore_session(
    folder: SessionFolder, file: Path, taken_at: datetime, now: datetime, *, used_since: bool, only_ask: bool = False
) -> None:
    """Let the keys in *file* take over. Once they are in use, asking again changes nothing.

    Raises `Problem(SESSION_USED_SINCE)` unless it is certain that this does no harm.
    """
    if _account_in_stranger(file) is None:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="it holds no keys")
    current = folder.current
    if current is not None and _same_keys(current, file):
        if not only_ask:
            folder.put_back(current, now)
        return
    if used_since or not _lost_unused(current, taken_at) or _was_copied_since(folder, taken_at):
        raise Problem(Code.SESSION_USED_SINCE, at=f"{taken_at:%Y-%m-%d %H:%M} UTC")
    if only_ask:
        return
    whole = folder.path / ".restored.part"
    whole.unlink(missing_ok=True)  # of a program that was killed
    with _problems(file):
        copy_database(file, whole)
    folder.put_back(whole, now)


def _lost_unused(current: Path | None, taken_at: datetime) -> bool:
    """Whether the file in use is gone, or damaged without ever having been written to after *taken_at*."""
    if current is None or not current.exists():
        return True
    try:
        account_in(current)
    except Problem as problem:
        changed = datetime.fromtimestamp(current.stat().st_mtime, UTC)
        return problem.code is Code.SESSION_CORRUPT and changed <= taken_at
    return False  # it works, or WhatsApp took its keys back: then those in the backup are dead as well


def _was_copied_since(folder: SessionFolder, taken_at: datetime) -> bool:
    """Whether there is a snapshot that is newer: one is taken of every file that changed."""
    latest = Snapshots(folder.path).latest()
    return latest is not None and latest > taken_at


def _account_in_stranger(file: Path) -> PhoneNumber | None:
    """Whose keys are in a file from outside, once it is known to be plain tables that can be read in a while."""
    with _problems(file), closing(_guarded(file)) as database:
        for kind, name in database.execute("SELECT type, tbl_name FROM sqlite_master"):
            if kind not in ("table", "index") or not _TABLES.fullmatch(str(name)):
                raise Problem(Code.SESSION_CORRUPT, path=str(file), why="it holds other things than a session does")
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise Problem(Code.SESSION_CORRUPT, path=str(file), why="a page of it is damaged")
    return account_in(file)


def _same_keys(one: Path, other: Path) -> bool:
    try:
        return _content(one) == _content(other)
    except (sqlite3.Error, OSError, UnicodeError):
        return False


def _content(file: Path) -> str:
    """The same for two files with the same rows, however their pages lie."""
    sum_ = hashlib.sha256()
    with closing(_guarded(file)) as database:
        for line in database.iterdump():
            sum_.update(line.encode("utf-8", "surrogatepass"))
    return sum_.hexdigest()


def _guarded(file: Path) -> sqlite3.Connection:
    """To read a file that may have been made to keep its reader busy."""
    database = sqlite3.connect(f"file:{quote(file.as_posix())}?mode=ro", uri=True, timeout=1.0)
    database.execute("PRAGMA trusted_schema = OFF")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    until = time.monotonic() + _LOOKED_THROUGH_WITHIN
    database.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    return database


@contextmanager
def _problems(file: Path) -> Iterator[None]:
    """What SQLite and the disk say about a session, as a `Problem`."""
    try:
        yield
    except Unusable as unusable:
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why=str(unusable)) from None
    except UnicodeDecodeError:  # Python reads what SQLite says of a broken file as a text
        raise Problem(Code.SESSION_CORRUPT, path=str(file), why="broken texts") from None
    except sqlite3.Error as error:
        code = _CODES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, Code.SESSION_CORRUPT)
        raise Problem(code, path=str(file), why=str(error), owner="an unknown process") from error
    except OSError as error:
        code = Code.SESSION_DISK_FULL if error.errno in _FULL else Code.SESSION_DIR_NOT_WRITABLE
        raise Problem(code, path=str(error.filename or file), why=error.strerror or "") from error


_CODES: Final = {
    sqlite3.SQLITE_FULL: Code.SESSION_DISK_FULL,
    sqlite3.SQLITE_BUSY: Code.SESSION_IN_USE,
    sqlite3.SQLITE_LOCKED: Code.SESSION_IN_USE,
}
