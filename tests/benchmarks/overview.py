"""How soon the overview is there: the program over a year of figures of 500 links."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain.uptime import TimeRange
from app.storage.database import Database
from app.storage.figures import SqlFigures
from app.storage.mentorados import SqlMentoradoRepository
from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned
from tests.emulators.whatsapp_web.process import quick_directory
from tests.past_figures import past_figures
from tests.ui.window_harness import person

LINKS, GOAL = 500, 100


def measure_overview(rounds: int, days: int) -> Iterator[Figure]:
    """Open the page in *rounds* processes over *days* of figures, and look at each span."""
    times: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory()) as folder:
        asyncio.run(_fill(Path(folder) / "conecta.db", days))
        for number in range(rounds):
            _use(number, folder, times)
    past = f"{days} days of {LINKS} links"
    yield Figure(
        name=f"overview, first open, {past}",
        unit="ms",
        ours=Sample.of([first for first, _ in times["open"]]),
        goal=Goal(value=GOAL),
    )
    yield Figure(name="  until its last picture", unit="ms", ours=Sample.of([last for _, last in times["open"]]))
    for span in (TimeRange.WEEK, TimeRange.MONTH, TimeRange.QUARTER):
        yield Figure(
            name=f"overview, {span.length.days} days, {past}",
            unit="ms",
            ours=Sample.of([first for first, _ in times[span]]),
            goal=Goal(value=GOAL),
        )


def _use(number: int, folder: str, into: defaultdict[str, list[tuple[float, float]]]) -> None:
    environment = {"CONECTA_DATA_DIR": folder, "QT_QPA_PLATFORM": "offscreen"}
    with Spawned("overview_page", str(number), environment=environment) as running:
        while (line := running.next_line()).name != "used":
            first, last = line.details.split()
            into[line.name].append((float(first), float(last)))


async def _fill(file: Path, days: int) -> None:
    """Everybody, and figures that are counted up to now."""
    now = datetime.now(UTC)
    async with Database(file) as database:
        repository, figures = SqlMentoradoRepository(database), SqlFigures(database)
        for number in range(LINKS):
            await repository.add(replace(person(number), created_at=now - timedelta(hours=1)))
        await figures.roll_up([], now)
        await figures.add(past_figures(now, timedelta(days=days), links=LINKS))
