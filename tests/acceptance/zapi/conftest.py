"""An emulator that is served once, and an office in front of it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.zapi.harness import Harness, QuickClock
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(ZapiEmulator()) as running:
        yield running


@pytest.fixture
def harness(served: Served, fast_dir: Path) -> Harness:
    emulator = served.application
    assert isinstance(emulator, ZapiEmulator)
    emulator.clear_faults()
    emulator.client_token = emulator.blocked_address = None
    clock = QuickClock()
    emulator.now = clock.now
    return Harness(fast_dir, emulator, served, clock)
