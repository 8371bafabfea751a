"""Writes every move of every link to storage, in order, without making anybody wait for the disk."""

from __future__ import annotations

import asyncio
import logging

from app.core.bus import Bus
from app.domain.errors import Problem
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.ports import Clock, Transition, TransitionLog

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class TransitionWriter:
    """A queue with one writer. What cannot be written is kept and tried again, and the bus hears of it once."""

    def __init__(self, *, bus: Bus, log: TransitionLog, clock: Clock) -> None:
        self._bus = bus
        self._log = log
        self._clock = clock
        self._queue: asyncio.Queue[Transition] = asyncio.Queue()

    def add(self, transition: Transition) -> None:
        self._queue.put_nowait(transition)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            transition = await self._queue.get()
            await self._write(transition)
            self._queue.task_done()

    async def flush(self) -> None:
        """Wait until all that was added is on disk."""
        await self._queue.join()

    async def _write(self, transition: Transition) -> None:
        failing = False
        while True:
            try:
                await self._log.append(transition)
            except Problem as problem:
                if not failing:
                    log.warning("A transition could not be stored and waits in memory: %s", problem.code)
                    self._bus.publish(StorageFailed(problem))
                failing = True
                await self._clock.sleep(RETRY_SECONDS)
            else:
                if failing:
                    self._bus.publish(StorageRecovered())
                return
