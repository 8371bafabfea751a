"""Locks of living, dead and unreachable programs, as their files tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.core.diagnostics import computer
from app.domain.diagnosis import Diagnosis, DiagnosisCode
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.platform.locks import FileLock, Owner

C = DiagnosisCode
ANA, BIA = MentoradoId("a" * 32), MentoradoId("b" * 32)
HERE = Owner.this_process()
DEAD = replace(HERE, pid=2**22 + 1)
ELSEWHERE = Owner(pid=1, host="recepcao", machine="m", started="2026-01-05T09:30:00+00:00", boot="b", namespace="n")
CONTAINER = replace(HERE, host="8f3c1d", machine="8f3c1d", namespace="pid:[1]", pid=1)


@pytest.fixture
def window(tmp_path: Path) -> Path:
    for folder in (tmp_path / "sessions" / ANA, tmp_path / "procedures"):
        folder.mkdir(parents=True)
    return tmp_path / "window.lock"


@pytest.fixture
def ours(window: Path) -> Iterator[FileLock]:
    lock = FileLock.take(window)
    yield lock
    lock.release()


def look(window: Path) -> list[Diagnosis]:
    folder = window.parent
    return list(computer.locks(window, folder / "sessions", folder / "procedures", {ANA: "Ana", BIA: "Bia"}))


def note(path: Path, owner: Owner) -> Path:
    path.write_text(json.dumps(asdict(owner)))
    return path


def test_nothing_is_locked_where_nothing_runs(window: Path) -> None:
    assert [each.code for each in look(window)] == [C.LOCKS_FINE]
    assert computer.holder(window) == ""


def test_a_living_program_is_named_once_with_all_it_holds(window: Path, ours: FileLock) -> None:
    note(window.parent / "sessions" / ANA / "owner.lock", HERE)
    (found,) = look(window)
    assert (found.code, found.evidence["count"]) == (C.LOCK_HELD, "2")
    assert str(HERE.pid) in found.evidence["owner"]
    assert computer.holder(window) == HERE.label()


def test_what_a_dead_program_left_is_named_and_taken_back(window: Path) -> None:
    path = note(window.parent / "sessions" / ANA / "owner.lock", DEAD)
    (found,) = look(window)
    assert (found.code, found.evidence["path"], found.evidence["name"]) == (C.LOCK_STALE, str(path), "Ana")
    computer.release([path])
    assert [each.code for each in look(window)] == [C.LOCKS_FINE]


def test_the_note_of_a_dead_host_means_nothing(window: Path) -> None:
    note(window.parent / "sessions" / ANA / "host.lock", DEAD)
    assert [each.code for each in look(window)] == [C.LOCKS_FINE]


def test_a_lock_of_another_computer_names_the_command_that_overrules_it(window: Path) -> None:
    sessions = window.parent / "sessions"
    note(window, ELSEWHERE)
    note(sessions / ANA / "host.lock", ELSEWHERE)
    note(window.parent / "procedures" / "x.lock", ELSEWHERE)
    (found,) = look(window)
    assert (found.code, found.evidence["name"]) == (C.LOCK_UNPROVEN, "window.lock, Ana, x.lock")
    assert found.evidence["command"] == 'conecta unlock --yes; conecta unlock "Ana" --yes; conecta procedure list'


def test_what_one_dead_program_left_is_one_finding_that_names_all_it_concerns(window: Path) -> None:
    sessions = window.parent / "sessions"
    (sessions / BIA).mkdir()
    notes = [note(window, DEAD), *(note(sessions / each / "owner.lock", DEAD) for each in (ANA, BIA))]
    other = note(window.parent / "procedures" / f"{ANA}.lock", replace(DEAD, pid=2**22 + 2))
    found, separate = look(window)
    assert (found.code, found.evidence["name"]) == (C.LOCK_STALE, "window.lock, Ana, Bia")
    assert found.evidence["path"] == str(window.parent)
    assert separate.evidence["path"] == str(other)
    computer.release([Path(each) for each in json.loads(found.evidence["paths"])])
    assert [each.code for each in look(window)] == [C.LOCK_STALE], "only those of the other are left"
    assert all(each.read_text() == "" for each in notes)


def test_another_container_holds_what_the_system_says_is_held(window: Path, ours: FileLock) -> None:
    note(window, CONTAINER)
    assert [each.code for each in look(window)] == [C.LOCK_HELD]
    ours.release()
    note(window, CONTAINER)
    assert [each.code for each in look(window)] == [C.LOCK_STALE]
    assert computer.holder(window) == ""


def test_a_lock_that_is_held_is_never_broken(window: Path, ours: FileLock) -> None:
    with pytest.raises(Problem) as met:
        computer.release([window])
    assert met.value.code is ProblemCode.SESSION_IN_USE


def test_what_can_be_no_lock_is_named(window: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window.mkdir()
    owner = window.parent / "sessions" / ANA / "owner.lock"
    owner.symlink_to(owner.name)
    procedure = window.parent / "procedures" / f"{ANA}.lock"
    procedure.touch()
    (window.parent / "procedures" / "readme.txt").touch()
    (window.parent / "sessions" / "about-this-folder.txt").touch()
    monkeypatch.setattr("os.access", lambda path, _mode: path != procedure)
    assert [(each.code, each.evidence) for each in look(window)] == [
        (C.LOCK_UNUSABLE, {"path": str(window), "detail": "not a file"}),
        (C.LOCK_UNUSABLE, {"path": str(owner), "detail": "not a file"}),
        (C.LOCK_UNUSABLE, {"path": str(procedure), "detail": "Permission denied"}),
    ]


def test_a_lock_that_may_not_be_looked_at_is_not_called_free(window: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", denied)
    with pytest.raises(PermissionError):
        look(window)
    monkeypatch.undo()
    (window.parent / "sessions" / ANA).rmdir()
    (window.parent / "sessions" / ANA).touch()
    assert [each.code for each in look(window)] == [C.LOCKS_FINE], "a file has no locks in it"
