"""What tests of the window look at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from tests.ui.window_harness import (
    WindowHarness,
)

Use = Callable[[WindowHarness], Awaitable[None]]
InWindow = Callable[..., WindowHarness]
PEOPLE = range(40)


async def settle() -> None:
    await asyncio.sleep(0.05)


class _LayoutRequests(QObject):
    """Counts what asks for a new layout."""

    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.LayoutRequest
        return False


async def is_at_rest() -> bool:
    """Whether nothing is laid out again and again, which nobody sees, and which takes a whole processor."""
    app = QApplication.instance()
    assert app is not None
    requests = _LayoutRequests()
    await asyncio.sleep(0.05)
    app.installEventFilter(requests)
    await asyncio.sleep(0.05)
    app.removeEventFilter(requests)
    return requests.count < 10
