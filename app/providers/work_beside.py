"""Work that goes on beside the body of a context, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *work* until the body is left. What the body raises comes out as it was raised."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            yield
            task.cancel()
    except ExceptionGroup as group_of_one:  # whichever failed, the other was only cancelled for it
        raise group_of_one.exceptions[0] from None
