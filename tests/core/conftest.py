"""Fixtures for the core: its real services; the provider, the disk and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.core.hostile_archives import archive_at
from tests.core.secret_store import PHRASE
from tests.migrated import migrated_quickly as migrated_quickly
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


@pytest.fixture
def good(fast_dir: Path) -> Path:
    return archive_at(fast_dir / "good.conecta")


@pytest.fixture
def locked(fast_dir: Path) -> Path:
    return archive_at(fast_dir / "locked.conecta", passphrase=PHRASE)
