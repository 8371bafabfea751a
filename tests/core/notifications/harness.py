"""The notifier over the real core, with links whose states a test observes, and what the desktop would be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from app.core.background import BackgroundTasks
from app.core.notifications.notifier import Notifier
from app.core.notifications.snooze_service import SnoozeService
from app.domain.events import NotificationDue, NotificationOver
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.notifications import Notification, NotificationSettings
from tests.clock import DAWN, ManualClock, settle
from tests.fakes import FakeSnoozes
from tests.services import Core

BRASILIA = timezone(timedelta(hours=-3))
"""Dawn is 21:00 of Wednesday there."""


@dataclass
class NotifierHarness:
    """`notified` is what the desktop was told, `over` what was taken back. The computer stands in Brasília."""

    core: Core = field(default_factory=lambda: Core(ManualClock(DAWN)))
    settings: NotificationSettings = field(default_factory=NotificationSettings)

    def __post_init__(self) -> None:
        core = self.core
        self.clock = core.clock
        self.notified: list[Notification] = []
        self.over: list[str] = []
        self.attended: set[MentoradoId] = set()
        core.bus.subscribe(NotificationDue, lambda event: self.notified.append(event.notification))
        core.bus.subscribe(NotificationOver, lambda event: self.over.append(event.key))
        self.stored = FakeSnoozes()
        self.snoozes = SnoozeService(
            bus=core.bus,
            mentorados=core.mentorados,
            repository=self.stored,
            audit_service=core.audit_service,
            write_queue=core.write_queue,
            clock=core.clock,
            zone=BRASILIA,
        )
        self.notifier = Notifier(
            bus=core.bus,
            mentorados=core.mentorados,
            status=core.supervisor.status,
            snoozes=self.snoozes,
            settings=lambda: self.settings,
            clock=core.clock,
            has_somebody=self.attended.__contains__,
            zone=BRASILIA,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.core.running(), BackgroundTasks(self.core.incidents.run, self.notifier.run):
            yield

    async def people(self, count: int, state: LinkState = LinkState.CONNECTED) -> list[Mentorado]:
        """So many mentorados, all of whose links are in *state*."""
        added = [await self.core.add(f"Ana {number}", f"11 9{number:04d}-4321") for number in range(1000, 1000 + count)]
        for mentorado in added:
            self.observe(mentorado, LinkState.CONNECTING)
            self.observe(mentorado, state)
        return added

    def observe(self, mentorado: Mentorado, state: LinkState, reason: Reason = Reason.NONE) -> None:
        """Let this be true of the link from now on."""
        link = self.core.mentorados.get(mentorado.id).link
        self.core.supervisor._board.restore(link, LinkStatus(state=state, reason=reason, since=self.clock.now()))

    async def fall(self, mentorado: Mentorado, reason: Reason = Reason.LOGGED_OUT, *, wait: float = 10) -> None:
        self.observe(mentorado, LinkState.BLOCKED, reason)
        await self.clock.advance(wait)

    async def recover(self, mentorado: Mentorado, *, wait: float = 0) -> None:
        self.observe(mentorado, LinkState.CONNECTED)
        await self.clock.advance(wait)

    @property
    def whom(self) -> list[tuple[MentoradoId, ...]]:
        """Who was named, notification by notification."""
        return [each.mentorados for each in self.notified]

    async def at(self, hour: int, minute: int = 0, day: int = 31) -> None:
        """Let time pass until that hour in Brasília, of that day of December."""
        wanted = datetime(2025, 12, day, hour, minute, tzinfo=BRASILIA)
        await self.clock.advance((wanted - self.clock.now()).total_seconds())
        await settle()
