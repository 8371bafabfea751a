"""What a hand feels in the window over a thousand people: from its click or key to the picture that answers."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.storage.audit_log import SqlAuditLog
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned
from tests.emulators.whatsapp_web.process import quick_directory
from tests.ui.audit.conftest import record
from tests.ui.window_harness import person

PEOPLE, AUDITED = 1_000, 500
_AGAINST = "the same of Qt's own widgets"
_USES = (
    ("click", "row click", 50),
    ("letter", "a letter in the search", 50),
    ("palette", "palette, first open", 150),
)
_PAGE, _PAGE_GOAL = "page-", 200

_Times = defaultdict[str, list[tuple[float, float]]]
"""Of each use: when the first picture was there that answers it, and when the last."""


def measure_felt(rounds: int) -> Iterator[Figure]:
    """Use both windows in turn, *rounds* times after a first that is not counted; each is a new process."""
    ours, usual = _Times(list), _Times(list)
    with tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory()) as folder:
        asyncio.run(_fill(Path(folder) / "conecta.db"))
        environment = {"CONECTA_DATA_DIR": folder, "QT_QPA_PLATFORM": "offscreen"}
        for number in range(-1, rounds):
            _use("felt_usual", number, environment, usual if number >= 0 else _Times(list))
            _use("felt_window", number, environment, ours if number >= 0 else _Times(list))
    pages = [(name, f"page {name.removeprefix(_PAGE)}, first open", _PAGE_GOAL) for name in ours if _PAGE in name]
    for name, words, goal in (*_USES, *sorted(pages)):
        yield Figure(
            name=f"{words}, {PEOPLE:,} rows",
            unit="ms",
            ours=Sample.of([first for first, _ in ours[name]]),
            against=_AGAINST,
            baseline=Sample.of([first for first, _ in usual[name.split("-")[0]]]),
            goal=Goal(value=goal),
        )
        if name != "palette":  # what is read from the database, or laid out again, comes later
            yield Figure(name="  until its last picture", unit="ms", ours=Sample.of([last for _, last in ours[name]]))


def _use(program: str, number: int, environment: Mapping[str, str], into: _Times) -> None:
    with Spawned(program, str(number), environment=environment) as running:
        while (line := running.next_line()).name != "used":
            first, last = line.details.split()
            into[line.name].append((float(first), float(last)))


async def _fill(file: Path) -> None:
    """Everybody, and some days of work."""
    async with Database(file) as database:
        mentorado_repository, audit = SqlMentoradoRepository(database), SqlAuditLog(database)
        for number in range(PEOPLE):
            await mentorado_repository.add(person(number))
        for number in range(AUDITED):
            await audit.record(record(number))
