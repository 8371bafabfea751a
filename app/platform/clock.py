"""The time of this computer."""

from __future__ import annotations

import platform
import time
from datetime import UTC, datetime
from typing import Final


class SystemClock:
    """A `Clock` in UTC. Light to import: the window shows ages before any loop is loaded."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)


def elapsed() -> float:
    """Seconds of real time, those that the computer slept included, whatever its clock is set to."""
    return time.monotonic() if _WITH_SLEEP is None else time.clock_gettime(_WITH_SLEEP)


def _with_sleep() -> int | None:
    """The clock that goes on while the computer sleeps, where `time.monotonic` does not."""
    on_linux: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.CLOCK_MONOTONIC if platform.system() == "Darwin" else on_linux


_WITH_SLEEP: Final = _with_sleep()
