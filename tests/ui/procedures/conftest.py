"""A window whose procedures a test moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.ui.procedures.views import Views

Use = Callable[[Views], Awaitable[None]]


class OnViews(Protocol):
    def __call__(self, use: Use, *, within: float = 20) -> None: ...


@pytest.fixture
def on_views(on_qt: OnQt, theme: Theme, tmp_path: Path) -> OnViews:
    def run(use: Use, *, within: float = 20) -> None:
        async def main() -> None:
            async with Views.opened(tmp_path, theme) as views:
                await use(views)

        on_qt(main, within=within)

    return run
