"""A window in which somebody is switched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.ui.provider_switch.harness import SwitchHarness, open_switches

Use = Callable[[SwitchHarness], Awaitable[None]]


class OnSwitches(Protocol):
    def __call__(self, use: Use, *, within: float = 20) -> None: ...


@pytest.fixture
def on_switches(on_qt: OnQt, theme: Theme, tmp_path: Path) -> OnSwitches:
    def run(use: Use, *, within: float = 20) -> None:
        async def main() -> None:
            async with open_switches(theme, tmp_path) as harness:
                harness.window.activateWindow()
                await use(harness)

        on_qt(main, within=within)

    return run
