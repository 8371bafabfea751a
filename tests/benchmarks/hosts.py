"""Sessions that share a host: what many of them take, how long their start is work, and what a host's end costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import psutil

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.links import SETTLED_SECONDS, by_number, hosts_of
from tests.benchmarks.phones import Harness, open_harness
from tests.benchmarks.spawned import Spawned, family_memory, private_memory

PACK = 8
_QUIET_SECONDS = 1.0
_SILENCE = 2.0


def measure_hosts(rounds: int, many: int) -> Iterator[Figure]:
    """Eight sessions, which have one host, and *many*, which have as many as they need."""
    with open_harness(paired=many + 1) as harness:
        yield from _pack(harness, rounds)
        yield from _many(harness, many)


def _pack(harness: Harness, rounds: int) -> Iterator[Figure]:
    memory, neonizes, ends = list[float](), list[float](), list[float]()
    session = by_number(harness)[harness.paired[-1]]
    for _ in range(rounds):
        with harness.ours(*harness.paired[:PACK]) as program, harness.neonize(session) as client:
            _wait_for_all(program, PACK)
            client.wait("connected")
            time.sleep(SETTLED_SECONDS)
            (host,) = hosts_of(program)
            memory.append(private_memory(host) / PACK)
            neonizes.append(client.private_memory())
            killed = time.monotonic()
            host.kill()
            ends.append(1000 * (_wait_for_all(program, PACK) - killed))
    yield Figure(
        name=f"private memory per live session, {PACK} in a host",
        unit="MB",
        ours=Sample.of(memory),
        against="neonize's client, one process each",
        baseline=Sample.of(neonizes),
        goal=Goal(value=4),
    )
    yield Figure(
        name=f"a host of {PACK} dies until all {PACK} are connected",
        unit="ms",
        ours=Sample.of(ends),
        goal=Goal(value=500),
    )


def _many(harness: Harness, many: int) -> Iterator[Figure]:
    with harness.ours(*harness.paired[:many]) as program:
        own_start = float(program.wait("ready").details)
        _wait_for_all(program, many)
        time.sleep(_QUIET_SECONDS)
        hosts, family = hosts_of(program), program.children()
        work = _cpu(program.process) - own_start + sum(_cpu(each) for each in family)
        time.sleep(SETTLED_SECONDS)
        memory = family_memory(family)
        hosts[0].kill()
        fallen = _connected(program, _SILENCE)
        assert len(hosts_of(program)) >= len(hosts) - 1
    yield Figure(
        name=f"{many} live sessions, all hosts and their fork server",
        unit="MB",
        ours=Sample.of([memory]),
        goal=Goal(value=400),
    )
    yield Figure(
        name=f"  processor time to start {many}, core and hosts",
        unit="ms",
        ours=Sample.of([work]),
        goal=Goal(value=2000),
    )
    yield Figure(name="  the core's own start before", unit="ms", ours=Sample.of([own_start]))
    yield Figure(name="  hosts", unit="", ours=Sample.of([float(len(hosts))]))
    yield Figure(
        name="  sessions that fell when one host was killed",
        unit="",
        ours=Sample.of([float(len(fallen))]),
        goal=Goal(value=PACK),
    )


def _wait_for_all(program: Spawned, count: int) -> float:
    """Wait until *count* of them are connected; returns when the last one was."""
    return max(program.wait("connected").at for _ in range(count))


def _connected(program: Spawned, silence: float) -> Sequence[str]:
    """Who connects until nobody does for *silence* seconds."""
    found = list[str]()
    while (line := program.poll("connected", silence)) is not None:
        found.append(line.details)
    return found


def _cpu(process: psutil.Process) -> float:
    """Milliseconds of processor time that it took so far."""
    times = process.cpu_times()
    return 1000 * (times.user + times.system)
