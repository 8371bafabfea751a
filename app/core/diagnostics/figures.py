"""Adds up what happened to all links, once a minute, and reads it for the overview."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.mentorado_service import MentoradoService
from app.core.trusted_time import TrustedClock
from app.core.write_queue import WriteQueue
from app.domain.errors import Problem
from app.domain.figures import Figure, FigureKey, FigureRepository, LinkInUse, Overview, hour_of
from app.domain.history_bar import bucket_edges
from app.domain.link_status import LinkStatus
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.switch import SwitchItem, SwitchRun
from app.domain.tenure import tenures
from app.domain.uptime import TimeRange

log = logging.getLogger(__name__)

FIRST_SECONDS: Final = 5.0
"""After the start of the program; by then the links are as they were when it ended, or on their way."""

EVERY_SECONDS: Final = 60.0
BETWEEN_PASSES: Final = 0.2
"""Seconds, while a long time is caught up with: the database has other work, too."""

Memory = Callable[[], Awaitable[Sequence[int]]]
"""Bytes of each session host that runs now; empty where the system does not tell."""


@dataclass(frozen=True, slots=True)
class MemorySample:
    """What the session hosts need now. *hosts* is 0 as long as nothing was measured."""

    hosts: int = 0
    used: int = 0  # bytes


class FigureCollector:
    """Counts in passes. While the computer's clock is in doubt nothing is counted; it is made up for afterwards."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        repository: FigureRepository,
        write_queue: WriteQueue,
        mentorados: MentoradoService,
        status: Callable[[LinkId], LinkStatus],
        switches: Callable[[], Iterable[SwitchRun]],
        memory: Memory,
    ) -> None:
        self._clock = clock
        self._repository = repository
        self._write_queue = write_queue
        self._mentorados = mentorados
        self._status = status
        self._switches = switches
        self._memory = memory
        self.until: datetime | None = None
        """Up to when everything is counted; None before the first pass."""
        self.counted: Counter[tuple[Figure, str, str]] = Counter()
        """What was counted since the program had caught up with what was before it, by figure, provider and detail."""
        self.memory = MemorySample()

    async def run(self) -> None:
        """Count, until cancelled."""
        await self._clock.loaded.wait()
        await self._clock.sleep(FIRST_SECONDS)
        live = False
        while True:
            caught_up = True
            try:
                caught_up = await self.count(live=live)
                live = live or caught_up
            except Problem as problem:
                log.info("The figures could not be counted, and are tried again: %s", problem.code)
            await self._clock.sleep(EVERY_SECONDS if caught_up else BETWEEN_PASSES)

    async def count(self, *, live: bool = True) -> bool:
        """Make one pass; returns whether it reached the present. Raises `Problem`. Without *live*, it is old news."""
        if self._clock.doubt is not None:
            return True
        await self._write_queue.flush()
        now = self._clock.now()
        result = await self._repository.roll_up(self._links(), now)
        self.until = result.until
        if live:
            for key, value in result.counts.items():
                self.counted[key.figure, key.provider, key.detail] += value
        if result.caught_up:
            await self._measure(now)
        return result.caught_up

    async def _measure(self, now: datetime) -> None:
        sizes = await self._memory()
        self.memory = MemorySample(len(sizes), sum(sizes))
        if sizes:
            hour, used = hour_of(now), sum(sizes)
            sample = {Figure.MEMORY: used, Figure.MEMORY_SAMPLES: 1, Figure.MEMORY_MOST: used}
            await self._repository.add({FigureKey(hour, name, "", ""): value for name, value in sample.items()})

    def _links(self) -> list[LinkInUse]:
        """Which link carried each mentorado's messages when, as far as that was not counted yet."""
        items: defaultdict[MentoradoId, list[SwitchItem]] = defaultdict(list)
        for run in self._switches():
            for item in run.items:
                items[item.mentorado_id].append(item)
        found = []
        for mentorado in self._mentorados.all():
            known = {link.id: link for link in self._mentorados.links_of(mentorado.id)}
            for each in tenures(mentorado.link.id, items[mentorado.id]):
                end = each.end or mentorado.archived_at
                link = known.get(each.link_id)
                if link is None or (end is not None and self.until is not None and end <= self.until):
                    continue
                begin = each.begin or mentorado.created_at
                found.append(LinkInUse(link.id, link.provider, begin, end, self._status(link.id)))
        return found


class OverviewService:
    """Reads the figures of a time range."""

    def __init__(self, *, repository: FigureRepository, collector: FigureCollector, clock: TrustedClock) -> None:
        self._repository = repository
        self._collector = collector
        self._clock = clock

    async def read(self, span: TimeRange) -> Overview:
        """What was counted in *span*, which ends now. Raises `Problem`."""
        edges = bucket_edges(span, self._clock.now())
        totals: Sequence[Mapping[tuple[Figure, str], int]] = await self._repository.totals(edges)
        first = await self._repository.first_hour()
        return Overview(edges=edges, counts=tuple(totals), first_hour=first, until=self._collector.until)
