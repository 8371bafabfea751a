"""The whole program but its window, against the far ends in processes of their own. Nothing inside is replaced."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.logging import configure_logging
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.migrated import migrated_quickly as migrated_quickly

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


@pytest.fixture
def log_file(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The program's own log, written as it is in real life."""
    file: Path = request.getfixturevalue("harness").settings.log_file
    log = logging.getLogger("app")
    before, level = list(log.handlers), log.level
    configure_logging(file)
    yield file
    for handler in [handler for handler in log.handlers if handler not in before]:
        log.removeHandler(handler)
        handler.close()
    log.setLevel(level)
