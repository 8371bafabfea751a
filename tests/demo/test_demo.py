"""The demo shows the whole job, tells the truth about it, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QImage

from tests.demo.offscreen import INTERRUPTED
from tests.demo.screenshots import LOOKS, README
from tests.emulators.whatsapp_web.process import quick_directory
from tests.ui.detail_pane.codes import decode

ROOT = Path(__file__).parents[2]
VIEWS = (
    "nobody", "code", "waits-in-turn", "connected", "wrong-number", "reconnecting", "logged-out", "suspended",
    "expired", "question", "recovery-asks", "recovery-code", "recovered", "providers", "credentials", "queue",
    "code-zapi", "number", "switch-report", "switch-code", "switched", "code-among-all", "everybody",
)  # fmt: skip


def start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """The demo as `make demo` starts it where there is no screen, with its temporary folders in *folder*."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo", *arguments],
        cwd=ROOT,
        env={**environment, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_behind(demo: int) -> set[Path]:
    """Temporary folders of that demo, wherever this machine keeps them."""
    home = quick_directory() or Path(tempfile.gettempdir())
    return set(home.glob(f"conecta-demo-{demo}-*"))


def in_session(session: int) -> list[int]:
    """The processes that were started by the demo, or by what it started."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session:
                found.append(process.pid)
        except ProcessLookupError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_job_is_played_and_photographed(tmp_path: Path) -> None:
    with start("--into", str(tmp_path / "demo"), folder=tmp_path) as demo:
        text, _ = demo.communicate(timeout=270)
    assert demo.returncode == 0, text
    pictures = {file.stem: file for file in (tmp_path / "demo").glob("*.png")}
    for view in VIEWS:
        for look in LOOKS:
            assert [name for name in pictures if name[3:] == f"{view}-{look}"], (view, str(look))
    for name, file in pictures.items():
        assert len(decode(QImage(str(file)))) == ("-code-" in name), name
    assert not left_behind(demo.pid)
    assert not in_session(demo.pid)


@pytest.mark.slow
def test_nothing_is_left_when_it_is_interrupted(tmp_path: Path) -> None:
    """The signal reaches every process of it, as Ctrl+C in a terminal does."""
    with start("--into", str(tmp_path / "demo"), folder=tmp_path) as demo:
        assert demo.stdout is not None
        while "waits in turn" not in demo.stdout.readline():
            assert demo.poll() is None
        began = time.monotonic()
        os.killpg(demo.pid, signal.SIGINT)
        text, _ = demo.communicate(timeout=30)
    assert demo.returncode == INTERRUPTED, text
    assert "Traceback" not in text
    assert time.monotonic() - began < 15
    assert not left_behind(demo.pid)
    assert not in_session(demo.pid)


def test_the_readme_shows_every_picture_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in README.values():
        assert f"docs/pictures/{name}" in readme
        assert (ROOT / "docs" / "pictures" / name).is_file()
    assert {file.name for file in (ROOT / "docs" / "pictures").iterdir()} == set(README.values())
