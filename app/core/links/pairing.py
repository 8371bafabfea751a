"""Serializes pairings: one at a time, with a visible queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.core.event_bus import EventBus
from app.core.links.status_store import StatusStore
from app.core.mentorado_service import MentoradoService
from app.domain.errors import Problem, ProblemCode
from app.domain.events import PairingQueueChanged
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.provider import CanPairByCode, Provider
from app.domain.repositories import Clock


class PairingSlot:
    """The right to pair. `end` gives it up early: the next link need not wait until this one's connection ends."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def end(self) -> None:
        if release := self._release:
            self._release = None
            release()


class PairingQueue:
    """A queue of pairings, first come, first served."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._lock = asyncio.Lock()  # wakes its waiters first come, first served, as the queue below assumes
        self._queue: list[LinkId] = []

    @property
    def current(self) -> LinkId | None:
        """The link being paired."""
        return self._queue[0] if self._queue else None

    @property
    def waiting(self) -> tuple[LinkId, ...]:
        return tuple(self._queue[1:])

    @asynccontextmanager
    async def slot(self, link_id: LinkId) -> AsyncIterator[PairingSlot]:
        """Wait for the turn of *link_id*; hold it until the context exits or `PairingSlot.end` is called."""
        self._queue.append(link_id)
        self._publish()
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self._leave(link_id)
            raise

        def release() -> None:
            self._lock.release()
            self._leave(link_id)

        turn = PairingSlot(release)
        try:
            yield turn
        finally:
            turn.end()

    def _leave(self, link_id: LinkId) -> None:
        self._queue.remove(link_id)
        self._publish()

    def _publish(self) -> None:
        self._bus.publish(PairingQueueChanged(self.current, self.waiting))


PAUSE: Final = timedelta(seconds=60)
"""Between two codes of one link: asking for many in a row makes WhatsApp refuse them all for a while."""


class PairingCodeService:
    """One code at a time, for the number that is expected. It stands in the link's status until the pairing ends."""

    def __init__(
        self,
        *,
        providers: Mapping[ProviderKind, Provider],
        mentorados: MentoradoService,
        statuses: StatusStore,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._mentorados = mentorados
        self._statuses = statuses
        self._clock = clock
        self._given: dict[LinkId, datetime] = {}

    def available(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> bool:
        """Whether a code can be had now, for the link in use or for *link_id* beside it: a QR is shown, and the
        provider knows the other way."""
        return self._provider(self._mentorados.get(mentorado_id, link_id)) is not None

    async def request(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> str:
        """Request a pairing code, which is a credential. Raises `Problem(PHONE_CODE_TOO_SOON)`, or the provider's."""
        mentorado = self._mentorados.get(mentorado_id, link_id)
        provider, link, now = self._provider(mentorado), mentorado.link, self._clock.now()
        if provider is None:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="no code is shown")
        last = self._given.get(link.id)
        if last is not None and now - last < PAUSE:
            raise Problem(ProblemCode.PHONE_CODE_TOO_SOON, seconds=str((last + PAUSE - now).seconds + 1))
        self._given[link.id] = now
        code = await provider.phone_code(link, mentorado.expected_account)
        self._show(link, code)
        return code

    def withdraw(self, mentorado_id: MentoradoId, link_id: LinkId | None = None) -> None:
        """Have the QR scanned after all."""
        self._show(self._mentorados.get(mentorado_id, link_id).link, "")

    def _show(self, link: Link, code: str) -> None:
        if (qr := self._statuses.status(link.id).qr) is not None:  # else the pairing ended meanwhile
            self._statuses.update(link, qr=replace(qr, typed=code))

    def _provider(self, mentorado: Mentorado) -> CanPairByCode | None:
        status, provider = self._statuses.status(mentorado.link.id), self._providers.get(mentorado.link.provider)
        if status.state is not LinkState.QR_READY or status.reason is Reason.SIGNING_IN:
            return None
        return provider if isinstance(provider, CanPairByCode) else None
