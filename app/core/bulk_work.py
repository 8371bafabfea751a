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
    """Who does the work tells what was begun, done and ended. It is on disk as soon as the disk allows."""

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
        """What was not over when the program was closed, and nobody took up or left since."""
        return [each for each in self._works.values() if each.id in self._interrupted]

    @property
    def running(self) -> Sequence[BulkWork]:
        """What goes on now, or has those whom it did not do on show."""
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
        """Keep that *kind* is to be done to *left*. It takes the place of the work that it *continues*."""
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
        """It was *done* to that one, or a person decided that it is not to be. Returns how far the work is."""
        work = self._works[work_id].without([mentorado_id], done=done)
        self._keep(work)
        return work

    def interrupt(self, work_id: BulkWorkId) -> None:
        """Nobody decided about those who are left: offer to go on. Nothing for what is over already."""
        if work_id in self._works:
            self._interrupted.add(work_id)
            self._bus.publish(BulkWorkChanged())

    def end(self, work_id: BulkWorkId) -> None:
        """It is over: everybody is done, or a person saw who is not. Nothing for what is over already."""
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
        """What was done at the last moment may not have been noted; and who is not here any more is nobody's work."""
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
