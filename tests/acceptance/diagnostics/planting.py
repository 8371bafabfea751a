"""How a fault is planted, and what `conecta doctor` has to say of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest

from app.domain.diagnosis import DiagnosisCode as C
from app.domain.errors import ProblemCode
from tests.acceptance.diagnostics.machine import MOUNTS, Machine

Plant = Callable[[Machine], AbstractContextManager[object] | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """*says* and *step* are words of the evidence and of the next step; *also* is what else follows from the fault."""

    name: str
    plant: Plant
    code: C
    step: str
    says: str = ""
    problem: ProblemCode | None = None
    also: frozenset[C] = frozenset()
    needs: str = ""  # a program of the system, without which it cannot be planted

    def planted(self, machine: Machine) -> AbstractContextManager[object]:
        return self.plant(machine) or nullcontext()


FAULTS: Final[list[Fault]] = []


def fault(
    code: C,
    step: str,
    *,
    says: str = "",
    problem: ProblemCode | None = None,
    also: tuple[C, ...] = (),
    needs: str = "",
) -> Callable[[Plant], Plant]:
    def add(plant: Plant) -> Plant:
        name = getattr(plant, "__name__", "")
        FAULTS.append(Fault(name, plant, code, step, says, problem, frozenset(also), needs))
        return plant

    return add


def as_parameters() -> list[object]:
    return [
        pytest.param(
            each,
            id=each.name,
            marks=pytest.mark.skipif(not have(each.needs), reason=f"cannot be planted without {each.needs}"),
        )
        for each in FAULTS
    ]


@cache
def have(needed: str) -> bool:
    if needed == "mount":
        tried = [*MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"]
        return (
            shutil.which("unshare") is not None
            and subprocess.run(tried, capture_output=True, check=False).returncode == 0
        )
    if needed == "root":
        return os.geteuid() == 0
    if needed == "permissions":
        return os.geteuid() != 0 or shutil.which("setpriv") is not None
    return not needed or shutil.which(needed) is not None
