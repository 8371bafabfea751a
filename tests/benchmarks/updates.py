"""How quickly the window answers while ten thousand statuses a second arrive."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned

WANTED = 10_000


def measure_updates(rounds: int, seconds: float) -> Iterator[Figure]:
    """Each round is *seconds* long, and follows half as long a rest."""
    lines = []
    with Spawned("many_updates", str(rounds), str(seconds), environment={"QT_QPA_PLATFORM": "offscreen"}) as program:
        for _ in range(rounds):
            lines.append([float(value) for value in program.wait("round").details.split()])
    idle, busy, applied = (Sample.of(column) for column in zip(*lines, strict=True))
    yield Figure(
        name=f"loop latency p99 at {WANTED:,} status updates/s, 1,000 rows",
        unit="ms",
        ours=busy,
        against="the same window at rest",
        baseline=idle,
        goal=Goal(value=4.0),
    )
    yield Figure(name="  updates applied", unit="/s", ours=applied)
