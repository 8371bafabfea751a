"""One window per data folder, whatever happened to the one before."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.ui.single_instance import SingleInstance

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


def test_nobody_hears_when_nobody_is_there(tmp_path: Path, qtbot: QtBot) -> None:
    assert not SingleInstance(tmp_path / "window.lock").raise_first()
