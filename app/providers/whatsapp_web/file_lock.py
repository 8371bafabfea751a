"""One owner for a file or folder: a lock the system frees when its holder dies, and a note that names them."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.providers.whatsapp_web.plain_files import open_plain, read_plain

_FAR = 1 << 30  # Windows locks are mandatory: lock a byte beyond the note, so that others can still read it


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a lock, or held it last without giving it back."""

    pid: int
    host: str
    machine: str
    started: str  # when the process started: a pid alone is used again

    @classmethod
    def this_process(cls) -> Owner:
        return cls(pid=os.getpid(), host=platform.node(), machine=_machine(), started=_started())

    def lives(self) -> bool:
        """Whether the process is still there, as far as this computer can tell: it says yes when in doubt.

        A pid is used again, so a process that started at another time is not the one.
        """
        if self.machine != _machine() or sys.platform == "win32":
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        started = _started_of(self.pid)
        return started is None or abs((started - _moment(self.started, started)).total_seconds()) <= _SAME_START

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, started {self.started}"


class LockHeld(Exception):
    """Somebody else has it; *owner* as far as the note says."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__(str(owner) if owner else "an unknown process")
        self.owner = owner


class FileLock:
    """Held from `take` to `release`, or to the end of the process. The file stays, or two could own it."""

    def __init__(self, path: Path, descriptor: int, left_by: Owner | None) -> None:
        self.path = path
        self.left_by = left_by  # an owner that died without giving it back
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> FileLock:
        """Become the owner at once, or raise `LockHeld`."""
        descriptor = open_plain(path, os.O_RDWR | os.O_CREAT)  # not inherited by children
        try:
            before = read_owner(path)
            try:
                _lock(descriptor)
            except OSError:
                raise LockHeld(read_owner(path)) from None
            # Not every drive carries locks, least of all to other machines. A note we may overrule names a process of
            # ours that is proven dead: the system freed its lock, and it is not there. Of another machine's nobody can
            # tell, and one that lives without holding its lock holds it on a drive that knows none.
            if before is not None and before.pid != os.getpid() and (before.machine != _machine() or before.lives()):
                raise LockHeld(before)
            _note(descriptor, json.dumps(asdict(Owner.this_process())))
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, before)

    @classmethod
    def wait_for(cls, path: Path, within: float) -> FileLock:
        """Become the owner as soon as the one before us has finished dying; blocks."""
        deadline = time.monotonic() + within
        while True:
            try:
                return cls.take(path)
            except LockHeld:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def release(self) -> None:
        """Give it back; more than once is fine."""
        if self._descriptor is not None:
            _note(self._descriptor, "")
            os.close(self._descriptor)
            self._descriptor = None


def read_owner(path: Path) -> Owner | None:
    """Who the note names. It may be out of date: only `FileLock.take` tells whether they live."""
    try:
        note = json.loads(read_plain(path))
        return Owner(**{name: note[name] for name in ("pid", "host", "machine", "started")})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode())


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _machine() -> str:
    """This computer, by a name that a change of network leaves alone where the system has one."""
    try:
        return Path("/etc/machine-id").read_text().strip() or platform.node()
    except OSError:
        return platform.node()


_SAME_START = 120.0
"""Seconds within which two readings of one start agree: it is told from the boot, which moves when the clock is set."""


def _started() -> str:
    # Elsewhere: when the lock was taken, which is later but as unique.
    return (_started_of(os.getpid()) or datetime.now(UTC)).isoformat(timespec="seconds")


def _started_of(pid: int) -> datetime | None:
    """When process *pid* started, where the system tells."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        booted = next(
            int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line[:5] == "btime"
        )
        return datetime.fromtimestamp(booted + ticks / os.sysconf("SC_CLK_TCK"), UTC)
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return otherwise
