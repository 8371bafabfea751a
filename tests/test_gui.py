"""The program as it is started: in a process of its own, on a real display where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.domain.errors import Problem, ProblemCode
from app.gui import _claim, paint_window, show_problem
from app.text import status as status_text
from app.text.status import texts
from app.ui.single_instance import SingleInstance

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="displays are found in another way here")

START = (sys.executable, "-m", "app")
WITHIN = 30.0


def environment(data: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "BAILEYS_SESSION_DIR")
    }
    return {**kept, "CONECTA_DATA_DIR": str(data), "LANG": "en_US.UTF-8", **more}


@pytest.mark.parametrize("display", [{}, {"DISPLAY": ":9871"}, {"WAYLAND_DISPLAY": "wayland-none"}])
def test_without_a_display_the_program_says_so_and_what_else_can_be_done(
    tmp_path: Path, display: dict[str, str]
) -> None:
    ended = subprocess.run(
        START, env=environment(tmp_path, **display), capture_output=True, timeout=WITHIN, check=False
    )
    sentence, step, code = ended.stderr.decode().splitlines()
    assert (ended.returncode, code) == (1, "[no_display]")
    assert sentence.endswith(".")
    assert step.endswith(".")


@contextmanager
def running(data: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(START, env=environment(data, **more), stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_listening(data: Path) -> None:
    """Wait until the first start has its database: it listens for a second one before."""
    end = time.monotonic() + WITHIN
    while not (data / "conecta.db").exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def second_start(data: Path, **more: str) -> int:
    return subprocess.run(START, env=environment(data, **more), timeout=WITHIN, check=False).returncode


def test_a_second_start_brings_the_first_to_the_front_and_ends(tmp_path: Path) -> None:
    with running(tmp_path, QT_QPA_PLATFORM="offscreen") as first:
        until_listening(tmp_path)
        assert second_start(tmp_path, QT_QPA_PLATFORM="offscreen") == 0
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert first.wait(WITHIN) == 0


def test_a_start_after_a_kill_is_the_first_again(tmp_path: Path) -> None:
    with running(tmp_path, QT_QPA_PLATFORM="offscreen") as first:
        until_listening(tmp_path)
        first.kill()
        first.wait(WITHIN)
        with running(tmp_path, QT_QPA_PLATFORM="offscreen") as again:
            time.sleep(2)
            assert again.poll() is None


OTHER = "4211\nConecta\nrecepcao\nanother-machine\nanother-boot\n"


@pytest.mark.parametrize("answer", ["window_lock.open", "window_lock.cancel"])
def test_a_data_folder_that_another_computer_may_have_open_is_asked_about(
    tmp_path: Path, qtbot: QtBot, answer: str
) -> None:
    """It names whose it is; opening it here is one press away, and so is leaving it alone."""
    lock = tmp_path / "window.lock"
    lock.write_text(OTHER)
    seen: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.text())
        assert box.textFormat() is Qt.TextFormat.PlainText
        assert box.defaultButton().text() == texts("window_lock.cancel")
        next(button for button in box.buttons() if button.text() == texts(answer)).click()

    QTimer.singleShot(0, press)
    instance = SingleInstance(lock)
    if answer == "window_lock.open":
        assert _claim(instance, lock)
        assert instance.taken_from.endswith("overruled")
    else:
        with pytest.raises(Problem) as met:
            _claim(instance, lock)
        assert met.value.code is ProblemCode.WINDOW_HELD_ELSEWHERE
        assert "recepcao" in " ".join(status_text.problem(met.value))
        assert lock.read_text() == OTHER
    assert "recepcao" in seen[0]


def test_a_window_that_does_not_answer_is_named(tmp_path: Path, qtbot: QtBot) -> None:
    first = SingleInstance(tmp_path / "window.lock")
    assert first.claim()
    with pytest.raises(Problem) as met:
        _claim(SingleInstance(tmp_path / "window.lock"), tmp_path / "window.lock")
    assert met.value.code is ProblemCode.ALREADY_RUNNING
    assert str(os.getpid()) in status_text.problem(met.value)[0]


def test_a_data_folder_that_cannot_be_written_is_not_called_open(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "window.lock").mkdir()
    with pytest.raises(Problem) as met:
        _claim(SingleInstance(tmp_path / "window.lock"), tmp_path / "window.lock")
    assert (met.value.code, met.value.context["path"]) == (
        ProblemCode.DATABASE_NOT_WRITABLE,
        str(tmp_path / "window.lock"),
    )


def test_a_link_to_nothing_is_named_at_the_start_of_the_window(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "gone")
    ended = subprocess.run(
        START,
        env=environment(tmp_path / "data", QT_QPA_PLATFORM="offscreen"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    sentence, _step, code = ended.stderr.splitlines()[-3:]
    assert (ended.returncode, code) == (1, "[link_broken]")
    assert str(tmp_path / "gone") in sentence
    assert not (tmp_path / "gone").exists()


@pytest.fixture
def display() -> Iterator[str]:
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb on this machine")
    ready, count = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(count), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
        pass_fds=[count],
        stderr=subprocess.DEVNULL,
    )
    os.close(count)
    try:
        with os.fdopen(ready) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait(WITHIN)


def test_the_window_opens_on_a_real_display(tmp_path: Path, display: str) -> None:
    with running(tmp_path, DISPLAY=display, WAYLAND_DISPLAY="wayland-none", XDG_SESSION_TYPE="wayland") as first:
        until_listening(tmp_path)  # and a dead Wayland beside it does no harm
        assert second_start(tmp_path, DISPLAY=display) == 0
        first.send_signal(signal.SIGTERM)
        assert first.wait(WITHIN) == 0


def test_who_opens_it_from_a_menu_is_told_on_the_screen_why_it_does_not_open(tmp_path: Path, display: str) -> None:
    """Nobody reads what it prints there; at a terminal, what is printed is enough."""
    (tmp_path / "file").touch()
    with running(tmp_path / "file" / "data", DISPLAY=display) as opened, pytest.raises(subprocess.TimeoutExpired):
        opened.wait(4)
    primary, terminal = os.openpty()
    ended = subprocess.run(
        START,
        env=environment(tmp_path / "file" / "data", DISPLAY=display),
        stderr=terminal,
        timeout=WITHIN,
        check=False,
    )
    os.close(terminal)
    assert (ended.returncode, b"[database_not_writable]" in os.read(primary, 4096)) == (1, True)
    os.close(primary)


def test_what_is_told_has_the_sentence_the_next_step_and_the_code(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, seen = Problem(ProblemCode.DATABASE_NOT_WRITABLE, path="/data", detail="<b>full</b>"), []

    def close() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        assert box.textFormat() is Qt.TextFormat.PlainText
        seen.append(box.text())
        box.accept()

    show_problem(problem)  # without a screen: this returns
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    QTimer.singleShot(0, close)
    show_problem(problem)
    assert seen == ["\n\n".join((*status_text.problem(problem), "[database_not_writable]"))]


def test_a_self_test_names_the_library_that_its_window_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6.QtGui", None)
    with pytest.raises(Problem) as met:
        paint_window()
    assert met.value.code is ProblemCode.SYSTEM_LIBRARY_MISSING


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


_MOUNTS = ("unshare", "--mount", "--map-root-user")
_FULL = 'head -c 1m /dev/zero > "$1/ballast" 2>/dev/null;'
_READ_ONLY = 'mount -o remount,ro "$1" &&'


@pytest.mark.skipif(not _can_mount(), reason="this machine lets nobody mount a small disk")
@pytest.mark.parametrize(("harm", "code"), [(_FULL, "database_disk_full"), (_READ_ONLY, "database_not_writable")])
def test_a_full_or_read_only_disk_is_not_taken_for_a_window_that_is_open(tmp_path: Path, harm: str, code: str) -> None:
    """The lock of the one window cannot be written either; what is said is why."""
    shell = f'mount -t tmpfs -o size=1m,mode=700 none "$1" && mkdir -m 700 "$1/data" && {harm} exec "$2" -m app'
    ended = subprocess.run(
        [*_MOUNTS, "sh", "-c", shell, "sh", str(tmp_path), sys.executable],
        env=environment(tmp_path / "data", QT_QPA_PLATFORM="offscreen"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    sentence, _step, text = ended.stderr.splitlines()[-3:]
    assert (ended.returncode, text) == (1, f"[{code}]")
    assert str(tmp_path / "data") in sentence


def test_the_window_is_painted_before_database_and_providers_are_imported() -> None:
    """What `gui` imports before it shows the window: with the rest, the first picture takes more than twice as long."""
    heavy = "sqlalchemy", "httpx", "cryptography", "app.bootstrap", "app.storage", "app.providers"
    script = f"import sys, app.gui, app.application; print([each for each in {heavy} if each in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_the_first_picture_needs_neither_the_core_nor_a_loop() -> None:
    """The first of these take as long as a tenth of an empty window's start, or more; the last one of a hundred."""
    core = "app.core", "app.domain.events", "app.domain.settings", "app.domain.messages"
    heavy = "asyncio", "ssl", *core, "html"
    script = f"import sys, app.gui, app.frame; print([each for each in {heavy} if each in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_an_import_within_a_function_does_not_ask_pyside() -> None:
    """It asks whether names are to be switched, which takes eight times as long as the import itself."""
    script = (
        "import PySide6.QtCore, builtins, app.gui; app.gui._leave_sources_unread();"
        "print(builtins.__import__ is not builtins.__feature_import__)"
    )
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "True"


def test_the_dialects_of_other_databases_stay_unloaded() -> None:
    """A `postgresql_where` in a table is enough to load one, which holds up the start by a tenth of a second."""
    script = "import sys, app.bootstrap; sys.exit('sqlalchemy.dialects.postgresql' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
