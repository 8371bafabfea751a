"""Copies of session files, because WhatsApp can take the keys back and the library then deletes them itself.

A copy that is put back rewinds the keys' ratchets, so it is the last resort. It lies in `<mentorado>/snapshots/`,
carries the name of its session and the time it was taken, and is not changed any more. Everything here blocks.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.errors import Problem
from app.domain.phone import PhoneNumber
from app.providers.whatsapp_web.inspection import account_in

log = logging.getLogger(__name__)

KEPT: Final = 5
KEPT_DAYS: Final = 14
"""The latest five are kept, and the latest of each of the last fourteen days."""

EVERY: Final = timedelta(days=1)

_NAME: Final = re.compile(r"(session-[0-9A-Za-z-]+)\.(\d{8}T\d{6})\.db")
_STAMP: Final = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """One copy; *account* is None when it cannot be read any more."""

    at: datetime
    path: Path
    size: int
    account: PhoneNumber | None


class Unusable(Exception):
    """A copy that would not help anybody."""


class Snapshots:
    """The copies of one mentorado's sessions."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "snapshots"

    def latest(self) -> datetime | None:
        """When the last copy was taken."""
        return max((at for at, _, _ in self._found()), default=None)

    def infos(self) -> Sequence[SnapshotInfo]:
        """The latest first."""
        return [
            SnapshotInfo(at=at, path=path, size=path.stat().st_size, account=_account(path))
            for at, path, _ in sorted(self._found(), reverse=True)
        ]

    def take(self, file: Path, now: datetime) -> Path | None:
        """Copy *file* unless it is as it was when it was copied last; returns the copy, if one was taken.

        A link works without its copy, so a failure is for the log and nothing is raised.
        """
        try:
            changed = file.stat().st_mtime_ns
            if any(session == file.stem and path.stat().st_mtime_ns == changed for _, path, session in self._found()):
                return None
            taken = self._take(file, now)
            os.utime(taken, ns=(changed, changed))
            self._forget(now)
        except (OSError, sqlite3.Error, Problem, Unusable) as error:
            log.warning("No snapshot of %s was taken: %s", file.name, error)
            return None
        return taken

    def _take(self, file: Path, now: datetime) -> Path:
        self.place.mkdir(mode=0o700, exist_ok=True)
        for left in self.place.glob(".*.part"):  # by a program that was killed
            left.unlink()
        final = self.place / f"{file.stem}.{now.astimezone(UTC):{_STAMP}}.db"
        part = self.place / f".{final.name}.part"
        try:
            copy_database(file, part)
            part.replace(final)
            _sync(self.place)
        finally:
            part.unlink(missing_ok=True)
        return final

    def _forget(self, now: datetime) -> None:
        found = sorted(self._found(), reverse=True)
        since = now - timedelta(days=KEPT_DAYS)
        of_its_day = {at.date(): path for at, path, _ in reversed(found) if at >= since}
        kept = {path for _, path, _ in found[:KEPT]} | set(of_its_day.values())
        for _, path, _ in found:
            if path not in kept:
                path.unlink()

    def _found(self) -> Iterator[tuple[datetime, Path, str]]:
        for path in self.place.glob("session-*.db"):
            if (named := _NAME.fullmatch(path.name)) is not None:
                yield datetime.strptime(named[2], _STAMP).replace(tzinfo=UTC), path, named[1]


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
