"""Windows' side of the locks, with its locking and its table of processes played: nothing here was seen on Windows."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from app.platform import locks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Windows does is played with Linux' means")

NO_SUCH_PROCESS, ACCESS_DENIED, STILL_RUNS = 87, 5, 258
SYSTEM_PID = 4


class ProcessTable:
    """What `kernel32` says of processes; a handle is the process's own number."""

    def __init__(self) -> None:
        self.error = 0
        self.open_handles: list[int] = []
        # ctypes lets attributes be set on what it calls, which methods do not.
        self.kernel = SimpleNamespace(
            OpenProcess=lambda _access, _inherit, pid: self._open(pid.value),
            WaitForSingleObject=lambda handle, _milliseconds: self._wait(handle.value),
            GetProcessTimes=lambda handle, *times: self._times(handle.value, *times),
            CloseHandle=lambda handle: self.open_handles.remove(handle.value),
        )

    def _open(self, pid: int) -> int:
        if pid == SYSTEM_PID or not Path(f"/proc/{pid}").exists():
            self.error = ACCESS_DENIED if pid == SYSTEM_PID else NO_SUCH_PROCESS
            return 0
        self.open_handles.append(pid)
        return pid

    def _wait(self, pid: int) -> int:
        return 0 if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else STILL_RUNS

    def _times(self, pid: int, created: Any, *_others: Any) -> int:
        ticks = round((psutil.Process(pid).create_time() + 11_644_473_600) * 10_000_000)
        created._obj.dwHighDateTime, created._obj.dwLowDateTime = divmod(ticks, 1 << 32)
        return 1


def locking(descriptor: int, mode: int, count: int) -> None:
    """As `msvcrt` has it: each opening of the file is somebody else, and one that cannot have it is told at once."""
    assert (mode, count) == (2, 1)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1 << 20, "others must still be able to read the note"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ProcessTable:
    table = ProcessTable()
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name, **_: table.kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: table.error, raising=False)
    return table


@pytest.fixture
def windows(table: ProcessTable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module as Windows loads it."""
    runtime = ModuleType("msvcrt")
    runtime.__dict__.update(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", runtime)
    monkeypatch.setattr(sys, "platform", "win32")
    source = locks.__file__
    spec = importlib.util.spec_from_file_location("locks_on_windows", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    for name in ("_MACHINE_ID", "_BOOT_ID", "_NAMESPACE"):
        monkeypatch.setattr(module, name, tmp_path / "there is none")

    def kill(_pid: int, _signal: int) -> None:
        raise AssertionError("on Windows, this is Ctrl+C")

    monkeypatch.setattr(os, "kill", kill)
    return module


@contextmanager
def another_program() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        try:
            yield other
        finally:
            other.communicate(b"\n", timeout=10)


def note_of(windows: Any, pid: int, **changed: str) -> Any:
    """What the process *pid* would write into its lock."""
    _, started = windows._find_process(pid)
    return replace(windows.Owner.this_process(), pid=pid, **{"started": started.isoformat(), **changed})


def leave_note(path: Path, owner: Any) -> None:
    path.write_text(json.dumps(asdict(owner)))


def test_a_program_that_was_killed_locks_nobody_out(windows: Any, table: ProcessTable, tmp_path: Path) -> None:
    """Until somebody removed its note by hand, the session stayed locked for ever."""
    path = tmp_path / "owner.lock"
    with another_program() as other:
        dead = note_of(windows, other.pid)
    leave_note(path, dead)
    assert dead.state() is windows.OwnerState.DEAD
    lock = windows.FileLock.take(path)
    assert lock.left_by == dead
    lock.release()
    assert table.open_handles == []


def test_one_that_ended_and_is_only_remembered_is_dead(windows: Any, table: ProcessTable) -> None:
    """Whoever still has a handle of it keeps it in the table."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert windows._find_process(ended.pid) == (False, None)
    assert table.open_handles == []


def test_another_program_that_got_its_number_is_not_it(windows: Any, tmp_path: Path) -> None:
    path = tmp_path / "owner.lock"
    with another_program() as other:
        before = note_of(windows, other.pid, started="2026-01-05T09:30:00+00:00")
        leave_note(path, before)
        assert before.state() is windows.OwnerState.DEAD
        windows.FileLock.take(path).release()


def test_a_living_owner_keeps_what_its_drive_cannot_lock(
    windows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "owner.lock"
    monkeypatch.setattr(windows, "_lock", lambda _descriptor: None)
    with another_program() as other:
        leave_note(path, note_of(windows, other.pid))
        for overrule in (False, True):
            with pytest.raises(windows.LockHeld) as held:
                windows.FileLock.take(path, overrule=overrule)
            assert not held.value.may_be_overruled


def test_a_program_that_may_not_be_looked_at_is_told_by_the_lock_alone(windows: Any, tmp_path: Path) -> None:
    """As another user's; the lock of a living one would be held."""
    path = tmp_path / "owner.lock"
    owner = replace(windows.Owner.this_process(), pid=SYSTEM_PID)
    leave_note(path, owner)
    assert owner.state() is windows.OwnerState.SAME_SYSTEM
    windows.FileLock.take(path).release()


def test_a_number_that_no_process_can_have_is_nobodys(windows: Any) -> None:
    owner = replace(windows.Owner.this_process(), pid=1 << 40)
    assert owner.state() is windows.OwnerState.DEAD


def test_two_cannot_hold_it_and_the_note_can_be_read_meanwhile(windows: Any, tmp_path: Path) -> None:
    path = tmp_path / "owner.lock"
    lock = windows.FileLock.take(path)
    assert windows.read_owner(path).is_this_process()
    with pytest.raises(windows.LockHeld) as held:
        windows.FileLock.take(path, overrule=True)
    assert held.value.owner.pid == os.getpid()
    lock.release()
    assert not windows.is_held(path)


def test_where_the_system_does_not_tell_a_start_a_process_stays_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, which has no `/proc`: a lock that was taken two minutes ago is still this process's."""
    monkeypatch.setattr(locks, "_started_of", lambda _pid: None)
    first = locks.Owner.this_process()
    assert first.started == locks._LOADED.isoformat(timespec="seconds")
    assert first.is_this_process()
