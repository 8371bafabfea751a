from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.text.status import texts
from app.text.translator import LANGUAGES
from app.ui.banners import Banners
from app.ui.theme.theme import Mode, Theme
from tests.conftest import OnQt
from tests.ui.themes import session_theme as session_theme
from tests.ui.themes import theme as theme
from tests.ui.window_checks import PEOPLE, InWindow, Use
from tests.ui.window_harness import WindowHarness, person, status


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every language, with the texts in it; Portuguese afterwards, as elsewhere."""
    texts.set_language(str(request.param))
    yield str(request.param)
    texts.set_language("pt-BR")


@pytest.fixture
def in_portuguese() -> Iterator[None]:
    texts.set_language("pt-BR")
    yield
    texts.set_language("pt-BR")


@pytest.fixture
def banners(qtbot: QtBot) -> Banners:
    made = Banners(Theme(Mode.LIGHT))
    qtbot.addWidget(made)
    return made


@pytest.fixture
def in_window(on_qt: OnQt, theme: Theme, tmp_path: Path) -> Iterator[InWindow]:
    """Open a window over made-up people, use it, and close it."""

    def play(use: Use, numbers: range = PEOPLE) -> WindowHarness:
        async def main() -> WindowHarness:
            harness = WindowHarness(tmp_path, [person(number) for number in numbers], theme)
            await harness.load(*(status(number) for number in numbers))
            try:
                await harness.show()
                await use(harness)
            finally:
                await harness.close()
            return harness

        return on_qt(main)

    yield play
    QApplication.processEvents()
