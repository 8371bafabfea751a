"""What is on the screen before anything else is loaded."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.domain.ports import Clock
from app.ui.main_window import MainWindow
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.preferences import Preferences
from app.ui.text import texts
from app.ui.theme import Theme


class Frame:
    """The window as it is first seen: the person's own look and language, and nobody in the list yet."""

    def __init__(self, app: QApplication, preferences: Path, clock: Clock) -> None:
        kept = Preferences(preferences)
        texts.set_language(kept.language)
        self.theme = Theme(kept.mode, kept.text_scale)
        self.theme.prepare(app)
        self.model = MentoradoListModel(clock)
        self.window = MainWindow(theme=self.theme, preferences=kept, model=self.model)
        self.theme.apply(app)  # once it is whole: each widget would else be dressed again with each parent it is given
        self.close_asked = False
        self.window.close_requested.connect(self._remember)

    def _remember(self) -> None:
        self.close_asked = True
