"""From a click to a code, from a start to a connected session, and what that holds, against neonize's own client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.phones import Harness, open_harness
from tests.benchmarks.spawned import Spawned, family_memory

LIVE = 3
SETTLED_SECONDS = 3.0
_THIRD = Goal(ratio=1 / 3)
_NEONIZE, _WITHOUT_IMPORT = "neonize's client: new process, import, connect", "neonize's client, import not counted"


def measure_codes(rounds: int) -> Iterator[Figure]:
    """A first pairing, up to the code; nobody scans it."""
    with open_harness() as harness:
        yield from _both(harness, rounds, "qr_ready", "click to qr_ready", stored=False)


def measure_connects(rounds: int) -> Iterator[Figure]:
    """A session that was paired before; each client has one of its own."""
    with open_harness(paired=2) as harness:
        yield from _both(harness, rounds, "connected", "start to connected of a stored session", stored=True)


def measure_sessions(rounds: int) -> Iterator[Figure]:
    """The private memory of a live session's process: of three at once, and of the only one."""
    together, alone, neonizes = list[float](), list[float](), list[float]()
    with open_harness(paired=2 * LIVE) as harness:
        sessions = by_number(harness)
        for _ in range(rounds):
            clients = [harness.neonize(sessions[number]) for number in harness.paired[LIVE:]]
            try:
                for client in clients:
                    client.wait("connected")
                together.append(_hosts_memory(harness, harness.paired[:LIVE]) / LIVE)
                alone.append(_hosts_memory(harness, harness.paired[:1]))
                neonizes += [client.private_memory() for client in clients]
            finally:
                for client in clients:
                    client.end()
    yield Figure(
        name=f"private memory per live session, each alone in its host ({LIVE} at once, with their fork server)",
        unit="MB",
        ours=Sample.of(together),
        against="neonize's client, one process each",
        baseline=Sample.of(neonizes),
        goal=Goal(ratio=1 / 2, value=25),
    )
    yield Figure(name="  of the only session", unit="MB", ours=Sample.of(alone))


def _hosts_memory(harness: Harness, numbers: Sequence[str]) -> float:
    """What the hosts of *numbers* take, each with a host of its own, and what they were forked from."""
    with harness.ours(*numbers, per_host=1) as program:
        for _ in numbers:
            program.wait("connected")
        time.sleep(SETTLED_SECONDS)
        return family_memory(program.children())


def _both(harness: Harness, rounds: int, until: str, name: str, *, stored: bool) -> Iterator[Figure]:
    asked, whole, neonize, without_import = [], [], [], []
    sessions = by_number(harness)
    for counted in range(rounds + 1):
        number = harness.paired[0] if stored else f"+551198765{5000 + counted}"
        with harness.ours(number) as program:
            began, ended = program.wait("asked").at, program.wait(until).at
            started = program.started
            program.close()
        file = sessions[harness.paired[1]] if stored else harness.folder / f"fresh-{counted}.db"
        with harness.neonize(file) as client:
            imported, arrived = client.wait("imported").at, client.wait(until).at
        if counted:
            asked.append(1000 * (ended - began))
            whole.append(1000 * (ended - started))
            neonize.append(1000 * (arrived - client.started))
            without_import.append(1000 * (arrived - imported))
    ours, theirs = Sample.of(asked), Sample.of(neonize)
    yield Figure(name=name, unit="ms", ours=ours, against=_NEONIZE, baseline=theirs, goal=_THIRD)
    yield Figure(name="  the same", unit="ms", ours=ours, against=_WITHOUT_IMPORT, baseline=Sample.of(without_import))
    whole_name = "  with the start of our core and its database"
    yield Figure(name=whole_name, unit="ms", ours=Sample.of(whole), against=_NEONIZE, baseline=theirs)


def by_number(harness: Harness) -> dict[str, Path]:
    """The session file of each. They are named by the time of their pairing, and were paired in order."""
    return dict(zip(harness.paired, sorted(harness.sessions(), key=lambda file: file.name), strict=True))


def hosts_of(program: Spawned) -> list[psutil.Process]:
    """The session hosts of *program*."""
    return [child for child in program.children() if not child.children()]
