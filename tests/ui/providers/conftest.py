from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.ui.providers.harness import Harness, Play, open_harness


@pytest.fixture
def play(on_qt: OnQt, theme: Theme, tmp_path: Path) -> Play:
    """Runs an act in the office, on Qt's loop."""

    def run(act: Callable[[Harness], Awaitable[None]]) -> None:
        async def main() -> None:
            async with open_harness(theme, tmp_path) as harness:
                await act(harness)

        on_qt(main)

    return run
