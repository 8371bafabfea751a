"""The window fits the screen it is on, whatever it remembers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMargins, QRect

from app.ui.main_window import fitted

SHOWN = """
import json, sys
from pathlib import Path
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from app.platform.system import SystemClock
from app.frame import Frame

app = QApplication([])
frame = Frame(app, Path(sys.argv[1]), SystemClock())
window, said = frame.window, []

def look():
    QTest.qWait(300)
    here, screen = window.geometry(), window.screen().availableGeometry()
    said.append([screen.contains(here), here.width(), here.height(), window.screen().name()])

window.show()
look()
for screen in app.screens()[1:]:
    window.windowHandle().setScreen(screen)
    look()
window.finish()
print(json.dumps(said))
"""
SMALL, LARGE = (1366, 768), (1920, 1080)


def shown_on(folder: Path, *sizes: tuple[int, int]) -> list[Any]:
    """Show the window on screens of *sizes* side by side, going from one to the next; returns how it stood on each."""
    screens, left = [], 0
    for number, (width, height) in enumerate(sizes):
        common = {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
        screens.append({"name": str(number), "x": left, "y": 0, "width": width, "height": height, **common})
        left += width
    config = folder / "screens.json"
    config.write_text(json.dumps({"screens": screens}))
    environment = {**os.environ, "QT_QPA_PLATFORM": f"offscreen:configfile={config}"}
    command = [sys.executable, "-c", SHOWN, str(folder / "window.ini")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    items: list[Any] = json.loads(done.stdout)
    return items


@pytest.mark.parametrize("size", [SMALL, (1280, 720), (1024, 600)])
def test_the_first_window_fits_a_small_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    ((inside, width, height, _name),) = shown_on(tmp_path, size)
    assert inside
    assert width < size[0]
    assert height < size[1] - 30, "the title bar is on the screen too"


def test_what_a_large_screen_remembers_fits_a_small_one_and_so_it_does_when_the_large_one_goes(tmp_path: Path) -> None:
    (large, small) = shown_on(tmp_path, LARGE, SMALL)
    assert large == [True, 1240, 860, "0"]
    assert (small[0], small[3]) == (True, "1")
    (again,) = shown_on(tmp_path, SMALL)
    assert again[0]


LENGTHS = st.integers(min_value=1, max_value=5000)
PLACES = st.integers(min_value=-10_000, max_value=10_000)


@given(PLACES, PLACES, LENGTHS, LENGTHS, PLACES, PLACES, st.integers(100, 5000), st.integers(100, 5000))
def test_wherever_it_stood_all_of_it_is_inside_and_it_never_grows(
    x: int, y: int, width: int, height: int, left: int, top: int, wide: int, high: int
) -> None:
    window, available, frame = QRect(x, y, width, height), QRect(left, top, wide, high), QMargins(1, 38, 1, 1)
    got = fitted(window, available, frame)
    assert available.contains(got.marginsAdded(frame))
    assert got.width() <= width
    assert got.height() <= height
    assert fitted(got, available, frame) == got
    if available.contains(window.marginsAdded(frame)):
        assert got == window
