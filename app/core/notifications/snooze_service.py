"""Snoozes of links: stored, audited, and ended when the link recovers."""

from __future__ import annotations

from datetime import datetime, tzinfo

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.events import SnoozesChanged
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.notifications import Snooze, SnoozeLength, SnoozeRepository, snooze
from app.domain.repositories import Clock


class SnoozeService:
    """Holds the snoozes of links in use. `Notifier` tells it when a link recovered, or a time is over."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        repository: SnoozeRepository,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
        zone: tzinfo | None = None,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._repository = repository
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self._zone = zone
        self._snoozes: dict[LinkId, Snooze] = {}

    async def load(self) -> None:
        """Read them. One whose time was over while the program was closed is left out, and one of a link that is not
        in use any more."""
        now, in_use = self._clock.now(), {each.link.id for each in self._mentorados.all()}
        stored = await self._repository.load()
        self._snoozes = {link: each for link, each in stored.items() if link in in_use and not each.over(now)}
        self._bus.publish(SnoozesChanged(None))

    def snooze_of(self, mentorado_id: MentoradoId) -> Snooze | None:
        """The snooze of the link that a mentorado has in use."""
        if not self._snoozes:  # as nearly always
            return None
        return self._snoozes.get(self._mentorados.get(mentorado_id).link.id)

    def snoozed_mentorados(self) -> list[MentoradoId]:
        """The mentorados whose link in use is snoozed."""
        return [each.id for each in self._mentorados.all() if each.link.id in self._snoozes] if self._snoozes else []

    @property
    def has_any(self) -> bool:
        return bool(self._snoozes)

    @property
    def next_end(self) -> datetime | None:
        """When the first of them ends by itself."""
        return min((each.until for each in self._snoozes.values() if each.until is not None), default=None)

    async def begin(self, mentorado_id: MentoradoId, length: SnoozeLength) -> None:
        """Snooze the link of a mentorado. Raises `Problem` when it cannot be stored."""
        mentorado = self._mentorados.get(mentorado_id)
        link_id, chosen = mentorado.link.id, snooze(length, self._clock.now(), self._zone)
        with self._audit_service.with_changes(AuditAction.SNOOZE_LINK, mentorado, after={"length": length.value}):
            await self._repository.save(self._snoozes | {link_id: chosen}, self._clock.now())
        self._snoozes[link_id] = chosen
        self._bus.publish(SnoozesChanged(mentorado_id))

    async def end(self, mentorado_id: MentoradoId) -> None:
        """End the snooze. Raises `Problem` when it cannot be stored."""
        mentorado = self._mentorados.get(mentorado_id)
        if mentorado.link.id not in self._snoozes:
            return
        left = {link: each for link, each in self._snoozes.items() if link != mentorado.link.id}
        with self._audit_service.with_changes(AuditAction.END_SNOOZE, mentorado):
            await self._repository.save(left, self._clock.now())
        self._snoozes.pop(mentorado.link.id, None)  # it may have ended by itself meanwhile
        self._bus.publish(SnoozesChanged(mentorado_id))

    def on_recovered(self, mentorado_id: MentoradoId) -> None:
        """End the snooze of a link that recovered: the reason for it is over."""
        if (link_id := self._mentorados.get(mentorado_id).link.id) in self._snoozes:
            self._forget(link_id, mentorado_id)

    def expire(self) -> list[MentoradoId]:
        """End those whose time is over, and return whose they were."""
        now = self._clock.now()
        ended = {link_id for link_id, each in self._snoozes.items() if each.over(now)}
        whose = [each for each in self._mentorados.all() if each.link.id in ended] if ended else []
        for mentorado in whose:
            self._forget(mentorado.link.id, mentorado.id)
        return [mentorado.id for mentorado in whose]

    def _forget(self, link_id: LinkId, mentorado_id: MentoradoId) -> None:
        """A snooze that ended by itself is stored when the disk allows, and not audited."""
        del self._snoozes[link_id]
        at = self._clock.now()
        self._write_queue.add(lambda: self._repository.save(dict(self._snoozes), at))
        self._bus.publish(SnoozesChanged(mentorado_id))
