"""Loads the history of the selected mentorado once, and adds to it while it is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.actions import ActionName
from app.domain.audit import AuditEntry, AuditOutcome, without_begun
from app.domain.events import StatusChanged
from app.domain.mentorado import MentoradoId
from app.domain.messages import LastMessages
from app.domain.repositories import AuditLog, SetAsideDeliveries, TransitionRepository
from app.domain.tenure import joined, tenures
from app.domain.uptime import StateChange, TimeRange
from app.ui.async_slots import async_slot
from app.ui.detail_pane.summary import SummaryView
from app.ui.detail_pane.switch_history import notes
from app.ui.detail_pane.timeline import SHOWN, TimelineEvent

if TYPE_CHECKING:
    from app.ui.action_runner import ActionRunner


class HistorySources:
    """Reads what is stored of a mentorado from before the program was started."""

    def __init__(self, last_messages: Callable[[MentoradoId], Awaitable[LastMessages]], audit: AuditLog) -> None:
        self.last_messages = last_messages
        self._audit = audit

    async def accepted_by(self, mentorado_id: MentoradoId) -> str:
        """Who accepted that another number signs in; empty where the audit log does not tell."""
        for entry in await self._audit.entries(mentorado_id=mentorado_id):
            record = entry.record
            if record.action == ActionName.ACCEPT_ACCOUNT and record.outcome is AuditOutcome.DONE:
                return record.actor.name
        return ""

    async def acts(self, mentorado_id: MentoradoId) -> Sequence[AuditEntry]:
        """The latest of what people did about them, without what is not over."""
        return without_begun(await self._audit.entries(mentorado_id=mentorado_id, limit=2 * SHOWN))


class HistoryLoader(QObject):
    """Loads the timeline, the chart, the age of the latest backup and the deliveries that were set aside.

    Results that come after another mentorado was selected are dropped.
    """

    changed = Signal()

    def __init__(
        self,
        content: SummaryView,
        history: TransitionRepository,
        set_aside: SetAsideDeliveries | None,
        runner: ActionRunner,
        parent: QObject,
        sources: HistorySources | None = None,
    ) -> None:
        """*runner* has the services that tell the rest."""
        super().__init__(parent)
        self._content = content
        self._history = history
        self._set_aside = set_aside
        self._mentorados, self._clock = runner.mentorados, runner.clock
        self._backups, self._procedures, self._switches = runner.backups, runner.procedures, runner.switches
        self._sources = sources
        self._whose: MentoradoId | None = None
        content.picture.more_wanted.connect(self._read_further)

    def clear(self) -> None:
        """Nobody's, until it is read."""
        self._whose = None
        self._content.timeline.clear()
        self._content.picture.clear()
        self._content.evidence.clear()
        self._content.who.show_accepted_by("")
        self._content.show_set_aside(())

    def read(self, mentorado_id: MentoradoId) -> None:
        """This one's from now on."""
        self._whose = mentorado_id
        self.read_history(mentorado_id)
        self.read_backup(mentorado_id)
        self.read_stored(mentorado_id)
        self.read_acts(mentorado_id)
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
    async def read_stored(self, mentorado_id: MentoradoId) -> None:
        """What happened before the program began: the last messages, and who accepted another number."""
        last = await self._sources.last_messages(mentorado_id) if self._sources else LastMessages()
        if mentorado_id == self._whose:
            self._content.evidence.show_messages(last)
            self.changed.emit()
        accepted = self._mentorados.get(mentorado_id).link.accepted_account is not None
        who = await self._sources.accepted_by(mentorado_id) if self._sources and accepted else ""
        if mentorado_id == self._whose:
            self._content.who.show_accepted_by(who)

    @async_slot
    async def read_acts(self, mentorado_id: MentoradoId) -> None:
        """Somebody may have done something about them."""
        acts = await self._sources.acts(mentorado_id) if self._sources else ()
        if mentorado_id == self._whose:
            self._content.timeline.show_acts(acts, self._clock.now().astimezone().date())

    @async_slot
    async def read_set_aside(self, mentorado_id: MentoradoId) -> None:
        """Something may have been delivered that was not taken into the history."""
        counts = await self._set_aside.counts(mentorado_id) if self._set_aside else ()
        if mentorado_id == self._whose:
            self._content.show_set_aside(counts)

    @async_slot
    async def read_history(self, mentorado_id: MentoradoId) -> None:
        """What the links that were in use did, and what was done in switches; a link beside is nobody's connection."""
        reach = max(self._content.picture.span, TimeRange.WEEK, key=lambda span: span.length).length
        since = self._clock.now() - reach
        runs = self._switches.runs if self._switches else ()
        items = [item for run in runs for item in run.items if item.mentorado_id == mentorado_id]
        stretches = tenures(self._mentorados.get(mentorado_id).link.id, items)
        latest = await self._history.for_mentorado(mentorado_id)
        moves = [
            (each, await self._history.since(each.link_id, max(since, each.begin or since)))
            for each in stretches
            if each.end is None or each.end > since
        ]
        done = await self._procedures.latest(mentorado_id) if self._procedures and items else ()
        if mentorado_id == self._whose:
            in_use = [
                (each.at, each.after)
                for each in latest
                if any(one.link_id == each.link_id and one.covers(each.at) for one in stretches)
            ]
            self._show_events([*in_use, *notes(items, done)])
            self._content.picture.show_moves(joined(moves), reach)

    def _read_further(self) -> None:
        if self._whose is not None:
            self.read_history(self._whose)

    def _show_events(self, events: Iterable[TimelineEvent]) -> None:
        self._content.timeline.add(events, self._clock.now().astimezone().date())
