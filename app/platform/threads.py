"""Blocking work of several calls, one after the other, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


class ThreadWorker:
    """Runs one call after the other in a thread of its own."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        self._worker = worker

    async def __call__(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    async def finish(self, call: Callable[[], object]) -> None:
        """Run *call* even when the caller is cancelled before the thread has begun it."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, call))


@asynccontextmanager
async def in_a_thread() -> AsyncIterator[ThreadWorker]:
    worker = ThreadPoolExecutor(1, thread_name_prefix="backup")
    try:
        yield ThreadWorker(worker)
    finally:
        worker.shutdown(wait=False)


async def run_to_completion(call: Callable[[], T]) -> T:
    """Run *call* in a thread. Cancelled, wait for its end all the same: then its files may be touched."""
    loop, worker = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="to the end")
    try:
        return await loop.run_in_executor(worker, call)
    except asyncio.CancelledError:
        await loop.run_in_executor(worker, lambda: None)
        raise
    finally:
        worker.shutdown(wait=False)


@asynccontextmanager
async def background_task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *work* until the body is left. What the body raises comes out as it was raised."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            yield
            task.cancel()
    except ExceptionGroup as group_of_one:  # whichever failed, the other was only cancelled for it
        raise group_of_one.exceptions[0] from None


async def run_abandonable(call: Callable[[], T]) -> T:
    """Run *call* in a thread that nobody waits for when this is cancelled: what it asks may never answer, as a network
    drive or a keyring, and the program must end all the same."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type] # None only where T has it
        else:
            done.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="abandonable", daemon=True).start()
    return await done
