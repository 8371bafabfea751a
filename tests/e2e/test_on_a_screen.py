"""The stories whose actions are counted, again in windows of a real X server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STORIES = ("test_few_actions.py", "test_falls.py", "test_next_of_cohort.py")
WITHIN = 150


@pytest.fixture
def display() -> Iterator[str]:
    ready, count = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(count), "-screen", "0", "1440x900x24", "-nolisten", "tcp"],
        pass_fds=[count],
        stderr=subprocess.DEVNULL,
    )
    os.close(count)
    try:
        with os.fdopen(ready) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no Xvfb on this machine")
def test_the_stories_take_as_few_actions_on_a_real_screen(display: str) -> None:
    environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "XDG_SESSION_TYPE": "x11"}
    stories = [str(HERE / each) for each in STORIES]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *stories],
        env=environment,
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
