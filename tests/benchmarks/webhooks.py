"""How quickly the window answers, and a provider is answered, while a thousand webhooks a second arrive."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned

WANTED = 1_000


def measure_webhooks(rounds: int, seconds: float) -> Iterator[Figure]:
    """Each round is *seconds* long, after half as long a rest, and ends when all of it is in the history."""
    lines = []
    arguments = (str(rounds), str(seconds), str(WANTED))
    with Spawned("webhook_window", *arguments, environment={"QT_QPA_PLATFORM": "offscreen"}) as program:
        for _ in range(rounds):
            lines.append([float(value) for value in program.wait("round").details.split()])
    idle, busy, sent, median, slowest, refused = (Sample.of(column) for column in zip(*lines, strict=True))
    yield Figure(
        name=f"loop latency p99 at {WANTED:,} webhooks/s, 1,000 rows",
        unit="ms",
        ours=busy,
        against="the same window at rest",
        baseline=idle,
        goal=Goal(value=16.0),
    )
    yield Figure(name="  deliveries answered", unit="/s", ours=sent)
    yield Figure(name="  an answer, which is on disk, median", unit="ms", ours=median)
    yield Figure(name="  an answer, p99", unit="ms", ours=slowest)
    yield Figure(name="  deliveries refused", unit="", ours=refused)
