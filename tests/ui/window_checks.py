"""What tests of the window look at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.ui.window_harness import (
    WindowHarness,
)

Use = Callable[[WindowHarness], Awaitable[None]]
InWindow = Callable[..., WindowHarness]
PEOPLE = range(40)


async def settle() -> None:
    await asyncio.sleep(0.05)
