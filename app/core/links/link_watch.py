"""Waits for what becomes of one link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from app.core.bus import Bus
from app.domain.connection import LinkState, LinkStatus
from app.domain.events import StatusChanged
from app.domain.mentorado import LinkId
from app.domain.ports import Clock


class LinkWatch:
    """Enter it before asking the link for something: it hears all that follows."""

    def __init__(self, bus: Bus, clock: Clock, link_id: LinkId) -> None:
        self._bus = bus
        self._clock = clock
        self._link_id = link_id
        self._heard: asyncio.Queue[LinkStatus | None] = asyncio.Queue()

    def __enter__(self) -> LinkWatch:
        self._leave = self._bus.subscribe(StatusChanged, self._on_status)
        return self

    def __exit__(self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._leave()

    async def until(self, settled: Callable[[LinkStatus], bool], *, within: float | None = None) -> LinkStatus | None:
        """The first status from now on that is *settled*; None when *within* so many seconds there was none."""
        async with asyncio.TaskGroup() as group:
            bell = group.create_task(self._ring(within))
            while (status := await self._heard.get()) is not None and not settled(status):
                pass
            bell.cancel()
        return status

    async def _ring(self, within: float | None) -> None:
        if within is not None:
            await self._clock.sleep(within)
            self._heard.put_nowait(None)

    def _on_status(self, event: StatusChanged) -> None:
        if event.link_id == self._link_id:
            self._heard.put_nowait(event.after)


def at_rest(status: LinkStatus) -> bool:
    """Whether the link is through, or will not move by itself."""
    return status.state in (LinkState.CONNECTED, LinkState.BLOCKED, LinkState.OFF)
