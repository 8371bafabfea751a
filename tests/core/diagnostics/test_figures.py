"""When what happened to the links is counted, and of which links."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from app.core.background import BackgroundTasks
from app.core.diagnostics.figures import (
    BETWEEN_PASSES,
    EVERY_SECONDS,
    FIRST_SECONDS,
    FigureCollector,
    MemorySample,
    OverviewService,
)
from app.core.trusted_time import TrustedClock
from app.domain.errors import Problem, ProblemCode
from app.domain.figures import Figure, FigureKey
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.switch import SwitchItem, SwitchItemState, SwitchPlan, SwitchRun, SwitchRunId
from app.domain.uptime import TimeRange
from tests.clock import DAWN, settle
from tests.fake_figures import FakeFigures
from tests.fakes import FakeProviderTime, FakeTimeRecords
from tests.services import Core

FALL = FigureKey(DAWN, Figure.FAILURE, "whatsapp_web", "network_down")
COUNTED = (Figure.FAILURE, "whatsapp_web", "network_down")


class Counting:
    """A collector over the core, with what a test says of memory and switches."""

    def __init__(self, core: Core) -> None:
        self.clock = core.clock
        self.figures = FakeFigures()
        self.sizes: list[int] = []
        self.runs: list[SwitchRun] = []
        self.trusted = TrustedClock(
            core.clock, records=FakeTimeRecords(), provider_time=FakeProviderTime(), elapsed=self.elapsed
        )
        self.jump = timedelta()
        self.collector = FigureCollector(
            clock=self.trusted,
            repository=self.figures,
            write_queue=core.write_queue,
            mentorados=core.mentorados,
            status=core.supervisor.status,
            switches=lambda: self.runs,
            memory=self.memory,
        )

    def elapsed(self) -> float:
        return (self.clock.now() - DAWN - self.jump).total_seconds()

    async def memory(self) -> Sequence[int]:
        return self.sizes


def test_it_counts_once_a_minute_from_when_the_links_are_known(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        async with BackgroundTasks(counting.collector.run):
            await core.clock.advance(3600)
            assert counting.figures.asked == []  # the clock is not known yet
            await counting.trusted.load()
            await settle()
            await core.clock.advance(FIRST_SECONDS)
            assert len(counting.figures.asked) == 1
            await core.clock.advance(3 * EVERY_SECONDS)
            assert len(counting.figures.asked) == 4
            assert counting.collector.until == counting.figures.until

    asyncio.run(main())


def test_what_happened_before_is_caught_up_with_day_by_day_and_is_no_news(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        counting.figures.until = DAWN - timedelta(days=3.5)
        counting.figures.news = {FALL: 1}
        await counting.trusted.load()
        async with BackgroundTasks(counting.collector.run):
            await core.clock.advance(FIRST_SECONDS + 4 * BETWEEN_PASSES)
            assert len(counting.figures.asked) == 4
            assert counting.collector.until == core.clock.now() - timedelta(seconds=BETWEEN_PASSES)
            assert counting.collector.counted == {}
            counting.figures.news = {FALL: 2}
            await core.clock.advance(EVERY_SECONDS)
            assert counting.collector.counted == {COUNTED: 2}
            assert counting.figures.kept[FALL] == 3

    asyncio.run(main())


def test_while_the_clock_is_in_doubt_nothing_is_counted(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        await counting.trusted.load()
        counting.jump = timedelta(days=400)
        core.clock.time += counting.jump
        assert await counting.collector.count()
        assert counting.figures.asked == []
        core.clock.time -= counting.jump
        counting.jump = timedelta()
        assert await counting.collector.count()
        assert [now for _links, now in counting.figures.asked] == [DAWN]

    asyncio.run(main())


def test_a_database_that_is_locked_is_asked_again_a_minute_later(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        await counting.trusted.load()
        counting.figures.problem = Problem(ProblemCode.DATABASE_LOCKED)
        async with BackgroundTasks(counting.collector.run):
            await core.clock.advance(FIRST_SECONDS)
            counting.figures.problem = None
            await core.clock.advance(EVERY_SECONDS)
            assert len(counting.figures.asked) == 1

    asyncio.run(main())


def test_the_memory_of_the_hosts_is_measured_where_the_system_tells(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        await counting.trusted.load()
        await counting.collector.count()
        assert counting.collector.memory == MemorySample()
        for sizes in ([20, 30], [40]):
            counting.sizes = sizes
            await counting.collector.count()
        assert counting.collector.memory == MemorySample(hosts=1, used=40)
        kept = {key.figure: value for key, value in counting.figures.kept.items()}
        assert kept == {Figure.MEMORY: 90, Figure.MEMORY_SAMPLES: 2, Figure.MEMORY_MOST: 50}

    asyncio.run(main())


def test_a_link_counts_while_it_was_in_use(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        await counting.trusted.load()
        ana = await core.add()
        former = ana.link
        zapi = await core.mentorados.prepare_link(ana.id, ProviderKind.ZAPI)
        await core.mentorados.put_in_use(zapi.id)
        switched_at = DAWN + timedelta(hours=1)
        item = SwitchItem(
            run_id=SwitchRunId("1" * 32),
            number=1,
            wave=1,
            mentorado_id=ana.id,
            source=former.provider,
            target=zapi.provider,
            from_link=former.id,
            to_link=zapi.id,
            state=SwitchItemState.SWITCHED,
            switched_at=switched_at,
        )
        run = SwitchRun(
            id=item.run_id,
            plan=SwitchPlan(target=zapi.provider),
            digest="5" * 64,
            approved_at=DAWN,
            approved_by="rosa",
            items=(item,),
        )
        counting.runs = [run]
        await core.clock.advance(7200)
        await counting.collector.count()
        links, _now = counting.figures.asked[-1]
        assert [(each.link_id, each.provider, each.begin, each.end) for each in links] == [
            (former.id, ProviderKind.WHATSAPP_WEB, ana.created_at, switched_at),
            (zapi.id, ProviderKind.ZAPI, switched_at, None),
        ]
        await counting.collector.count()
        links, _now = counting.figures.asked[-1]
        assert [each.link_id for each in links] == [zapi.id]  # the former one is counted to its end
        elsewhere = replace(item, from_link=LinkId("3" * 32), switched_at=core.clock.now() + timedelta(hours=1))
        counting.runs = [replace(run, items=(elsewhere,))]
        await counting.collector.count()
        links, _now = counting.figures.asked[-1]
        assert [each.link_id for each in links] == [zapi.id]  # of a link that is gone, nothing is known

    asyncio.run(main())


def test_the_overview_has_the_totals_of_its_range(core: Core) -> None:
    async def main() -> None:
        counting = Counting(core)
        await counting.trusted.load()
        await core.clock.advance(1800)
        service = OverviewService(repository=counting.figures, collector=counting.collector, clock=counting.trusted)
        empty = await service.read(TimeRange.WEEK)
        assert (empty.first_hour, empty.until, empty.total(Figure.FAILURE)) == (None, None, 0)
        counting.figures.news = {FALL: 2}
        await counting.collector.count()
        found = await service.read(TimeRange.DAY)
        assert found.edges[-1] == core.clock.now()
        assert (found.first_hour, found.until) == (DAWN, core.clock.now())
        assert found.series(Figure.FAILURE, "network_down")[-1] == 2
        assert found.by_detail(Figure.FAILURE) == {"network_down": 2}

    asyncio.run(main())
