"""Blocking work of several calls, one after the other, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class InThread:
    """Runs one call after the other in a thread of its own."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        self._worker = worker

    async def __call__(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)


@asynccontextmanager
async def in_a_thread() -> AsyncIterator[InThread]:
    worker = ThreadPoolExecutor(1, thread_name_prefix="backup")
    try:
        yield InThread(worker)
    finally:
        worker.shutdown(wait=False)
