"""History, as `tests.benchmarks.history` measures it, in lines of the table."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.history import StoreRate, make_history, read_history, rows_per_second
from tests.benchmarks.spawned import Spawned
from tests.emulators.whatsapp_web.process import quick_directory


def measure_history(stored: int, read: int, rounds: int) -> Iterator[Figure]:
    """Store *stored* messages *rounds* times, and read and look at a database with *read* of them."""
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
    with tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory()) as folder:
        path = Path(folder) / "conecta.db"
        talks = asyncio.run(make_history(path, read))
        times = asyncio.run(read_history(path, talks, read, 200))
        looked = _look_at(folder, min(rounds, 3))
    for name, value in (
        ("reading a conversation's end", times.open_conversation),
        ("scrolling it back", times.scroll_back),
        ("listing conversations", times.list_conversations),
        ("searching everybody", times.search_everybody),
        ("searching one mentorado", times.search_one),
    ):
        yield Figure(name=f"{name}, p95 of {read:,} messages", unit="ms", ours=Sample.of([value]))
    for name, words, goal in (
        ("talk", "opening a conversation in the window", Goal(value=50)),
        ("search", "searching everybody in the window", None),
    ):
        yield Figure(
            name=f"{words}, p95 of {read:,} messages",
            unit="ms",
            ours=Sample.of([Sample.of(times).p95 for times in looked[name]]),
            goal=goal,
        )


def _look_at(folder: str, rounds: int) -> defaultdict[str, list[list[float]]]:
    """What the window takes, in each of *rounds* processes after a first that is not counted."""
    times: defaultdict[str, list[list[float]]] = defaultdict(list)
    environment = {"CONECTA_DATA_DIR": folder, "QT_QPA_PLATFORM": "offscreen"}
    for number in range(-1, rounds):
        taken: defaultdict[str, list[float]] = defaultdict(list)
        with Spawned("opened_talk", str(number), environment=environment) as running:
            while (line := running.next_line()).name != "used":
                taken[line.name].append(float(line.details.split()[0]))
        for name, each in taken.items():
            if number >= 0:
                times[name].append(each)
    return times


def _stored(count: int) -> StoreRate:
    with contextlib.redirect_stdout(io.StringIO()):  # it also prints what it returns
        return rows_per_second(count=count)
