"""The window as it is painted first, before the core is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app.text.status import texts
from app.ui.appearance import Preferences
from app.ui.main_window import MainWindow
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.theme.theme import Theme

if TYPE_CHECKING:
    from app.domain.repositories import Clock


class Frame:
    """The window before the core is loaded: theme, language and an empty list."""

    def __init__(self, app: QApplication, preferences: Path, clock: Clock) -> None:
        kept = Preferences(preferences)
        texts.set_language(kept.language)
        self.preferences = kept
        self.theme = Theme(kept.mode, kept.text_scale)
        self.theme.prepare(app)
        self.model = MentoradoListModel(clock)
        self.window = MainWindow(theme=self.theme, preferences=kept, model=self.model)
        self.theme.apply(app)  # once it is whole: each widget would else be dressed again with each parent it is given
        self.close_asked = False
        self.window.close_requested.connect(self._remember_close)

    def show_people(self, database: Path) -> None:
        """Paint who is in *database*, if that can be told at once; what is true of them comes with the services."""
        from app.storage.mentorado_rows import read_mentorados

        if people := read_mentorados(database):
            self.model.show_early(people)
            self.window.paint_now()

    def _remember_close(self) -> None:
        self.close_asked = True
