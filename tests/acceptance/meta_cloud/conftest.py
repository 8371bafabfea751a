"""A Cloud API for each test, and an office that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
