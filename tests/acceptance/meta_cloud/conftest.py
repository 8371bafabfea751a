"""A Cloud API for each test, and an office that asks it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.logging import configure_logging
from tests.acceptance.meta_cloud.harness import Harness
from tests.clock import ManualClock
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import MetaState
from tests.emulators.serving import Served


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer is never reached through one."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def cloud(manual_clock: ManualClock) -> MetaCloud:
    return MetaCloud(MetaState(manual_clock.now))


@pytest.fixture
def url(cloud: MetaCloud) -> Iterator[str]:
    with Served(cloud) as served:
        yield served.url


@pytest.fixture
def harness(fast_dir: Path, url: str, cloud: MetaCloud, manual_clock: ManualClock) -> Harness:
    return Harness(fast_dir, url, cloud, manual_clock)


@pytest.fixture
def log_file(harness: Harness) -> Iterator[Path]:
    """The program's own log, written as it is in real life."""
    log = logging.getLogger("app")
    before, level = list(log.handlers), log.level
    configure_logging(harness.settings.log_file)
    yield harness.settings.log_file
    for handler in [handler for handler in log.handlers if handler not in before]:
        log.removeHandler(handler)
        handler.close()
    log.setLevel(level)
