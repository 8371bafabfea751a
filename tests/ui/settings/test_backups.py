"""All backups together, in the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.domain.errors import Problem, ProblemCode
from app.text.status import texts
from app.ui.settings.storage import BackupsSection
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.procedures.fake_procedures import backup
from tests.ui.window_harness import NOON, WindowHarness, person

Use = Callable[[WindowHarness, BackupsSection], Awaitable[None]]


@pytest.fixture
def on_section(on_qt: OnQt, theme: Theme, tmp_path: Path) -> Callable[[Use], None]:
    def play(use: Use) -> None:
        async def main() -> None:
            harness = WindowHarness(tmp_path, [person(1)], theme)
            await harness.load()
            section = harness.settings_harness.backups_section(theme)
            section.retranslate()
            try:
                await use(harness, section)
            finally:
                section.deleteLater()
                await harness.close()

        on_qt(main)
        QApplication.processEvents()

    return play


def test_it_counts_them_and_says_how_many_stay(on_section: Callable[[Use], None]) -> None:
    async def use(harness: WindowHarness, section: BackupsSection) -> None:
        assert section.line == "Contando…"
        section.refresh()
        await settle()
        assert section.line == "Nenhum ainda. Faça o primeiro na ficha de um mentorado, em Fazer backup."
        harness.settings_harness.backups = [backup(person(1).id, NOON - timedelta(hours=2))]
        section.refresh()
        await settle()
        assert section.line == "1 backup de 1 mentorado, 4,2 MB. Feito há 2 h."
        harness.settings_harness.backups.append(backup(person(2).id, NOON - timedelta(days=2)))
        section.refresh()
        await settle()
        assert section.line == "2 backups de 2 mentorados, 8,4 MB no total. O último, há 2 h."
        assert "Os 10 mais novos de cada mentorado." in section._kept.line.text()
        texts.set_language("en")
        section.retranslate()
        assert section.line == "2 backups of 2 mentorados, 8.4 MB in all. The last, 2 h ago."

    on_section(use)


def test_the_folder_can_be_opened(on_section: Callable[[Use], None]) -> None:
    async def use(harness: WindowHarness, section: BackupsSection) -> None:
        section._place.button.click()
        await asyncio.sleep(0)
        assert harness.settings_harness.opened == [harness.folder / "backups"]

    on_section(use)


def test_a_folder_that_cannot_be_read_says_so(on_section: Callable[[Use], None]) -> None:
    async def use(harness: WindowHarness, section: BackupsSection) -> None:
        harness.settings_harness.backups_problem = Problem(ProblemCode.BACKUP_FOLDER_UNUSABLE, path="/backups")
        section.refresh()
        await settle()
        assert "/backups" in section.message
        assert section.line == ""

    on_section(use)
