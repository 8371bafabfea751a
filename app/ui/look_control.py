"""How the window looks and speaks, changed by a person and remembered for the next run."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from app.ui.pop_up import pop_up
from app.ui.preferences import Preferences
from app.ui.text import LANGUAGES, texts
from app.ui.theme import SCALES, Theme


class LookControl(QObject):
    """Language, theme and size of the text."""

    def __init__(self, theme: Theme, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._preferences = preferences
        self._window = window
        theme.changed.connect(self._remember)

    def set_language(self, language: str) -> None:
        """Speak *language* from now on, in the next runs too."""
        texts.set_language(language)
        self._preferences.language = language

    def switch_language(self) -> None:
        """Speak the next one."""
        self.set_language(LANGUAGES[(LANGUAGES.index(texts.language) + 1) % len(LANGUAGES)])

    def scale_text(self, steps: int) -> None:
        """Larger or smaller by so many *steps*; 0 is the usual size."""
        if steps == 0:
            self._theme.set_text_scale(SCALES[0])
            return
        nearest = min(SCALES, key=lambda scale: abs(scale - self._theme.text_scale))
        place = SCALES.index(nearest) + steps
        self._theme.set_text_scale(SCALES[min(max(place, 0), len(SCALES) - 1)])

    def show_menu(self, button: QWidget) -> None:
        """The choice of themes, below its *button*."""
        from app.ui.look_menu import look_menu

        menu = look_menu(self._window, self._theme)
        pop_up(menu, button.mapToGlobal(QPoint(0, button.height() + 4)))

    def _remember(self) -> None:
        self._preferences.mode = self._theme.mode
        self._preferences.text_scale = self._theme.text_scale
