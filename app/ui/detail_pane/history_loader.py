"""What happened to whoever is on show: read once, and added to while somebody looks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from app.core.backups import BackupService
from app.core.mentorado_service import MentoradoService
from app.domain.events import StatusChanged
from app.domain.link_status import LinkStatus
from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock, SetAsideDeliveries, TransitionRepository
from app.domain.uptime import StateChange, TimeRange
from app.ui.async_slots import async_slot
from app.ui.detail_pane.summary import SummaryView


class HistoryLoader(QObject):
    """Fills the timeline, its picture, the age of the latest backup and what was set aside.

    What comes too late is nobody's any more.
    """

    changed = Signal()

    def __init__(
        self,
        content: SummaryView,
        mentorados: MentoradoService,
        history: TransitionRepository,
        backups: BackupService | None,
        set_aside: SetAsideDeliveries | None,
        clock: Clock,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._content = content
        self._mentorados = mentorados
        self._history = history
        self._backups = backups
        self._set_aside = set_aside
        self._clock = clock
        self._whose: MentoradoId | None = None

    def clear(self) -> None:
        """Nobody's, until it is read."""
        self._whose = None
        self._content.timeline.clear()
        self._content.picture.clear()
        self._content.evidence.show_backup(None)
        self._content.show_set_aside(())

    def read(self, mentorado_id: MentoradoId) -> None:
        """This one's from now on."""
        self._whose = mentorado_id
        self._read_history(mentorado_id)
        self.read_backup(mentorado_id)
        self.read_set_aside(mentorado_id)

    def add(self, event: StatusChanged) -> None:
        """This has just happened."""
        self._show_events([(event.after.since, event.after)])
        self._content.picture.add(StateChange(event.after.since, event.before, event.after))

    @async_slot
    async def read_backup(self, mentorado_id: MentoradoId) -> None:
        """There may be another one now."""
        made = [info.at for info in await self._backups.all(mentorado_id)] if self._backups else []
        if mentorado_id == self._whose:
            self._content.evidence.show_backup(max(made, default=None))
            self.changed.emit()

    @async_slot
    async def read_set_aside(self, mentorado_id: MentoradoId) -> None:
        """Something may have been delivered that was not taken into the history."""
        counts = await self._set_aside.counts(mentorado_id) if self._set_aside else ()
        if mentorado_id == self._whose:
            self._content.show_set_aside(counts)

    @async_slot
    async def _read_history(self, mentorado_id: MentoradoId) -> None:
        link_id, week_ago = self._mentorados.get(mentorado_id).link.id, self._clock.now() - TimeRange.WEEK.length
        latest = await self._history.for_mentorado(mentorado_id)
        week = await self._history.since(link_id, week_ago)
        if mentorado_id == self._whose:
            self._show_events((each.at, each.after) for each in latest)
            self._content.picture.show_moves(StateChange(each.at, each.before, each.after) for each in week)

    def _show_events(self, events: Iterable[tuple[datetime, LinkStatus]]) -> None:
        self._content.timeline.add(events, self._clock.now().astimezone().date())
