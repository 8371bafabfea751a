"""Filling, scrolling and searching the list, against a `QTableWidget` with the same words in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned

_AGAINST = "QTableWidget"
_FRAMES, _LETTERS = 30, 6


def measure_rows(sizes: Sequence[int], rounds: int) -> Iterator[Figure]:
    """*rounds* processes of each kind for the smaller sizes, and one for 100,000 rows, which take a minute."""
    for size in sizes:
        ours: dict[str, list[float]] = {"fill": [], "frame": [], "filter": []}
        usual: dict[str, list[float]] = {"fill": [], "frame": [], "filter": []}
        for _ in range(rounds if size < 100_000 else 1):
            _run("ours", size, ours)
            _run("usual", size, usual)
        for what, name in (("fill", "fill"), ("frame", "frame after a jump"), ("filter", "filter, by letter")):
            yield Figure(
                name=f"{name}, {size:,} rows",
                unit="ms",
                ours=Sample.of(ours[what]),
                against=_AGAINST,
                baseline=Sample.of(usual[what]),
                goal=Goal(ratio=1),
            )


def _run(kind: str, size: int, into: dict[str, list[float]]) -> None:
    with Spawned("long_list", kind, str(size), environment={"QT_QPA_PLATFORM": "offscreen"}) as program:
        into["fill"].append(float(program.wait("fill", within=120).details))
        into["frame"] += [float(program.wait("frame").details) for _ in range(_FRAMES)]
        into["filter"] += [float(program.wait("filter").details) for _ in range(_LETTERS)]
