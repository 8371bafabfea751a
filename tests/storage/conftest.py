"""Tests of storage: real files, a real worker thread, and coroutine functions as tests."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function to its end, within twenty seconds."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    parts = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def limited() -> None:
        async with asyncio.timeout(20):
            await pyfuncitem.obj(**parts)

    asyncio.run(limited())
    return True


@pytest.fixture
def path(fast_dir: Path) -> Path:
    """Where a database may be; nothing is there yet, not even the folder."""
    return fast_dir / "data" / "conecta.db"
