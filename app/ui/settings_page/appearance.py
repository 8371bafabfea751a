"""Light or dark, how large the words are, and in which language."""

from __future__ import annotations

from collections.abc import Hashable

from app.ui.choice import Choice
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.text import LANGUAGES, texts
from app.ui.theme import SCALES, Mode, Theme

_LANGUAGE_NAMES = {"pt-BR": "Português", "en": "English"}  # each in its own language, so that anybody finds theirs


class AppearanceSection(Section):
    """Follows the theme and the language wherever they are changed."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "appearance", "sun")
        self._parts = parts
        self.mode = Choice(theme, list(Mode))
        self.scale = Choice(theme, list(SCALES))
        self.language = Choice(theme, list(LANGUAGES))
        self._rows_by_name = {
            "mode": Row(theme, self.mode),
            "size": Row(theme, self.scale),
            "language": Row(theme, self.language),
        }
        for row in self._rows_by_name.values():
            self.add(row)
        self.mode.picked.connect(theme.set_mode)
        self.scale.picked.connect(theme.set_text_scale)
        self.language.picked.connect(self._speak)
        theme.changed.connect(self.refresh)

    def refresh(self) -> None:
        self.mode.choose(self._theme.mode)
        self.scale.choose(min(SCALES, key=lambda scale: abs(scale - self._theme.text_scale)))
        self.language.choose(texts.language)

    def retranslate(self) -> None:
        super().retranslate()
        for name, row in self._rows_by_name.items():
            row.say(texts(f"settings.appearance.{name}"), texts(f"settings.appearance.{name}_line"))
        self.mode.say(texts("settings.appearance.mode"), [texts(f"window.mode.{mode}") for mode in Mode])
        self.scale.say(texts("settings.appearance.size"), [f"{scale} %" for scale in SCALES])
        self.language.say(texts("settings.appearance.language"), [_LANGUAGE_NAMES[each] for each in LANGUAGES])
        self.refresh()

    def _speak(self, language: Hashable) -> None:
        self._parts.set_language(str(language))
