"""The time of this computer."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """A `Clock` in UTC. Light to import: the window shows ages before any loop is loaded."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)
