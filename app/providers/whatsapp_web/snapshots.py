"""Copies of session files, because WhatsApp can take the keys back and the library then deletes them itself.

A copy that is put back rewinds the keys' ratchets, so it is the last resort. It lies in `<mentorado>/snapshots/`,
carries the name of its session, the time it was taken and a number that grows, and is not changed any more. Which is
the latest is known by that number: the time is what the clock said. Everything here blocks.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Problem
from app.domain.phone import PhoneNumber
from app.providers.whatsapp_web.inspection import account_in

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


class Unusable(Exception):
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
        except (OSError, sqlite3.Error, Problem, Unusable) as error:
            log.warning("No snapshot of %s was taken: %s", file.name, error)
            return None
        return taken

    def _take(self, file: Path, now: datetime) -> Path:
        self.place.mkdir(mode=0o700, exist_ok=True)
        for left in self.place.glob(".*.part"):  # by a program that was killed
            left.unlink()
        number = max((each.number for each in self._found()), default=0) + 1
        final = self.place / f"{file.stem}.{now.astimezone(UTC):{_STAMP}}-{number}.db"
        part = self.place / f".{final.name}.part"
        try:
            copy_database(file, part)
            part.replace(final)
            _sync(self.place)
        finally:
            part.unlink(missing_ok=True)
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

    Raises `Unusable` when it would help nobody, and whatever the disk or SQLite says.
    """
    os.close(os.open(to, os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_open(file, "rw")) as source, closing(_open(to, "rw")) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # one `fsync` at the end instead
        source.backup(copy)
    _verify(to)
    _sync(to)


def _open(file: Path, mode: str) -> sqlite3.Connection:
    # Not read-only even for the source: a host that was killed leaves a journal that only a writer can roll back.
    return sqlite3.connect(f"file:{quote(file.as_posix())}?mode={mode}", uri=True, timeout=1.0)


def _verify(file: Path) -> None:
    with closing(_open(file, "ro")) as copy:
        (said,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        (devices,) = copy.execute("SELECT count(*) FROM whatsmeow_device").fetchone()
    if said != "ok" or devices != 1:
        raise Unusable(f"the copy says {said}, and holds {devices} devices")


def _account(file: Path) -> PhoneNumber | None:
    with suppress(Problem):
        return account_in(file)
    return None


def _sync(path: Path) -> None:
    if os.name == "posix" or path.is_file():
        descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
