"""One owner for a file or folder: a lock the system frees when its holder dies, and a note that names them.

The lock decides between processes of one running system. The note is for everybody else: another computer that reaches
the same drive, or a program that was killed. What the note says is overruled when its owner is proven dead, or by a
person (*overrule*) where nothing can be proven from here; never while the lock itself is held.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import stat
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from app.platform.files import open_binary

_FAR = 1 << 30  # Windows locks are mandatory: lock a byte beyond the note, so that others can still read it
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # Windows has neither, and few links


class OwnerState(StrEnum):
    """What this computer can tell about the process that a note names."""

    ALIVE = "alive"
    DEAD = "dead"
    SAME_SYSTEM = "same_system"  # its process cannot be looked up, but the lock of a living one would be held
    UNKNOWN = "unknown"  # another computer, or another run of a system that has no name of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a lock, or held it last without giving it back."""

    pid: int
    host: str
    machine: str
    started: str  # when the process started: a pid alone is used again
    boot: str = ""  # this run of the operating system's kernel, which containers share; empty where it has no name
    namespace: str = ""  # where the pid counts: a container has its own

    @classmethod
    def this_process(cls) -> Owner:
        return cls(
            pid=os.getpid(),
            host=platform.node(),
            machine=_machine(),
            started=_started(),
            boot=_boot(),
            namespace=_namespace(),
        )

    def state(self) -> OwnerState:
        """Whether the process is still there, as far as this computer can tell.

        A pid is used again, so a process that started at another time is not the one.
        """
        boot = _boot()
        if self.boot and boot and self.boot != boot:
            # Another kernel. With a machine id of its own, it was this computer before it was started again.
            return OwnerState.DEAD if self.machine == _machine_id() else OwnerState.UNKNOWN
        if not self.boot and self.machine != _machine():
            return OwnerState.UNKNOWN
        if self.boot and not boot:
            return OwnerState.UNKNOWN
        other_container = self.namespace != _namespace() if self.namespace else self.machine != _machine()
        return OwnerState.SAME_SYSTEM if other_container else self._state_of_process()

    def lives(self) -> bool:
        """Whether the process may still be there: yes when in doubt."""
        return self.state() is not OwnerState.DEAD

    def is_this_process(self) -> bool:
        mine = Owner.this_process()
        same_run = not self.boot or (self.boot, self.namespace) == (mine.boot, mine.namespace)
        return same_run and (self.pid, self.machine) == (mine.pid, mine.machine) and self._is_start(mine.started)

    def label(self) -> str:
        """The owner for a person, in no language: computer, start and process."""
        return f"{self.host}, {self.started[:16].replace('T', ' ')} UTC, PID {self.pid}"

    def _state_of_process(self) -> OwnerState:
        there, started = _find_process(self.pid)
        if not there:
            return OwnerState.DEAD
        if started is None:  # it may as well be another process with the same number
            return OwnerState.SAME_SYSTEM
        return OwnerState.ALIVE if self._is_start(started.isoformat()) else OwnerState.DEAD

    def _is_start(self, started: str) -> bool:
        found = datetime.fromisoformat(started)
        return abs((found - _moment(self.started, found)).total_seconds()) <= _SAME_START

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, started {self.started}"


class LockHeld(Exception):
    """Somebody else has it; *owner* as far as the note says.

    *may_be_overruled* when only the note says so, and this computer cannot tell whether it is still true.
    """

    def __init__(self, owner: Owner | None, *, may_be_overruled: bool = False) -> None:
        super().__init__(str(owner) if owner else "an unknown process")
        self.owner = owner
        self.may_be_overruled = may_be_overruled


class FileLock:
    """Held from `take` to `release`, or to the end of the process. The file stays, or two could own it."""

    def __init__(self, path: Path, descriptor: int, left_by: Owner | None) -> None:
        self.path = path
        self.left_by = left_by  # an owner that died without giving it back, or was overruled
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path, *, overrule: bool = False) -> FileLock:
        """Become the owner at once, or raise `LockHeld`; raises `OSError` when the file cannot be used.

        With *overrule*, a note whose owner cannot be proven dead is not believed. A lock that is held is never broken.
        """
        descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)  # not inherited by children
        try:
            before = read_owner(path)
            try:
                _lock(descriptor)
            except OSError:
                raise LockHeld(read_owner(path)) from None
            if before is not None and not before.is_this_process():
                _require_dead(path, before, overrule=overrule)
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
            except LockHeld as held:
                if held.may_be_overruled or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def release(self) -> None:
        """Give it back; more than once is fine."""
        if self._descriptor is not None:
            _note(self._descriptor, "")
            os.close(self._descriptor)
            self._descriptor = None


def _require_dead(path: Path, owner: Owner, *, overrule: bool) -> None:
    """Raise `LockHeld` unless the *owner* of a note, whose lock is free, is proven dead or overruled.

    Not every drive carries locks, least of all to other machines. One that lives without holding its lock holds it on a
    drive that knows none.
    """
    state = owner.state()
    if state is OwnerState.ALIVE:
        raise LockHeld(owner)
    if state is OwnerState.SAME_SYSTEM and is_held(path):
        return
    if state is not OwnerState.DEAD and not overrule:
        raise LockHeld(owner, may_be_overruled=True)


def is_held(path: Path) -> bool:
    """Whether somebody of this system holds the lock of *path*, on a drive that carries locks."""
    descriptor = open_regular(path, os.O_RDWR)
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_owner(path: Path) -> Owner | None:
    """Who the note names. It may be out of date: only `FileLock.take` tells whether they live."""
    try:
        text = read_plain(path)
        note: dict[str, Any] = json.loads(text) if text.lstrip().startswith("{") else _former_note(text, path)
        pid = int(note["pid"])
        if pid <= 0:
            return None  # no process has it
        return Owner(
            pid=pid,
            **{name: _one_line(note[name]) for name in ("host", "machine", "started")},
            **{name: _one_line(note.get(name, "")) for name in ("boot", "namespace")},
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _one_line(value: object) -> str:
    """*value* as it may be shown: a note can come from elsewhere, and nobody vouches for its characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value)[:200])


def _former_note(text: str, path: Path) -> dict[str, Any]:
    """The note that Qt's ``QLockFile`` wrote for the window: pid, program, host, machine and boot, one a line."""
    pid, _, host, *more = text.split("\n")
    machine, boot, *_ = [*more, "", ""]
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return {"pid": int(pid), "host": host, "machine": machine or host, "started": written, "boot": boot}


def _note(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode())


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _find_process(pid: int) -> tuple[bool, datetime | None]:
        """Whether process *pid* may be there, and when it started, where the system tells."""
        import ctypes  # `os.kill(pid, 0)` would send it Ctrl+C
        from ctypes import wintypes

        if pid >= 1 << 32:
            return False, None
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = wintypes.HANDLE(kernel.OpenProcess(_SYNCHRONIZE | _QUERY, False, wintypes.DWORD(pid)))
        if not handle:
            return ctypes.get_last_error() != _NO_SUCH_PROCESS, None
        try:
            if kernel.WaitForSingleObject(handle, 0) == _ENDED:  # somebody only remembers it
                return False, None
            times = [wintypes.FILETIME() for _ in range(4)]
            if not kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
                return True, None
            ticks = times[0].dwHighDateTime << 32 | times[0].dwLowDateTime  # of 100 ns
            return True, datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
        finally:
            kernel.CloseHandle(handle)

    _SYNCHRONIZE, _QUERY = 0x0010_0000, 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    _NO_SUCH_PROCESS = 87  # ERROR_INVALID_PARAMETER
    _ENDED = 0  # WAIT_OBJECT_0

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _find_process(pid: int) -> tuple[bool, datetime | None]:
        """Whether process *pid* may be there, and when it started, where the system tells."""
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False, None
        except PermissionError:
            pass
        return True, _started_of(pid)


_MACHINE_ID: Final = Path("/etc/machine-id")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


def _machine() -> str:
    """This computer, by a name that a change of network leaves alone where the system has one."""
    return _machine_id() or platform.node()


def _machine_id() -> str:
    return _line_of(_MACHINE_ID)


def _boot() -> str:
    return _line_of(_BOOT_ID)


def _line_of(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


def _namespace() -> str:
    try:
        return str(_NAMESPACE.readlink())
    except OSError:
        return ""


_SAME_START = 120.0
"""Seconds within which two readings of one start agree: it is told from the boot, which moves when the clock is set."""


_LOADED: Final = datetime.now(UTC)


def _started() -> str:
    # Where the system does not tell: when this was loaded, which is a little later, and stays the same.
    return (_find_process(os.getpid())[1] or _LOADED).isoformat(timespec="seconds")


def _started_of(pid: int) -> datetime | None:
    """When process *pid* started, where there is a `/proc`."""
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


# --- files that are nothing but that: a link could lead elsewhere, and a pipe would never answer ---------------------


def open_regular(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of *path*; raises `OSError(ELOOP)` when it is a link, a pipe, a device or a folder."""
    try:
        descriptor = open_binary(path, flags | _NO_FOLLOW, mode)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO):
            raise _not_plain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return descriptor


def read_plain(path: Path, most: int = 1 << 16) -> str:
    """The text of *path*, *most* bytes of it. Raises like `open_regular`, and `UnicodeDecodeError`."""
    descriptor = open_regular(path, os.O_RDONLY)
    try:
        return os.read(descriptor, most).decode()
    finally:
        os.close(descriptor)


def _not_plain(path: Path) -> OSError:
    return OSError(errno.ELOOP, "not a plain file", str(path))
