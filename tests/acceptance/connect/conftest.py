"""An office for a test, and one that a module's tests share so that its people are paired only once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.connect.harness import Harness
from tests.acceptance.program import Person, run
from tests.emulators.whatsapp_web.process import EmulatorProcess, quick_directory


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Harness:
    return Harness(fast_dir, emulator)


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conecta-test-", dir=quick_directory()) as home:
        yield Path(home)


@pytest.fixture(scope="module")
def shared(emulator: EmulatorProcess, shared_home: Path) -> Harness:
    return Harness(shared_home, emulator)


@pytest.fixture(scope="module")
def veteran(shared: Harness) -> Person:
    """Somebody paired once, for all the tests that do not cost them their session."""

    async def main() -> Person:
        async with shared.running() as run:
            return await run.connect_new("Vera")

    return run(main())
