"""One window per data folder, whatever happened to the one before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.platform.locks import Owner
from app.ui.single_instance import SingleInstance, _is_private

FIRST = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from PySide6.QtCore import QCoreApplication
    from app.ui.single_instance import SingleInstance

    app = QCoreApplication([])
    first = SingleInstance(Path(sys.argv[1]))
    assert first.claim()
    first.raise_requested.connect(lambda: print("raised", flush=True))
    first.listen()
    print("ready", flush=True)
    getattr(app, "exec")()
    """
)


def start(lock: Path) -> subprocess.Popen[str]:
    program = subprocess.Popen(
        [sys.executable, "-c", FIRST, str(lock)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def test_a_second_start_raises_the_first(tmp_path: Path, qtbot: QtBot) -> None:
    program = start(tmp_path / "window.lock")
    try:
        second = SingleInstance(tmp_path / "window.lock")
        assert not second.claim()
        assert second.raise_first()
        assert program.stdout is not None
        assert program.stdout.readline() == "raised\n"
    finally:
        program.kill()
        program.communicate()


def test_a_lock_left_by_a_killed_program_is_taken_over(tmp_path: Path, qtbot: QtBot) -> None:
    program = start(tmp_path / "window.lock")
    program.kill()
    program.communicate()
    assert (tmp_path / "window.lock").exists()
    second = SingleInstance(tmp_path / "window.lock")
    assert second.claim()
    second.listen()  # the dead one's socket is in nobody's way
    third = SingleInstance(tmp_path / "window.lock")
    assert not third.claim()
    with qtbot.waitSignal(second.raise_requested, timeout=2000):
        assert third.raise_first()
    second.release()
    assert third.claim()


def test_other_folders_have_windows_of_their_own(tmp_path: Path, qtbot: QtBot) -> None:
    one, other = SingleInstance(tmp_path / "one.lock"), SingleInstance(tmp_path / "other.lock")
    assert one.claim()
    assert other.claim()


ELSEWHERE = Owner(
    pid=4211, host="recepcao", machine="another", started="2026-01-05T09:30:00+00:00", boot="another", namespace="pid"
)


@pytest.mark.parametrize("note", [json.dumps(asdict(ELSEWHERE)), "4211\nConecta\nrecepcao\nanother\nanother\n"])
def test_a_window_of_another_computer_is_named_and_can_be_overruled(tmp_path: Path, qtbot: QtBot, note: str) -> None:
    (tmp_path / "window.lock").write_text(note)
    here = SingleInstance(tmp_path / "window.lock")
    assert not here.claim()
    assert here.may_be_overruled
    assert here.holder.startswith("recepcao, ")
    assert (here.claim(overrule=True), here.may_be_overruled) == (True, False)
    assert "recepcao" in here.taken_from
    assert here.taken_from.endswith("overruled")
    other = SingleInstance(tmp_path / "window.lock")
    assert (other.claim(overrule=True), other.may_be_overruled) == (False, False)


@pytest.mark.parametrize("left", [b"", b"noise", b"\xff"])
def test_a_lock_that_names_nobody_is_free(tmp_path: Path, qtbot: QtBot, left: bytes) -> None:
    (tmp_path / "window.lock").write_bytes(left)
    instance = SingleInstance(tmp_path / "window.lock")
    assert instance.claim()
    assert instance.taken_from == ""


@pytest.mark.skipif(os.name != "posix", reason="Windows has pipes of its own")
@pytest.mark.parametrize("name", ["data", "d" * 120])
def test_the_socket_lies_where_nobody_else_can_take_its_name(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In a temporary folder that all users share, another could be there first, and be told of every start."""
    runtime, shared = tmp_path / "r", tmp_path / "t"
    runtime.mkdir(mode=0o700)
    shared.mkdir()
    (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    first = SingleInstance(tmp_path / name / "window.lock")
    assert first.claim()
    first.listen()
    assert list(shared.iterdir()) == []
    (socket,) = (path for place in (runtime, tmp_path / name) for path in place.iterdir() if path.is_socket())
    assert socket.parent == (runtime if len(name) > 100 else tmp_path / name)
    second = SingleInstance(tmp_path / name / "window.lock")
    with qtbot.waitSignal(first.raise_requested, timeout=2000):
        assert second.raise_first()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_socket_of_another_user_is_not_taken_for_the_first_window(tmp_path: Path, qtbot: QtBot) -> None:
    first = SingleInstance(tmp_path / "window.lock")
    assert first.claim()
    first.listen()
    (socket,) = (path for path in tmp_path.iterdir() if path.is_socket())
    os.chown(socket, 65534, -1)
    assert not SingleInstance(tmp_path / "window.lock").raise_first()


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
def test_a_runtime_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    assert not _is_private(Path())
    assert not _is_private(tmp_path / "none")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert not _is_private(tmp_path / "open")
    (tmp_path / "own").mkdir(mode=0o700)
    assert _is_private(tmp_path / "own")


def test_nobody_hears_when_nobody_is_there(tmp_path: Path, qtbot: QtBot) -> None:
    assert not SingleInstance(tmp_path / "window.lock").raise_first()
