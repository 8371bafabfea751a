"""How tests wait for something that happens elsewhere: in a thread, a child process, or behind a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within: float = 10, every: float = 0.005) -> None:
    """Wait until *condition* returns something true; both times are in seconds. Raises `TimeoutError`.

    It suspends before it looks, also when *condition* is true already. A caller that loops over it therefore gives the
    event loop its turn each time: otherwise neither the loop nor any timeout on it would ever run again.
    """
    async with asyncio.timeout(within):
        await asyncio.sleep(every)
        while not condition():
            await asyncio.sleep(every)
