"""An office, and somebody in it with a phone and a contact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.connect.harness import Harness
from tests.acceptance.history.storm import MessageLoad
from tests.acceptance.program import run
from tests.emulators.whatsapp_web.process import EmulatorProcess

CONTACT = "5511988880001"


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Harness:
    return Harness(fast_dir, emulator)


@pytest.fixture
def load(harness: Harness) -> MessageLoad:
    """Ana is paired, and nothing was said yet."""

    async def main() -> MessageLoad:
        harness.emulator.control.add_account(CONTACT)
        async with harness.running() as run:
            return MessageLoad(harness, await run.connect_new(), CONTACT)

    return run(main())
