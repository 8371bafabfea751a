"""Work in a thread that nobody leaves half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(call: Callable[[], T]) -> T:
    """Run *call* in a thread. Cancelled, wait for its end all the same: then its files may be touched."""
    loop, worker = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="to the end")
    try:
        return await loop.run_in_executor(worker, call)
    except asyncio.CancelledError:
        await loop.run_in_executor(worker, lambda: None)
        raise
    finally:
        worker.shutdown(wait=False)
