"""Figures in memory, and a place for metrics where nobody listens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

from app.domain.errors import Problem
from app.domain.figures import GREATEST, Figure, FigureKey, LinkInUse, RollUp, merged
from app.domain.mentorado import LinkId
from app.domain.metrics import ReadMetrics


class FakeFigures:
    """Keeps what it is given; `roll_up` counts what a test put into `news`, a day at most in a pass."""

    def __init__(self, *, since: datetime | None = None) -> None:
        self.kept: dict[FigureKey, int] = {}
        self.news: dict[FigureKey, int] = {}
        self.asked: list[tuple[Sequence[LinkInUse], datetime]] = []
        self.until = since
        self.seen: dict[LinkId, datetime] = {}
        self.problem: Problem | None = None
        self.unreadable: Problem | None = None

    async def roll_up(self, links: Sequence[LinkInUse], now: datetime) -> RollUp:
        if self.problem is not None:
            raise self.problem
        self.asked.append((links, now))
        self.until = min(now, (self.until or now) + timedelta(days=1))
        news, self.news = self.news, {}
        await self.add(news)
        return RollUp(until=self.until, caught_up=self.until == now, counts=news)

    async def add(self, counts: Mapping[FigureKey, int]) -> None:
        self.kept = merged((self.kept, counts))

    async def totals(self, edges: Sequence[datetime]) -> Sequence[Mapping[tuple[Figure, str], int]]:
        if self.unreadable is not None:
            raise self.unreadable
        found: list[Mapping[tuple[Figure, str], int]] = []
        for begin, end in pairwise(edges):
            totals: dict[tuple[Figure, str], int] = {}
            for key, value in self.kept.items():
                if begin <= key.hour < end:
                    named, before = (key.figure, key.detail), totals.get((key.figure, key.detail), 0)
                    totals[named] = max(before, value) if key.figure in GREATEST else before + value
            found.append(totals)
        return found

    async def first_hour(self) -> datetime | None:
        return min((key.hour for key in self.kept), default=None)

    async def last_seen(self) -> Mapping[LinkId, datetime]:
        return dict(self.seen)


class FakeMetricsServer:
    """Remembers on which ports it was open, unless there is a *problem*."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self.ports: list[int] = []
        self.closed: list[int] = []
        self.read: ReadMetrics | None = None

    @asynccontextmanager
    async def open(self, port: int, read: ReadMetrics) -> AsyncIterator[None]:
        if self.problem is not None:
            raise self.problem
        self.ports.append(port)
        self.read = read
        try:
            yield
        finally:
            self.closed.append(port)
