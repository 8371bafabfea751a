"""Takes in what arrives over one line: stores it, then confirms it to the provider, and never the other way round."""

from __future__ import annotations

import asyncio
import logging

from app.core.bus import Bus
from app.domain.errors import Problem
from app.domain.events import HistoryGrew, StorageFailed, StorageRecovered
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock, MessageStore
from app.domain.provider import Arrived, Line

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class HistoryKeeper:
    """Stores what arrives and tells who looks at it."""

    def __init__(self, *, bus: Bus, store: MessageStore, clock: Clock) -> None:
        self._bus = bus
        self._store = store
        self._clock = clock

    async def keep(self, enrolment: Enrolment, arrived: Arrived) -> None:
        """Store *arrived*, however long the disk takes. What is not stored is not confirmed, so nothing is lost."""
        failing = False
        while True:
            try:
                changed = await self._store.store(enrolment, arrived.facts, self._clock.now())
            except Problem as problem:
                if not failing:
                    log.warning("Messages could not be stored and wait with the provider: %s", problem.code)
                    self._bus.publish(StorageFailed(problem))
                failing = True
                await self._clock.sleep(RETRY_SECONDS)
                continue
            if failing:
                self._bus.publish(StorageRecovered())
            if changed:
                self._bus.publish(HistoryGrew(enrolment.mentorado.id, tuple(changed)))
            return


class Intake:
    """The queue between one line and the history, so that a slow disk never delays what the line says of its state."""

    def __init__(self, line: Line, keeper: HistoryKeeper) -> None:
        self._line = line
        self._keeper = keeper
        self._queue: asyncio.Queue[tuple[Enrolment, Arrived]] = asyncio.Queue()

    def add(self, enrolment: Enrolment, arrived: Arrived) -> None:
        self._queue.put_nowait((enrolment, arrived))

    async def run(self) -> None:
        """Store and confirm until cancelled. The provider repeats whatever a cancelled intake had not confirmed."""
        while True:
            enrolment, arrived = await self._queue.get()
            await self._keeper.keep(enrolment, arrived)
            await self._line.confirm(arrived.up_to)
            self._queue.task_done()

    async def emptied(self) -> None:
        """Wait until all that was added is stored."""
        await self._queue.join()
