"""What a person asks of the window, and what is done about it once the program is loaded behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint

from app.domain.errors import Problem
from app.ui.loop import asked
from app.ui.mentorado_list.groups import Group
from app.ui.pop_up import pop_up
from app.ui.shortcuts import commands
from app.ui.text import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.action import ActionName
    from app.domain.mentorado import MentoradoId
    from app.ui.main_window import MainWindow
    from app.ui.work import Work


class Errands(QObject):
    """Asks, has it done, and shows what came of it in *window*. Before there is *work*, nothing is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.work: Work | None = None
        self._window = window

    def show_problem(self, problem: Problem) -> None:
        self._window.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self._window.show_crash(error)

    @asked
    async def add(self) -> None:
        """Enrol somebody, show them, and connect them when that was the button."""
        window = self._window
        if self.work is None or (saved := await self.work.enrol(window)) is None:
            return
        mentorado_id = saved.enrolment.mentorado.id
        window.header.search.clear()
        window.list.chips.pick(Group.ALL)
        window.choose(mentorado_id)
        if saved.connect:
            await self.work.connect(window, mentorado_id)

    @asked
    async def edit(self, mentorado_id: MentoradoId) -> None:
        if self.work is not None:
            await self.work.edit(self._window, mentorado_id)

    @asked
    async def perform(self, name: ActionName, mentorado_id: MentoradoId) -> None:
        """Do what a menu or the palette offered."""
        if self.work is not None:
            await self.work.run(self._window, name, mentorado_id)

    @asked
    async def import_people(self) -> None:
        """Take a spreadsheet of people; they can be archived again at once."""
        if self.work is None:
            return
        if added := await self.work.import_people(self._window):
            words = texts.plural("import.done", len(added))
            self._window.toast.say(words, texts("window.undo"), lambda: self.undo_import(added))

    @asked
    async def undo_import(self, mentorado_ids: Sequence[MentoradoId]) -> None:
        """Take them out of the list again."""
        if self.work is not None:
            for mentorado_id in mentorado_ids:
                await self.work.enrolments.archive(mentorado_id, undo_import=True)

    @asked
    async def bring_back(self, mentorado_id: MentoradoId) -> None:
        if self.work is not None:
            await self.work.bring_back(self._window, mentorado_id)

    @asked
    async def open_palette(self) -> None:
        """Find a person or an action by a few letters."""
        if self.work is None:
            return
        window = self._window
        entry = await self.work.pick(
            window, commands(window), window.list.table.chosen_id, perform=self.perform, choose=window.choose
        )
        if entry is not None:
            entry.do()

    def show_menu(self, mentorado_id: MentoradoId, where: QPoint) -> None:
        """What can be done to somebody in the list."""
        if self.work is not None:
            pop_up(self.work.menu(self._window, mentorado_id, perform=self.perform, edit=self.edit), where)

    def offer_undo(self, mentorado_id: MentoradoId) -> None:
        """Say that somebody was archived, as long as it is likely to be regretted."""
        if self.work is not None:
            words = texts("window.archived", name=self.work.name_of(mentorado_id))
            self._window.toast.say(words, texts("window.undo"), lambda: self.bring_back(mentorado_id))
