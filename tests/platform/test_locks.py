"""Who may take a lock: what proves its owner dead breaks it, a living one keeps it, and the rest a person decides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from app.platform import locks as file_lock
from app.platform.locks import (
    FileLock,
    LockHeld,
    Owner,
    OwnerState,
    read_owner,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux names its kernel's run and its pid namespaces")

DEAD_PID = 2**22 + 1  # above what Linux gives out
HERE = Owner.this_process()
GONE = replace(HERE, pid=DEAD_PID)
ELSEWHERE = Owner(
    pid=4211,
    host="recepcao",
    machine="another-machine",
    started="2026-01-05T09:30:00+00:00",
    boot="another-boot",
    namespace="pid:[4026531836]",
)


@pytest.fixture(autouse=True)
def a_computer_with_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minimal system has no /etc/machine-id, and without one nothing is proven about its former runs."""
    if file_lock._machine_id() == "":
        (tmp_path / "machine-id").write_text(HERE.machine)
        monkeypatch.setattr(file_lock, "_MACHINE_ID", tmp_path / "machine-id")


@dataclass(frozen=True, slots=True)
class Case:
    owner: Owner
    state: OwnerState
    breaks: bool  # whether the note is broken without a person


CASES = {
    "a process that is gone": Case(GONE, OwnerState.DEAD, True),
    "another process with its pid": Case(
        replace(HERE, pid=os.getppid(), started="2001-01-01T00:00:00+00:00"), OwnerState.DEAD, True
    ),
    "this computer before it was started again": Case(
        replace(HERE, boot="an earlier boot", pid=os.getppid()), OwnerState.DEAD, True
    ),
    "another container of this computer": Case(
        replace(HERE, host="8f3c1d", machine="8f3c1d", namespace="pid:[1]", pid=1), OwnerState.SAME_SYSTEM, True
    ),
    "a container of an earlier version's note": Case(
        replace(HERE, host="8f3c1d", machine="8f3c1d", namespace="", pid=1), OwnerState.SAME_SYSTEM, True
    ),
    "another computer": Case(ELSEWHERE, OwnerState.UNKNOWN, False),
    "another computer that happens to use our pid": Case(
        replace(ELSEWHERE, pid=HERE.pid, started=HERE.started), OwnerState.UNKNOWN, False
    ),
    "another computer, by a note of an earlier version": Case(
        replace(ELSEWHERE, boot="", namespace=""), OwnerState.UNKNOWN, False
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "-") for name in CASES])


def leave_note(path: Path, owner: Owner) -> None:
    path.write_text(json.dumps(asdict(owner)))


@linux
@each_case
def test_what_proves_dead_is_broken_and_what_does_not_is_told(fast_dir: Path, case: Case) -> None:
    path = fast_dir / "owner.lock"
    leave_note(path, case.owner)
    assert case.owner.state() is case.state
    if not case.breaks:
        with pytest.raises(LockHeld, match=case.owner.host) as held:
            FileLock.take(path)
        assert (held.value.may_be_overruled, read_owner(path)) == (True, case.owner)
    lock = FileLock.take(path, overrule=not case.breaks)
    assert lock.left_by == case.owner
    lock.release()
    assert read_owner(path) is None


@linux
@each_case
def test_a_lock_that_is_held_is_never_overruled(fast_dir: Path, case: Case) -> None:
    """Not even when its note is another's: the system itself says that somebody lives."""
    path = fast_dir / "owner.lock"
    lock = FileLock.take(path)
    leave_note(path, case.owner)
    for overrule in (False, True):
        with pytest.raises(LockHeld) as held:
            FileLock.take(path, overrule=overrule)
        assert not held.value.may_be_overruled
    lock.release()


@linux
def test_a_living_owner_keeps_what_its_drive_cannot_lock(fast_dir: Path) -> None:
    path = fast_dir / "owner.lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        started = file_lock._started_of(other.pid)
        assert started is not None
        leave_note(path, replace(HERE, pid=other.pid, started=started.isoformat()))
        for overrule in (False, True):
            with pytest.raises(LockHeld) as held:
                FileLock.take(path, overrule=overrule)
            assert not held.value.may_be_overruled
        other.communicate(b"\n", timeout=10)
    FileLock.take(path).release()


@linux
def test_a_drive_without_locks_proves_nothing_about_a_container(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fast_dir / "owner.lock"
    leave_note(path, CASES["another container of this computer"].owner)
    monkeypatch.setattr(file_lock, "_lock", lambda _descriptor: None)  # as some network drives do it
    with pytest.raises(LockHeld) as held:
        FileLock.take(path)
    assert held.value.may_be_overruled


@linux
def test_a_system_without_an_id_of_its_own_cannot_be_told_from_another(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container has its name only, and another computer can have the same one."""
    monkeypatch.setattr(file_lock, "_MACHINE_ID", fast_dir / "none")
    before = replace(Owner.this_process(), boot="an earlier boot")
    assert before.state() is OwnerState.UNKNOWN
    assert replace(before, boot=file_lock._boot(), pid=DEAD_PID).state() is OwnerState.DEAD
    monkeypatch.setattr(file_lock, "_BOOT_ID", fast_dir / "none")
    assert before.state() is OwnerState.UNKNOWN
    assert replace(before, boot="", namespace="").lives()


@pytest.mark.parametrize(
    "note",
    [b"", b"\n", b"{torn", b"{}", b"\xff\xfe", b"[1]", b"7", b'{"pid": "x"}', b'{"pid": 0, "host": 1}', b"\0" * 40],
)
def test_a_note_that_names_nobody_locks_nobody_out(fast_dir: Path, note: bytes) -> None:
    path = fast_dir / "window.lock"
    path.write_bytes(note)
    lock = FileLock.take(path)
    assert lock.left_by is None
    lock.release()


FORMER: dict[str, tuple[Callable[[], str], OwnerState]] = {
    "here and dead": (lambda: f"{DEAD_PID}\nConecta\n{HERE.host}\n{HERE.machine}\n{HERE.boot}\n", OwnerState.DEAD),
    "before a restart": (lambda: f"77\nConecta\n{HERE.host}\n{HERE.machine}\nearlier\n", OwnerState.DEAD),
    "elsewhere": (lambda: "77\nConecta\nrecepcao\nanother-machine\nanother-boot\n", OwnerState.UNKNOWN),
    "elsewhere, without ids": (lambda: "77\nConecta\nrecepcao\n", OwnerState.UNKNOWN),
    "in a container": (lambda: f"1\nConecta\n8f3c1d\n\n{HERE.boot}\n", OwnerState.SAME_SYSTEM),
}


@linux
@pytest.mark.parametrize("name", FORMER)
def test_the_window_s_former_kind_of_note_is_understood(fast_dir: Path, name: str) -> None:
    path, (written, state) = fast_dir / "window.lock", FORMER[name]
    path.write_text(written())
    owner = read_owner(path)
    assert owner is not None
    assert owner.state() is state
    FileLock.take(path, overrule=state is OwnerState.UNKNOWN).release()


def test_waiting_ends_at_once_where_only_a_person_can_decide(fast_dir: Path) -> None:
    leave_note(fast_dir / "host.lock", ELSEWHERE)
    with pytest.raises(LockHeld, match="recepcao"):
        FileLock.wait_for(fast_dir / "host.lock", within=3600)


def test_an_owner_is_shown_with_computer_start_and_process() -> None:
    assert ELSEWHERE.label() == "recepcao, 2026-01-05 09:30 UTC, PID 4211"


def test_a_note_from_elsewhere_cannot_write_on_a_terminal(fast_dir: Path) -> None:
    leave_note(fast_dir / "owner.lock", replace(ELSEWHERE, host="a\x1b[2J\u202eb\n" + "c" * 500))
    owner = read_owner(fast_dir / "owner.lock")
    assert owner is not None
    assert owner.host.isprintable()
    assert len(owner.host) == 200
