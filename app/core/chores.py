"""What goes on by itself beside the links, as long as the program runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Chore = Callable[[], Awaitable[None]]


class Chores:
    """Enter it to have every chore running; leave it, and all have ended. A chore that breaks ends alone."""

    def __init__(self, *chores: Chore) -> None:
        self._chores = chores
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Chores:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(_safely(chore)) for chore in self._chores]
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)


async def _safely(chore: Chore) -> None:
    try:
        await chore()
    except Exception:
        log.exception("%s broke", getattr(chore, "__qualname__", chore))
