from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.connect.office import Office
from tests.emulators.whatsapp_web.process import EmulatorProcess


@pytest.fixture
def office(emulator: EmulatorProcess, fast_dir: Path) -> Office:
    return Office(fast_dir, emulator)
