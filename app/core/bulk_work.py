"""Keeps the work on several mentorados that is not over, and finds at the start what closing interrupted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import uuid4

from app.core.event_bus import EventBus
from app.core.handling_service import HandlingService
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.bulk_work import BulkKind, BulkWork, BulkWorkId, BulkWorkRepository
from app.domain.events import BulkWorkChanged
from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock


class BulkWorkService:
    """Callers report what they begin, do and end. It is stored as soon as the disk allows."""

    def __init__(
        self,
        bus: EventBus,
        mentorados: MentoradoService,
        handlings: HandlingService,
        repository: BulkWorkRepository,
        write_queue: WriteQueue,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._handlings = handlings
        self._repository = repository
        self._write_queue = write_queue
        self._clock = clock
        self._works: dict[BulkWorkId, BulkWork] = {}
        self._interrupted: set[BulkWorkId] = set()

    @property
    def interrupted(self) -> Sequence[BulkWork]:
        """Work that was under way when the program was closed, and that nobody has resumed or dismissed since."""
        return [each for each in self._works.values() if each.id in self._interrupted]

    @property
    def running(self) -> Sequence[BulkWork]:
        """Work that goes on now, or that ended and still shows whom it was not done to."""
        return [each for each in self._works.values() if each.id not in self._interrupted]

    async def load(self) -> None:
        """Read what was interrupted; what began meanwhile goes on. Raises `Problem`."""
        stored = [self._still_left(each) for each in await self._repository.load()]
        running = {each.id: each for each in self.running}
        interrupted = {each.id: each for each in stored if each.left and each.id not in running}
        self._works = {**interrupted, **running}
        self._interrupted = set(interrupted)
        self._bus.publish(BulkWorkChanged())

    def begin(
        self,
        kind: BulkKind,
        left: Collection[MentoradoId],
        *,
        typed: str = "",
        continues: BulkWork | None = None,
    ) -> BulkWork:
        """Store that *kind* is to be done to *left*. It replaces the work that it *continues*."""
        work = BulkWork(
            id=BulkWorkId(uuid4().hex) if continues is None else continues.id,
            kind=kind,
            count=len(left) if continues is None else continues.count,
            done=0 if continues is None else continues.done,
            left=tuple(left),
            typed=typed,
        )
        self._interrupted.discard(work.id)
        self._keep(work)
        return work

    def add(self, work_id: BulkWorkId, people: Collection[MentoradoId]) -> None:
        """Do it to *people*, too."""
        work = self._works[work_id]
        self._keep(replace(work, count=work.count + len(people), left=(*work.left, *people)))

    def mark(self, work_id: BulkWorkId, mentorado_id: MentoradoId, *, done: bool = True) -> BulkWork:
        """Record that it was *done* to that one, or that a person left them out. Returns the work as it is then."""
        work = self._works[work_id].without([mentorado_id], done=done)
        self._keep(work)
        return work

    def interrupt(self, work_id: BulkWorkId) -> None:
        """Offer to resume it for those who are left. Does nothing for work that is over."""
        if work_id in self._works:
            self._interrupted.add(work_id)
            self._bus.publish(BulkWorkChanged())

    def end(self, work_id: BulkWorkId) -> None:
        """End it: everybody is done, or a person has seen who is not. Does nothing for work that is over."""
        if self._works.pop(work_id, None) is not None:
            self._interrupted.discard(work_id)
            self._store()

    def _keep(self, work: BulkWork) -> None:
        self._works[work.id] = work
        self._store()

    def _store(self) -> None:
        at = self._clock.now()
        self._write_queue.add(lambda: self._repository.save(list(self._works.values()), at))
        self._bus.publish(BulkWorkChanged())

    def _still_left(self, work: BulkWork) -> BulkWork:
        """Leave out those who are done, which may not have been stored, and those who do not exist any more."""
        here = {each.id for each in self._mentorados.all()}
        known = tuple(each for each in work.left if each in here)
        gone = len(work.left) - len(known)
        work = replace(work, left=known, count=work.count - gone)
        return work.without({each for each in known if self._is_done(work, each)})

    def _is_done(self, work: BulkWork, mentorado_id: MentoradoId) -> bool:
        mentorado = self._mentorados.get(mentorado_id)
        if work.kind is BulkKind.ARCHIVE:
            return mentorado.archived
        if work.kind is BulkKind.COHORT:
            return mentorado.cohort == work.typed
        return work.kind is BulkKind.HANDLE and mentorado_id in self._handlings.current
