"""The overview over the real services, with figures and links that a test puts there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.core.diagnostics.figures import MemorySample
from app.domain.incident import Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, MentoradoId
from app.ui.async_slots import cancel_slots
from app.ui.overview.page import OverviewPage
from app.ui.theme.theme import Theme
from tests.clock import ManualClock, settle
from tests.past_figures import past_figures
from tests.services import Core
from tests.ui.window_harness import NOON, person


@dataclass
class OverviewHarness:
    """The page, and where its buttons led."""

    core: Core
    page: OverviewPage
    people: tuple[Mentorado, ...]
    led_to: list[object] = field(default_factory=list)

    def put(self, number: int, state: LinkState, reason: Reason = Reason.NONE, **other: Any) -> None:
        """Make this the status of a link, without going through the life that leads there."""
        since = self.core.clock.now() - other.pop("ago", timedelta(hours=1))
        status = LinkStatus(state=state, reason=reason, since=since, **other)
        self.core.supervisor._board.restore(self.people[number].link, status)

    async def add_past(self, length: timedelta, links: int = 40) -> None:
        """As if *links* links had run so long, and all were counted."""
        now = self.core.clock.now()
        await self.core.figure_record.add(past_figures(now, length, links=links))
        self.core.services.figures.until = now

    async def look(self) -> None:
        """Find the alerts of this moment."""
        await self.core.services.alerts.look()
        await settle()

    async def show(self) -> None:
        self.page.show()
        await settle()


@asynccontextmanager
async def open_overview(theme: Theme, *, time: datetime = NOON, people: int = 12) -> AsyncIterator[OverviewHarness]:
    """Of *people* mentorados, all of whom have connected before; nothing is counted and nobody has looked."""
    core = Core(ManualClock(time))
    everybody = tuple(person(number) for number in range(people))
    for each in everybody:
        await core.mentorado_repository.add(each)
    await core.mentorados.load()
    led_to: list[object] = []
    services = core.services

    def show_mentorado(mentorado_id: MentoradoId) -> None:
        led_to.append(mentorado_id)

    page = OverviewPage(
        theme=theme,
        bus=core.bus,
        overview=services.overview,
        figures=services.figures,
        alerts=services.alerts,
        incidents=core.incidents,
        mentorados=core.mentorados,
        supervisor=core.supervisor,
        clock=core.clock,
        go=led_to.append,
        show_mentorado=show_mentorado,
        show_only=lambda mentorado_ids: led_to.append(set(mentorado_ids)),
    )
    page.resize(1220, 720)
    try:
        yield OverviewHarness(core, page, everybody, led_to)
    finally:
        await cancel_slots()
        page.hide()
        page.deleteLater()


def with_memory(harness: OverviewHarness, hosts: int, used: int) -> None:
    """Let this be what the session hosts need now."""
    harness.core.services.figures.memory = MemorySample(hosts, used)


def begin_incident(harness: OverviewHarness, numbers: range) -> Incident:
    """Let these links have fallen together."""
    people = tuple(harness.people[number].id for number in numbers)
    provider = harness.people[numbers[0]].link.provider
    incident = Incident(
        provider=provider,
        since=harness.core.clock.now(),
        affected=people,
        of=len(people),
        causes=((Reason.NETWORK_DOWN, len(people)),),
    )
    harness.core.incidents._by_provider[provider].incident = incident
    return incident
