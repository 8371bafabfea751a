"""The pages, as the whole program opens them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.main_window import MainWindow
from app.ui.main_window_controller import SECTIONS
from app.ui.navigation import SETTINGS
from app.ui.settings.page import SettingsPage
from tests.ui.procedures.test_program import program

pytestmark = pytest.mark.usefixtures("on_qt")


class ShownWindows(QObject):
    """Remembers what came on the screen as a window of its own."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.kinds: list[type] = []
        app.installEventFilter(self)

    def eventFilter(self, shown: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show and isinstance(shown, QWidget) and shown.isWindow():
            self.kinds.append(type(shown))
        return False


@pytest.mark.within(40)
async def test_no_part_of_the_window_is_ever_a_window_of_its_own(qapp: QApplication, fast_dir: Path) -> None:
    """A page of a `QStackedLayout` that has no parent yet is: it blinks on the screen and takes the keyboard."""
    shown = ShownWindows(qapp)
    async with program(qapp, fast_dir) as started:
        window = started.window
        await started.core.mentorados.add("Ana Prates", "11 98765-4321")
        for name in window.places.icons:
            window.go(name)
        assert shown.kinds == [MainWindow]
        window.go(SETTINGS)
        page = window.places.page
        assert isinstance(page, SettingsPage)
        assert [section.name for section in page.sections] == list(SECTIONS), "what Ctrl+K leads to"
        qapp.removeEventFilter(shown)
        window.close()
