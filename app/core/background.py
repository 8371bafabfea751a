"""Background tasks that run as long as the program does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.domain.crash_report import CrashEffect

log = logging.getLogger(__name__)

BackgroundTask = Callable[[], Awaitable[None]]


class BackgroundTasks:
    """Enter it to have every chore running; leave it, and all have ended. A chore that breaks ends alone."""

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
