"""Background tasks that run as long as the program does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from app.domain.crash_report import CrashEffect
from app.domain.errors import Problem
from app.domain.repositories import Clock, MessageRepository

log = logging.getLogger(__name__)

BackgroundTask = Callable[[], Awaitable[None]]


class BackgroundTasks:
    """Runs the tasks inside its context, and cancels them at the end. One that fails is logged, and ends alone."""

    def __init__(self, *background_tasks: BackgroundTask) -> None:
        self._background_tasks = background_tasks
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> BackgroundTasks:
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(_run_logged(background_task)) for background_task in self._background_tasks
        ]
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)


async def _run_logged(background_task: BackgroundTask) -> None:
    try:
        await background_task()
    except Exception:
        log.exception(
            "%s failed",
            getattr(background_task, "__qualname__", background_task),
            extra={"effect": CrashEffect.TASK_ENDED},
        )


INDEX_SECONDS: Final = 5.0
"""Between two looks for what the search has not indexed; until then it is searched all the same, only slower."""


async def keep_search_ready(history: MessageRepository, clock: Clock) -> None:
    """Have what is stored indexed for the search, until cancelled: also what the program left when it ended."""
    while True:
        await clock.sleep(INDEX_SECONDS)
        try:
            await history.index_pending()
        except Problem as problem:
            log.info("New messages could not be indexed for the search, and are tried again: %s", problem.code)
