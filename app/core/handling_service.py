"""Keeps who looks after which mentorado."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.events import HandlingChanged, MentoradoChanged, StatusChanged
from app.domain.handling import Handling, HandlingRepository
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.repositories import Clock


class HandlingService:
    """One operator at a time for each mentorado, until the link in use is connected again or they are archived."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        status: Callable[[LinkId], LinkStatus],
        repository: HandlingRepository,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._status = status
        self._repository = repository
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self.current: dict[MentoradoId, Handling] = {}  # who is on what now
        self._ending: set[Handling] = set()  # over, and not yet removed from the disk
        self._followed: list[Callable[[], None]] = []  # what ends the subscriptions; none while nobody is on anything

    @property
    def operator(self) -> str:
        """The name under which the current operator handles something."""
        return self._audit_service.actor.name

    async def load(self) -> None:
        """Read who handles whom, and publish what another program changed. Raises `Problem`."""
        everybody = {each.id: each for each in self._mentorados.all()}
        stored = [each for each in await self._repository.all() if each.mentorado_id in everybody]
        stored = [each for each in stored if each not in self._ending]
        before, self.current = self.current, {each.mentorado_id: each for each in stored}
        for mentorado_id in dict.fromkeys((*before, *self.current)):
            if (now := self.current.get(mentorado_id)) != before.get(mentorado_id):
                self._bus.publish(HandlingChanged(mentorado_id, now))
        self._follow()
        for handling in stored:
            self._end_if_over(handling.mentorado_id)

    async def take(self, mentorado_id: MentoradoId) -> None:
        """Assign it to the current operator, in place of whoever had it. Raises `Problem`."""
        mentorado, former = self._mentorados.get(mentorado_id), self.current.get(mentorado_id)
        handling = Handling(mentorado_id=mentorado_id, operator=self.operator, since=self._clock.now())
        before = {"operator": former.operator} if former else {}
        after = {"operator": handling.operator} if former else {}
        with self._audit_service.with_changes(ActionName.HANDLE, mentorado, before=before, after=after):
            await self._repository.save(handling)
        self._change(mentorado_id, handling)
        self._end_if_over(mentorado_id)  # while it was stored

    async def give_up(self, mentorado_id: MentoradoId) -> None:
        """Assign it to nobody. Raises `Problem`."""
        handling = self.current.get(mentorado_id)
        if handling is None:
            return
        mentorado = self._mentorados.get(mentorado_id)
        before = {"operator": handling.operator} if handling.operator != self.operator else {}
        with self._audit_service.with_changes(ActionName.GIVE_UP, mentorado, before=before):
            await self._repository.remove(handling)
        self._change(mentorado_id, None)

    def _change(self, mentorado_id: MentoradoId, handling: Handling | None) -> None:
        if handling is None:
            self.current.pop(mentorado_id, None)
        else:
            self.current[mentorado_id] = handling
        self._follow()
        self._bus.publish(HandlingChanged(mentorado_id, handling))

    def _follow(self) -> None:
        """Listen to statuses only while somebody handles something: there are many."""
        if self.current and not self._followed:
            self._followed = [
                self._bus.subscribe(StatusChanged, self._on_status),
                self._bus.subscribe(MentoradoChanged, self._on_mentorado),
            ]
        elif not self.current:
            for unsubscribe in self._followed:
                unsubscribe()
            self._followed = []

    def _end_if_over(self, mentorado_id: MentoradoId) -> None:
        mentorado = self._mentorados.get(mentorado_id)
        if mentorado.archived or self._status(mentorado.link.id).state is LinkState.CONNECTED:
            self._end(mentorado_id)

    def _end(self, mentorado_id: MentoradoId) -> None:
        handling = self.current.get(mentorado_id)
        if handling is not None:
            self._ending.add(handling)
            self._change(mentorado_id, None)
            self._write_queue.add(partial(self._remove, handling))

    async def _remove(self, handling: Handling) -> None:
        mentorado, before = self._mentorados.get(handling.mentorado_id), {"operator": handling.operator}
        with self._audit_service.with_changes(AuditAction.END_HANDLING, mentorado, before=before):
            await self._repository.remove(handling)
        self._ending.discard(handling)

    def _on_status(self, event: StatusChanged) -> None:
        if event.after.state is LinkState.CONNECTED:
            self._end(event.mentorado_id)

    def _on_mentorado(self, event: MentoradoChanged) -> None:
        if event.mentorado.archived:
            self._end(event.mentorado.id)
