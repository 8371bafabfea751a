"""The keys in use, copied for a backup, and put back from one where that does no harm. Everything here blocks.

Keys that are put back are as old as the backup. If the device went on after it was taken, the other side has moved on
too, and older keys cannot read what comes: they are worse than none. So they come back only when nobody can have used
the device since, and when there is nothing better in their place.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Problem, ProblemCode
from app.domain.phone import PhoneNumber
from app.platform.files import DISK_FULL, replacing, sync, write_private
from app.providers.whatsapp_web.session_repository import SessionDirectory, open_session, read_account

log = logging.getLogger(__name__)

KEPT: Final = 5
KEPT_DAYS: Final = 14
"""The latest five are kept, and the latest of its day and of each of the fourteen days before that have one."""

EVERY: Final = timedelta(days=1)

_NAME: Final = re.compile(r"(session-[0-9A-Za-z-]+)\.(\d{8}T\d{6})(?:-(\d{1,9}))?\.db")
"""The number came later than the rest: a copy without one is older than those that have one."""

_STAMP: Final = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """One copy; *account* is None when it cannot be read any more."""

    at: datetime
    path: Path
    size: int
    account: PhoneNumber | None


_ONE_AT_A_TIME: Final[defaultdict[Path, threading.Lock]] = defaultdict(threading.Lock)


class UnusableSnapshot(Exception):
    """A copy that would not help anybody."""


class Snapshots:
    """The copies of one mentorado's sessions."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "snapshots"

    def latest(self) -> datetime | None:
        """When the last copy was taken, as the clock said."""
        last = max(self._found(), default=None)
        return None if last is None else last.at

    def infos(self) -> Sequence[SnapshotInfo]:
        """The latest first."""
        return [
            SnapshotInfo(at=each.at, path=each.path, size=each.path.stat().st_size, account=_account(each.path))
            for each in sorted(self._found(), reverse=True)
        ]

    def take(self, file: Path, now: datetime) -> Path | None:
        """Copy *file* unless it is as it was when it was copied last; returns the copy, if one was taken.

        A link works without its copy, so a failure is for the log and nothing is raised.
        """
        try:
            with _ONE_AT_A_TIME[self.place]:  # the daily copy may be due while a pairing's is taken
                changed = file.stat().st_mtime_ns
                if any(each.session == file.stem and each.path.stat().st_mtime_ns == changed for each in self._found()):
                    return None
                taken = self._take(file, now)
                os.utime(taken, ns=(changed, changed))
                self._forget()
        except (OSError, sqlite3.Error, Problem, UnusableSnapshot) as error:
            log.warning("No snapshot of %s was taken: %s", file.name, error)
            return None
        return taken

    def _take(self, file: Path, now: datetime) -> Path:
        self.place.mkdir(mode=0o700, exist_ok=True)
        for left in self.place.glob(".*.part"):  # by a program that was killed
            left.unlink()
        number = max((each.number for each in self._found()), default=0) + 1
        final = self.place / f"{file.stem}.{now.astimezone(UTC):{_STAMP}}-{number}.db"
        with replacing(final) as part:
            copy_database(file, part)
        return final

    def _forget(self) -> None:
        """By their order and the days they are of, never by how long ago that was."""
        found = sorted(self._found(), reverse=True)
        of_its_day: dict[date, _Copy] = {}
        for each in found:
            of_its_day.setdefault(each.at.date(), each)
        kept = {each.path for each in (*found[:KEPT], *list(of_its_day.values())[: 1 + KEPT_DAYS])}
        for each in found:
            if each.path not in kept:
                each.path.unlink()

    def _found(self) -> Iterator[_Copy]:
        for path in self.place.glob("session-*.db"):
            if (named := _NAME.fullmatch(path.name)) is None:
                continue
            with suppress(ValueError):  # no day that there is
                at = datetime.strptime(named[2], _STAMP).replace(tzinfo=UTC)
                yield _Copy(int(named[3] or 0), at, path, named[1])


@dataclass(frozen=True, slots=True, order=True)
class _Copy:
    """One copy, by its name; in the order in which they were taken."""

    number: int
    at: datetime
    path: Path
    session: str


def copy_database(file: Path, to: Path) -> None:
    """Copy a session to the new file *to*, while it may be written, and have the copy on the disk.

    Raises `UnusableSnapshot` when it would help nobody, and whatever the disk or SQLite says.
    """
    write_private(to, b"")
    with closing(open_session(file, "rw")) as source, closing(open_session(to, "rw")) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # one `fsync` at the end instead
        source.backup(copy)
    _verify(to)
    sync(to)


def _verify(file: Path) -> None:
    with closing(open_session(file, "ro")) as copy:
        (result,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        (devices,) = copy.execute("SELECT count(*) FROM whatsmeow_device").fetchone()
    if result != "ok" or devices != 1:
        raise UnusableSnapshot(f"the copy says {result}, and holds {devices} devices")


def _account(file: Path) -> PhoneNumber | None:
    with suppress(Problem):
        return read_account(file)
    return None


_TABLES: Final = re.compile(r"whatsmeow_\w+|sqlite_\w+")
_LOOKED_THROUGH_WITHIN: Final = 30.0  # seconds
_LONGEST_VALUE: Final = 16 << 20


def copy_session(folder: SessionDirectory, to: Path) -> PhoneNumber | None:
    """Copy the keys in use to the new file *to*, also while they are in use; None when there are none."""
    current = folder.current
    account = None if current is None else read_account(current)
    if current is None or account is None:
        return None
    with _problems(current):
        copy_database(current, to)
    return account


def restore_session(
    folder: SessionDirectory, file: Path, taken_at: datetime, now: datetime, *, used_since: bool, only_ask: bool = False
) -> None:
    """Let the keys in *file* take over. Once they are in use, asking again changes nothing.

    Raises `Problem(SESSION_USED_SINCE)` unless it is certain that this does no harm.
    """
    if _account_in_stranger(file) is None:
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="it holds no keys")
    current = folder.current
    if current is not None and _same_keys(current, file):
        if not only_ask:
            folder.put_back(current, now)
        return
    if used_since or not _lost_unused(current, taken_at) or _was_copied_since(folder, taken_at):
        raise Problem(ProblemCode.SESSION_USED_SINCE, at=f"{taken_at:%Y-%m-%d %H:%M} UTC")
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
        read_account(current)
    except Problem as problem:
        changed = datetime.fromtimestamp(current.stat().st_mtime, UTC)
        return problem.code is ProblemCode.SESSION_CORRUPT and changed <= taken_at
    return False  # it works, or WhatsApp took its keys back: then those in the backup are dead as well


def _was_copied_since(folder: SessionDirectory, taken_at: datetime) -> bool:
    """Whether there is a snapshot that is newer: one is taken of every file that changed."""
    latest = Snapshots(folder.path).latest()
    return latest is not None and latest > taken_at


def _account_in_stranger(file: Path) -> PhoneNumber | None:
    """Whose keys are in a file from outside, once it is known to be plain tables that can be read in a while."""
    with _problems(file), closing(_guarded(file)) as database:
        for kind, name in database.execute("SELECT type, tbl_name FROM sqlite_master"):
            if kind not in ("table", "index") or not _TABLES.fullmatch(str(name)):
                raise Problem(
                    ProblemCode.SESSION_CORRUPT, path=str(file), why="it holds other things than a session does"
                )
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="a page of it is damaged")
    return read_account(file)


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
    except UnusableSnapshot as unusable:
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why=str(unusable)) from None
    except UnicodeDecodeError:  # Python reads what SQLite says of a broken file as a text
        raise Problem(ProblemCode.SESSION_CORRUPT, path=str(file), why="broken texts") from None
    except sqlite3.Error as error:
        code = _CODES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ProblemCode.SESSION_CORRUPT)
        raise Problem(code, path=str(file), why=str(error), owner="an unknown process") from error
    except OSError as error:
        code = ProblemCode.SESSION_DISK_FULL if error.errno in DISK_FULL else ProblemCode.SESSION_DIR_NOT_WRITABLE
        raise Problem(code, path=str(error.filename or file), why=error.strerror or "") from error


_CODES: Final = {
    sqlite3.SQLITE_FULL: ProblemCode.SESSION_DISK_FULL,
    sqlite3.SQLITE_BUSY: ProblemCode.SESSION_IN_USE,
    sqlite3.SQLITE_LOCKED: ProblemCode.SESSION_IN_USE,
}
