"""Where backups lie, how many there are, and how many stay."""

from __future__ import annotations

from app.core.backup.retention import KEPT
from app.domain.backup import BackupInfo
from app.domain.errors import Problem
from app.ui.conversations.words import number, size
from app.ui.loop import asked
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.place_row import PlaceRow
from app.ui.settings_page.section import Row, Section
from app.ui.text import age, texts
from app.ui.theme import Theme


class BackupsSection(Section):
    """They are made and restored in the pane of each mentorado; here one sees all of them together."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "backups", "archive")
        self._parts = parts
        self._infos: list[BackupInfo] | None = None
        self._place = PlaceRow(theme, parts.folders.backups, parts.open_folder)
        self._count, self._kept = Row(theme), Row(theme)
        for row in (self._place, self._count, self._kept):
            self.add(row)

    @property
    def line(self) -> str:
        """What is said of how many there are."""
        return self._count.line.text()

    @asked
    async def refresh(self) -> None:
        """Look into the folder, in a thread."""
        self._infos = list(await self._parts.backups())
        self._show()

    def show_problem(self, problem: Problem) -> None:
        super().show_problem(problem)
        self._count.say(texts("settings.backups.count"), "")  # nobody could count them

    def retranslate(self) -> None:
        super().retranslate()
        self._place.name(texts("settings.backups.place"))
        self._kept.say(texts("settings.backups.kept"), texts("settings.backups.kept_line", count=KEPT))
        self._show()

    def _show(self) -> None:
        infos = self._infos
        if infos is None:
            line = texts("settings.backups.counting")
        elif not infos:
            line = texts("settings.backups.none")
        else:
            known = {
                "count": number(len(infos)),
                "people": number(len({info.mentorado_id for info in infos})),
                "size": size(sum(info.size for info in infos)),
                "age": age(self._parts.clock.now() - max(info.at for info in infos)),
            }
            line = texts("settings.backups.count_line" if len(infos) > 1 else "settings.backups.one_line", **known)
        self._count.say(texts("settings.backups.count"), line)
