"""Pictures of what people see outside the window: ``python -m tests.ui.desktop.gallery OUT_DIR``."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from app.domain.notifications import SnoozeLength
from app.domain.settings import NOTIFICATIONS
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.desktop.tray import tray_icon
from app.ui.settings.notifications import NotificationsSection
from app.ui.settings.page import SettingsPage
from app.ui.theme.theme import Mode, Theme
from tests.ui.desktop.harness import present
from tests.ui.window_harness import WindowHarness, person, status


async def take_all(folder: Path) -> None:
    """The icon on three panels; the menu and the section of the settings in every look."""
    _icons().save(str(folder / "icons.png"))
    numbers = range(12)
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as monkeypatch:
                harness = WindowHarness(Path(home), [person(n) for n in numbers], Theme(mode))
                await harness.load(*(status(n) for n in numbers))
                harness.window.resize(1280, 720)
                await harness.show()
                name = f"{language}-{mode}"
                async with present(harness, monkeypatch) as made:
                    made.fall(*harness.people[:7])
                    made.integration.tray.menu.ensurePolished()
                    made.integration.tray.menu.adjustSize()
                    made.integration.tray.menu.grab().save(str(folder / f"menu-{name}.png"))
                await _take_snoozed(harness, folder, name)
                await _take_settings(harness, folder, name)
                await harness.close()


async def _take_snoozed(harness: WindowHarness, folder: Path, name: str) -> None:
    window, snoozes = harness.window, harness.core.services.snoozes
    window.choose(harness.people[1].id)
    await _take(harness, folder / f"snooze-{name}-none.png")
    await snoozes.begin(harness.people[1].id, SnoozeLength.TOMORROW)
    await snoozes.begin(harness.people[3].id, SnoozeLength.RECOVERY)
    await _take(harness, folder / f"snooze-{name}-until.png")


async def _take(harness: WindowHarness, file: Path) -> None:
    harness.model.flush()
    await asyncio.sleep(0.5)
    harness.window.grab().save(str(file))


async def _take_settings(harness: WindowHarness, folder: Path, name: str) -> None:
    service = harness.settings_harness.settings_service
    await service.change(NOTIFICATIONS, NOTIFICATIONS.read({"notifications_quiet": True}))
    harness.window.go("settings", "notifications")
    page = harness.window.places.page
    assert isinstance(page, SettingsPage)
    section = next(each for each in page.sections if isinstance(each, NotificationsSection))
    for size in ((1280, 720), (760, 620)):
        harness.window.resize(*size)
        page.reveal("notifications")
        await _take(harness, folder / f"settings-{name}-{size[0]}.png")
    assert section.quiet.chosen is True


def _icons() -> QPixmap:
    picture = QPixmap(520, 240)
    painter = QPainter(picture)
    for row, ground in enumerate(("#f2f2f2", "#2b2b2b", "#0b6b5c")):
        painter.fillRect(0, row * 80, 520, 80, QColor(ground))
        left = 8
        for count in (0, 1, 7, 10):
            for side in (16, 22, 48):
                painter.drawPixmap(left, row * 80 + 8, tray_icon(count).pixmap(side))
                left += side + 8
    painter.end()
    return picture


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    run(QApplication([]), lambda: take_all(target))
