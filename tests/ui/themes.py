"""The theme and the language that tests of the window start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app.text.status import texts
from app.ui.theme.theme import Mode, Theme


@pytest.fixture(scope="session")
def session_theme(qapp: QApplication) -> Theme:
    theme = Theme(Mode.LIGHT)
    theme.apply(qapp)  # dressing the program takes a while: once is enough
    return theme


@pytest.fixture
def theme(session_theme: Theme) -> Iterator[Theme]:
    """Light, at normal size, in Portuguese; whatever the test changes is put back."""
    texts.set_language("pt-BR")
    session_theme.set_mode(Mode.LIGHT)
    session_theme.set_text_scale(100)
    yield session_theme
    texts.set_language("pt-BR")
    session_theme.set_mode(Mode.LIGHT)
    session_theme.set_text_scale(100)
