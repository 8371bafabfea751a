"""Shows over the list which commands and addresses are not the defaults, and which settings were not taken."""

from __future__ import annotations

from collections.abc import Callable

from app.settings import Settings
from app.ui import text
from app.ui.banners import Banners
from app.ui.text import texts

_LONGEST = 120


class SettingsNotice:
    """A quiet notice that stays as long as an override does, and one that can be put aside about unused settings."""

    def __init__(self, banners: Banners, settings: Settings, go_to_settings: Callable[[], None]) -> None:
        self._banners = banners
        self._settings = settings
        self._go_to_settings = go_to_settings

    def show(self) -> None:
        if self._settings.overrides:
            see = (lambda: texts("override.see"), self._go_to_settings)
            self._banners.show_words(self._overrides, "overrides", dismissible=False, quiet=True, choices=[see])
        if self._settings.unused is not None:
            self._banners.show_words(lambda: text.unused_settings(self._settings), "unused settings")

    def _overrides(self) -> str:
        named = (text.override(chosen)[0] for chosen in self._settings.overrides)
        return " ".join(f"{shortened(words)}." for words in (texts("override.title"), *named))


def shortened(words: str) -> str:
    """*words*, cut where a long command would fill the window; the settings show the whole."""
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
