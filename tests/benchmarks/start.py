"""From the start of the process to the first picture of the window, against an empty window's; and what both hold."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned
from tests.emulators.whatsapp_web.process import quick_directory
from tests.storage.people import new_mentorado

PEOPLE = 128
_EMPTY = "an empty window"


def measure_start(rounds: int) -> Iterator[Figure]:
    """Start both in turn, *rounds* times after a first that is not counted, without a screen and on a real one."""
    with _database() as data:
        yield from _start("no screen", {**data, "QT_QPA_PLATFORM": "offscreen"}, rounds)
        if which("Xvfb"):
            with _screen() as screen:
                yield from _start("X11", {**data, **screen}, rounds)


def measure_memory(rounds: int, settled: float) -> Iterator[Figure]:
    """The memory of the running program and of an empty window, *settled* seconds after their start.

    The first start is not counted: later ones find something in the audit log, and read its key from the keyring.
    """
    with _database() as data:
        environment = {**data, "QT_QPA_PLATFORM": "offscreen"}
        ours, empty = [], []
        for counted in range(rounds + 1):
            taken = (
                _memory("conecta_window", "known", environment, settled),
                _memory("empty_window", "painted", environment, settled),
            )
            if counted:
                ours.append(taken[0])
                empty.append(taken[1])
    for name, of, goal in (
        (f"memory of the app, {PEOPLE} mentorados", 0, Goal(ratio=1.5)),
        ("  of which its own, no library's file", 1, None),
    ):
        yield Figure(
            name=name,
            unit="MB",
            ours=Sample.of([each[of] for each in ours]),
            against=_EMPTY,
            baseline=Sample.of([each[of] for each in empty]),
            goal=goal,
        )


def _memory(name: str, ready: str, environment: Mapping[str, str], settled: float) -> tuple[float, float]:
    with Spawned(name, environment=environment) as program:
        program.wait(ready)
        time.sleep(settled)
        return program.resident_memory(), program.own_memory()


def _start(where: str, environment: Mapping[str, str], rounds: int) -> Iterator[Figure]:
    painted, filled, known, empty = [], [], [], []
    for counted in range(rounds + 1):
        with Spawned("empty_window", environment=environment) as program:
            baseline = program.milliseconds_until("painted")
        with Spawned("conecta_window", environment=environment) as program:
            first, whole, usable = map(program.milliseconds_until, ("painted", "filled", "known"))
        if counted:
            empty.append(baseline)
            painted.append(first)
            filled.append(whole)
            known.append(usable)
    baseline_sample = Sample.of(empty)
    yield Figure(
        name=f"start to first painted window ({where})",
        unit="ms",
        ours=Sample.of(painted),
        against=_EMPTY,
        baseline=baseline_sample,
        goal=Goal(ratio=1.5),
    )
    yield Figure(
        name=f"start to {PEOPLE} mentorados in the list ({where})",
        unit="ms",
        ours=Sample.of(filled),
        against=_EMPTY,
        baseline=baseline_sample,
        goal=Goal(ratio=2.2),
    )
    yield Figure(
        name="  until what is true of them is known, and they can be worked with",
        unit="ms",
        ours=Sample.of(known),
        against=_EMPTY,
        baseline=baseline_sample,
    )


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Settings that name a data folder with people in it."""
    with tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory()) as folder:
        asyncio.run(_add_mentorado(Path(folder) / "conecta.db"))
        yield {"CONECTA_DATA_DIR": folder}


async def _add_mentorado(file: Path) -> None:
    async with Database(file) as database:
        mentorado_repository = SqlMentoradoRepository(database)
        for number in range(PEOPLE):
            await mentorado_repository.add(new_mentorado(f"Pessoa {number}", f"+5511987{number:06}"))


@contextmanager
def _screen() -> Iterator[dict[str, str]]:
    """A real X server that nobody looks at."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as iowrapper:
            number = iowrapper.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    finally:
        server.terminate()
        server.wait()
