"""The settings page over the services of the core."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.ui.async_slots import cancel_slots
from app.ui.settings.page import SettingsPage
from app.ui.theme.theme import Theme
from tests.clock import StillClock
from tests.conftest import OnQt
from tests.fakes import FakeMentoradoRepository
from tests.services import ServicesInMemory
from tests.ui.settings.harness import SettingsHarness
from tests.ui.settings.page_harness import PEOPLE, Harness, InHarness, Use
from tests.ui.window_harness import NOON


@pytest.fixture
def in_harness(on_qt: OnQt, theme: Theme, tmp_path: Path) -> InHarness:
    """Open the page, use it, and close it."""

    def play(use: Use) -> None:
        async def main() -> None:
            clock = StillClock(NOON)
            services = ServicesInMemory(clock, mentorado_repository=FakeMentoradoRepository(*PEOPLE))
            await services.mentorados.load()
            writing = asyncio.get_running_loop().create_task(services.write_queue.run())
            settings_harness = SettingsHarness(
                folder=tmp_path,
                bus=services.bus,
                clock=clock,
                mentorados=services.mentorados,
                audit_service=services.audit_service,
                smoke_tests=services.smoke_tests,
            )
            page = SettingsPage(theme=theme, sections=settings_harness.sections(theme))
            page.resize(1180, 800)
            page.show()
            harness = Harness(page, settings_harness, services.audit, clock)
            try:
                await harness.settle()
                await use(harness)
            finally:
                await cancel_slots()
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing
                page.close()
                page.deleteLater()

        on_qt(main, within=30)
        QApplication.processEvents()

    return play
