"""What tests of the window look at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from tests.ui.window_harness import (
    WindowHarness,
)

Use = Callable[[WindowHarness], Awaitable[None]]
InWindow = Callable[..., WindowHarness]
PEOPLE = range(40)


def words(widget: QWidget) -> str:
    """Everything that is written in *widget* now."""
    shown = [each for each in widget.findChildren(QWidget) if each.isVisible()]
    return " | ".join(each.text() for each in shown if isinstance(each, (QLabel, QPushButton)))


async def settle() -> None:
    await asyncio.sleep(0.05)
