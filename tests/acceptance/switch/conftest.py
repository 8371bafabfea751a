"""All three providers, each played at its own wire, and one program in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.outbound import smoke_test as waiting
from tests.acceptance.switch.harness import Harness
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import MetaState
from tests.emulators.serving import Served
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.zapi.emulator import ZapiEmulator


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer is never reached through one."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "DELIVERY_SECONDS", 15.0)
    monkeypatch.setattr(waiting, "PERSON_SECONDS", 15.0)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)


@pytest.fixture
def harness(emulator: EmulatorProcess, fast_dir: Path) -> Iterator[Harness]:
    zapi, cloud = ZapiEmulator(), MetaCloud(MetaState())
    with Served(zapi) as zapi_served, Served(cloud) as cloud_served:
        yield Harness(fast_dir, emulator, zapi=(zapi, zapi_served.url), meta=(cloud, cloud_served.url))
