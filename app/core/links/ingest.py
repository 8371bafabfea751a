"""Stores what arrives over one connection, and confirms it to the provider after that, never before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from app.core.event_bus import EventBus
from app.domain.errors import Problem
from app.domain.events import DeliverySetAside, MessagesStored, StorageFailed, StorageRecovered
from app.domain.mentorado import Mentorado
from app.domain.messages import MessageUpdate, WireUnknown
from app.domain.provider import Connection, MessagesReceived
from app.domain.repositories import Clock, MessageWriter
from app.domain.set_aside import NotStorable, refused
from app.domain.trusted_time import plausible

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class MessageIngestor:
    """Stores what arrives, and publishes that it did."""

    def __init__(
        self, *, bus: EventBus, store: MessageWriter, clock: Clock, latest: Callable[[], datetime] | None = None
    ) -> None:
        """*latest* returns the latest date an incoming message can have; by default now."""
        self._bus = bus
        self._store = store
        self._clock = clock
        self._latest = latest or clock.now

    async def store(self, mentorado: Mentorado, arrived: MessagesReceived) -> None:
        """Store *arrived*, however long the disk takes. What is not stored is not confirmed, so nothing is lost.

        A fact that the store refuses for what it is is found by halving, and set aside in its place: what came before
        and after it is stored in the same order.
        """
        latest = self._latest()
        parts: list[Sequence[MessageUpdate]] = [
            [plausible(fact, latest) for fact in arrived.facts]
        ]  # the next one is last
        while parts:
            part = parts.pop()
            try:
                await self._store_part(mentorado, part)
            except NotStorable as refusal:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
                (fact,) = part
                if isinstance(fact, WireUnknown):  # not even that: it is no fault of the fact
                    raise
                log.warning("A %s of link %s is set aside: %s", type(fact).__name__, mentorado.link.id, refusal.why)
                parts.append((refused(fact, refusal.why, self._clock.now()),))

    async def _store_part(self, mentorado: Mentorado, facts: Sequence[MessageUpdate]) -> None:
        failing = False
        while True:
            try:
                changed = await self._store.store(mentorado, facts, self._clock.now())
            except Problem as problem:
                if not failing:
                    log.warning("Messages could not be stored, and stay unconfirmed at the provider: %s", problem.code)
                    self._bus.publish(StorageFailed(problem))
                failing = True
                await self._clock.sleep(RETRY_SECONDS)
                continue
            if failing:
                self._bus.publish(StorageRecovered())
            if changed:
                self._bus.publish(MessagesStored(mentorado.id, tuple(changed)))
            if any(isinstance(fact, WireUnknown) for fact in facts):
                self._bus.publish(DeliverySetAside(mentorado.id, mentorado.link.id))
            return


class IngestQueue:
    """The queue between one connection and the history: a slow disk never delays a status change."""

    def __init__(self, connection: Connection, ingestor: MessageIngestor) -> None:
        self._connection = connection
        self._ingestor = ingestor
        self._queue: asyncio.Queue[tuple[Mentorado, MessagesReceived]] = asyncio.Queue()

    def add(self, mentorado: Mentorado, arrived: MessagesReceived) -> None:
        self._queue.put_nowait((mentorado, arrived))

    async def run(self) -> None:
        """Store and confirm until cancelled. The provider repeats whatever a cancelled intake had not confirmed."""
        while True:
            mentorado, arrived = await self._queue.get()
            await self._ingestor.store(mentorado, arrived)
            await self._connection.confirm(arrived.up_to)
            self._queue.task_done()

    async def join(self) -> None:
        """Wait until all that was added is stored."""
        await self._queue.join()
