"""How far a fact travels through the program, as `tests.benchmarks.trace` counts it, in lines of the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned
from tests.benchmarks.trace import GOALS


def measure_hops(rounds: int) -> Iterator[Figure]:
    """The shortest of *rounds*: on a machine that has more to do, the seconds of a timer are counted along with it."""
    counts: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with Spawned("flow_hops", environment={"QT_QPA_PLATFORM": "offscreen"}) as program:
            for flow in GOALS:
                counts[flow].append(float(program.wait(flow.replace(" ", "_")).details))
    for flow, goal in GOALS.items():
        yield Figure(name=flow, unit="hops", ours=Sample.of([min(counts[flow])]), goal=Goal(value=goal))
