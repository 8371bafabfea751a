"""From an input event to the picture that answers it, in a window that runs."""

import asyncio
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from tests.benchmarks.programs.marks import mark

CLICKS, TYPED = 8, "joao ta"
QUIET_SECONDS = 0.1
_LONGEST_SECONDS = 5.0


class Pictures(QObject):
    """Counts the pictures of *window*: what is to be painted anew is painted with the next of them."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.count = 0
        window.installEventFilter(self)

    def eventFilter(self, _window: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.UpdateRequest:
            self.count += 1
        return False

    async def quiet(self) -> float:
        """Wait until nothing has been painted for a while, and return when the last picture was."""
        seen, last = self.count, time.perf_counter()
        end = last + _LONGEST_SECONDS
        while (now := time.perf_counter()) < min(last + QUIET_SECONDS, end):
            await asyncio.sleep(0.001)
            if self.count != seen:
                seen, last = self.count, now
        return last

    async def measure(self, name: str, put_in: Callable[[], object], is_there: Callable[[], bool]) -> None:
        """Say how many milliseconds pass from *put_in* to a picture with what *is_there* looks for, and to the last."""
        await self.quiet()
        before, began = self.count, time.perf_counter()
        put_in()
        async with asyncio.timeout(_LONGEST_SECONDS):
            while not (is_there() and self.count > before):
                await asyncio.sleep(0)
        first = time.perf_counter()
        last = max(first, await self.quiet())
        mark(name, f"{1000 * (first - began)} {1000 * (last - began)}")

    async def measure_dialog(self, name: str, put_in: Callable[[], object]) -> QWidget:
        """The same until a dialog stands in front of everything, which is returned."""
        await self.quiet()
        began = time.perf_counter()
        put_in()
        async with asyncio.timeout(_LONGEST_SECONDS):
            while (dialog := _dialog_on_screen()) is None:
                await asyncio.sleep(0)
        taken = 1000 * (time.perf_counter() - began)
        mark(name, f"{taken} {taken}")
        return dialog


def click(view: QAbstractItemView, index: QModelIndex) -> None:
    """Click on a row that is in view."""
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())


def reads(read: Callable[[], str], wanted: str) -> bool:
    return read() == wanted


def _dialog_on_screen() -> QWidget | None:
    """The dialog over all else, once it has been painted: with that its window is exposed."""
    dialog = QApplication.activeModalWidget()
    handle = dialog.windowHandle() if dialog is not None else None
    return dialog if handle is not None and handle.isExposed() else None
