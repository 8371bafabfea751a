from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.connect.conftest import shared as shared
from tests.acceptance.connect.conftest import shared_home as shared_home
from tests.acceptance.connect.conftest import veteran as veteran
from tests.acceptance.connect.harness import Harness
from tests.emulators.whatsapp_web.process import EmulatorProcess


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Harness:
    return Harness(fast_dir, emulator)
