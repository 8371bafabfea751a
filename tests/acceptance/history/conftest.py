"""An office, and somebody in it with a phone and a contact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.connect.office import Office, run
from tests.acceptance.history.storm import Storm
from tests.emulators.whatsapp_web.process import EmulatorProcess

CONTACT = "5511988880001"


@pytest.fixture
def office(emulator: EmulatorProcess, fast_dir: Path) -> Office:
    return Office(fast_dir, emulator)


@pytest.fixture
def storm(office: Office) -> Storm:
    """Ana is paired, and nothing was said yet."""

    async def main() -> Storm:
        office.emulator.control.add_account(CONTACT)
        async with office.at_work() as day:
            return Storm(office, await day.connect_new(), CONTACT)

    return run(main())
