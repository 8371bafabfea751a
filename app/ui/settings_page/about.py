"""What this program is, what it is made of, where its data is, and what is not set as usual."""

from __future__ import annotations

from app.ui import text
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.place_row import PlaceRow
from app.ui.settings_page.section import Row, Section
from app.ui.text import texts
from app.ui.theme import Theme


class AboutSection(Section):
    """Nothing here can be changed."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "about", "info")
        self._parts = parts
        self._version = Row(theme)
        self._licences = Row(theme)
        self._data = PlaceRow(theme, parts.folders.data, parts.open_folder)
        for row in (self._version, self._licences, self._data):
            self.add(row)
        self._file: PlaceRow | None = None
        if parts.settings_file is not None:
            self._file = PlaceRow(theme, parts.settings_file, lambda file: parts.open_folder(file.parent))
            self.add(self._file)
        self._overrides = [(Row(theme), chosen) for chosen in parts.overrides]
        for row, _chosen in self._overrides:
            self.add(row)

    def retranslate(self) -> None:
        super().retranslate()
        self._version.say(
            texts("settings.about.version", version=self._parts.version), texts("settings.about.version_line")
        )
        self._licences.say(texts("settings.about.licences"), texts("settings.about.licences_line"))
        self._data.name(texts("settings.about.data"))
        if self._file is not None:
            self._file.name(texts("settings.about.settings_file"))
        for row, chosen in self._overrides:
            words, place = text.override(chosen)
            row.say(texts("override.title"), f"{words}. {place}.")
