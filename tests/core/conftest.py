"""Fixtures for the core: its real services; the provider, the disk and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.services import Core


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock)


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def run() -> Run:
    """Run a coroutine to its end, with a hard limit."""

    def go(main: Coroutine[Any, Any, None]) -> None:
        async def limited() -> None:
            async with asyncio.timeout(30):
                await main

        asyncio.run(limited())

    return go
