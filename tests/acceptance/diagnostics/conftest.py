"""A healthy computer, on which a test breaks one thing, and a running program whose connections are broken."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import build_services
from app.settings import Settings
from tests.acceptance.connect.conftest import harness as harness
from tests.acceptance.connect.conftest import shared as shared
from tests.acceptance.connect.conftest import shared_home as shared_home
from tests.acceptance.connect.conftest import veteran as veteran
from tests.acceptance.diagnostics.machine import Internet, Machine, internet


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with internet(tmp_path_factory.mktemp("internet")) as served:
        yield served


@pytest.fixture(scope="module")
def data_of_ana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one mentorado, as the program leaves it."""
    data = tmp_path_factory.mktemp("template") / "data"
    data.mkdir(mode=0o700)

    async def make() -> None:
        core = build_services(Settings(data_dir=data, session_dir=data / "sessions"))
        await core.open()
        await core.mentorados.add("Ana", "+5511987654321")
        await core.close()

    asyncio.run(make())
    return data


@pytest.fixture
def machine(fast_dir: Path, reached: Internet, data_of_ana: Path) -> Machine:
    reached.mend()
    shutil.copytree(data_of_ana, fast_dir / "data")
    return Machine(fast_dir, reached)
