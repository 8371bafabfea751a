"""Writes to the database in order, without making callers wait for the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.core.event_bus import EventBus
from app.domain.errors import Problem
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.repositories import Clock

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0

WriteJob = Callable[[], Awaitable[object]]


class WriteQueue:
    """A queue with one writer. What fails is kept and retried, and published once."""

    def __init__(self, *, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._queue: asyncio.Queue[WriteJob] = asyncio.Queue()
        self.problem: Problem | None = None  # what keeps the next writing from the disk now

    def add(self, writing: WriteJob) -> None:
        """Have *writing* done after all that was added before."""
        self._queue.put_nowait(writing)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            writing = await self._queue.get()
            await self._write(writing)
            self._queue.task_done()

    async def flush(self) -> None:
        """Wait until all that was added is on disk."""
        await self._queue.join()

    async def _write(self, writing: WriteJob) -> None:
        failing = False
        while True:
            try:
                await writing()
            except Problem as problem:
                if not failing:
                    log.warning("A database write failed, and waits in memory: %s", problem.code)
                    self._bus.publish(StorageFailed(problem))
                failing = True
                self.problem = problem
                await self._clock.sleep(RETRY_SECONDS)
            else:
                self.problem = None
                if failing:
                    self._bus.publish(StorageRecovered())
                return
