"""Says on the terminal what has been seen, one line per step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STEP_SECONDS = 20.0


class StepFailed(Exception):
    """A step was not seen; the cause says why."""


class Narrator:
    """Counts the steps, and the time since the first."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.steps = 0

    def say(self, words: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {words}", flush=True)  # noqa: T201 - this is its purpose

    @asynccontextmanager
    async def step(self, words: str, *, within: float = STEP_SECONDS) -> AsyncIterator[None]:
        """Say *words* once what is inside was seen; raise `StepFailed` when it was not, or not in time."""
        try:
            async with asyncio.timeout(within):
                yield
        except TimeoutError as error:
            self.say(f"NOT SEEN within {within:g} s: {words}")
            raise StepFailed(words) from error
        except Exception as error:
            self.say(f"NOT SEEN: {words} ({type(error).__name__}: {error})")
            raise StepFailed(words) from error
        self.steps += 1
        self.say(words)
