"""The guards in conftest.py bark: some of these tests look fine by themselves, and must not pass."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parent.parent

TESTS = """
import asyncio, logging

async def forever():
    await asyncio.Event().wait()

async def forget():
    forget.task = asyncio.get_running_loop().create_task(forever())
    await asyncio.sleep(0)

def test_forgets_a_task(): asyncio.run(forget())
def test_forgets_a_task_on_qt(on_qt): on_qt(forget)
def test_logs(): logging.getLogger("x").warning("hm")
def test_hangs(on_qt): on_qt(forever, within=0.1)

def test_logs_knowingly(caplog): logging.getLogger("x").warning("hm")
def test_informs(): logging.getLogger("x").info("hm")
def test_works(on_qt): assert on_qt(lambda: asyncio.sleep(0, "done")) == "done"
"""


SPINS = """
def test_swallows_every_end():
    while True:
        try:
            while True: pass
        except BaseException: pass
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("guards") / "test_it.py"
    file.write_text(TESTS, encoding="utf-8")
    guarded = ["-p", "tests.conftest", "--noconftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command = [sys.executable, "-m", "pytest", *guarded, "-rA", "--tb=no", str(file)]
    wide = {**os.environ, "COLUMNS": "400"}  # pytest shortens its summary to the width of the screen
    return subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.parametrize(
    "complaint",
    [
        "test_forgets_a_task - Failed: tasks left running",
        "test_forgets_a_task_on_qt - Failed: tasks left running",
        "test_logs - Failed: unexpected in the log",
        "test_hangs - TimeoutError",
    ],
)
def test_guards_complain(complaint: str, report: str) -> None:
    assert f"::{complaint}" in report


@pytest.mark.parametrize("test", ["test_logs_knowingly", "test_informs", "test_works"])
def test_guards_let_pass(test: str, report: str) -> None:
    assert f"::{test}\n" in report
    assert f"::{test} - " not in report


def test_a_run_that_takes_too_long_is_ended_and_names_the_test(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(SPINS, encoding="utf-8")
    guarded = ["-p", "tests.conftest", "--noconftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command = [sys.executable, "-m", "pytest", *guarded, str(file)]
    hurried = {**os.environ, "CONECTA_TEST_MINUTES": "0.02"}
    run = subprocess.run(command, cwd=ROOT, env=hurried, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 3
    assert "::test_swallows_every_end, for" in run.stderr


async def test_waiting_for_what_is_true_already_still_lets_the_loop_run() -> None:
    """A test that waits in a loop would otherwise spin for ever, and take the timeout on the loop with it."""
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    await until(lambda: True)
    assert ran
