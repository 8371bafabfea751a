"""The whole program but its window, against the far ends in processes of their own. Nothing inside is replaced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.whatsapp_web.process import EmulatorProcess

pytest.register_assert_rewrite(
    "tests.acceptance.program",
    "tests.acceptance.connect.harness",
    "tests.acceptance.connect.outcomes",
    "tests.acceptance.zapi.harness",
)


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as running:
        yield running


@pytest.fixture(autouse=True)
def good_manners(request: pytest.FixtureRequest) -> Iterator[None]:
    """No fault armed by one test waits for the next."""
    yield
    if "emulator" in request.fixturenames:
        control = request.getfixturevalue("emulator").control
        control.clear_faults()
        control.set_ref_count(6)
