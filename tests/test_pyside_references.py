"""PySide6 6.12 on Python before 3.12 loses one reference to None, True or False per call (docs/decisions/0001).

A test suite is too short to die of it; the program dies after minutes. So the references themselves are counted.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

EMITTING = """
import sys
from PySide6.QtCore import QObject, Signal

class Bell(QObject):
    rang = Signal(bool, object)

heard = []
bell = Bell()
bell.rang.connect(lambda on, what: heard.append(on) if what else None)
references = sys.getrefcount(None), sys.getrefcount(True), sys.getrefcount(False)
for _ in range(20_000):
    bell.rang.emit(False, None)
    bell.setObjectName("bell")
    bell.blockSignals(False)
after = sys.getrefcount(None), sys.getrefcount(True), sys.getrefcount(False)
mortal = sys.version_info < (3, 12)
assert not mortal or all(abs(now - before) < 100 for before, now in zip(references, after)), (references, after)
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12: its count says nothing")
def test_a_call_costs_no_reference_to_none() -> None:
    from PySide6.QtCore import QObject

    target = QObject()
    before = sys.getrefcount(None)
    for _ in range(1_000):
        target.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 100


def test_twenty_thousand_emits_are_survived() -> None:
    """In a process of its own: with the fault, the interpreter aborts."""
    done = subprocess.run([sys.executable, "-c", EMITTING], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lock_holds_no_pyside_that_loses_references() -> None:
    """Python 3.11 is supported, so the lock, which serves every Python, must stay below 6.12."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {p["name"]: p["version"] for p in lock["package"] if p["name"].startswith(("pyside6", "shiboken6"))}
    assert set(locked) == {"pyside6-essentials", "shiboken6"}
    assert all((6, 11) <= tuple(map(int, version.split(".")[:2])) < (6, 12) for version in locked.values()), locked


def test_the_project_refuses_such_a_pyside() -> None:
    """An installation without our lock reads this pin."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [pin] = [requirement for requirement in project["dependencies"] if requirement.startswith("pyside6")]
    assert "<6.12" in pin
    assert ";" not in pin  # for every Python
