"""History, as `tests.benchmarks.history` measures it, in lines of the table."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.history import ReadTimes, StoreRate, read_times, rows_per_second


def measure_history(stored: int, read: int, rounds: int) -> Iterator[Figure]:
    """Store *stored* messages *rounds* times, and read where there are *read*."""
    rates = [_stored(stored) for _ in range(rounds)]
    yield Figure(
        name="storing a message, in batches of 100",
        unit="ms",
        ours=Sample.of([1000 / rate.stored for rate in rates]),
        against="bare sqlite3, the same rows",
        baseline=Sample.of([1000 / rate.bare for rate in rates]),
        goal=Goal(ratio=2),
    )
    yield Figure(
        name="  and making it findable",
        unit="ms",
        ours=Sample.of([1000 / rate.findable for rate in rates]),
        against="bare sqlite3, the same rows",
        baseline=Sample.of([1000 / rate.bare for rate in rates]),
        goal=Goal(ratio=2.5),
    )
    times = _read(read)
    for name, value in (
        ("opening a conversation", times.open_conversation),
        ("scrolling it back", times.scroll_back),
        ("listing conversations", times.list_conversations),
        ("searching everybody", times.search_everybody),
        ("searching one mentorado", times.search_one),
    ):
        yield Figure(name=f"{name}, p95 of {read:,} messages", unit="ms", ours=Sample.of([value]))


def _stored(count: int) -> StoreRate:
    with contextlib.redirect_stdout(io.StringIO()):  # it also prints what it returns
        return rows_per_second(count=count)


def _read(count: int) -> ReadTimes:
    with contextlib.redirect_stdout(io.StringIO()):
        return read_times(count)
