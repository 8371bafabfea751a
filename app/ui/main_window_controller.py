"""What a person asks of the window, and what is done about it once the program is loaded behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QWidget

from app.domain.errors import Problem
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.mentorado_list.model import ListFilter
from app.ui.navigation import shortcut
from app.ui.theme.theme import Theme
from app.ui.widgets.action_menu import pop_up

if TYPE_CHECKING:
    from app.core.actions import ActionService
    from app.core.csv_import import CsvImportService
    from app.core.links.supervisor import Supervisor
    from app.core.mentorado_service import MentoradoService
    from app.domain.actions import ActionName
    from app.domain.mentorado import MentoradoId
    from app.ui.action_runner import ActionRunner
    from app.ui.detail_pane.pane import DetailPane
    from app.ui.dialogs.command_palette import Entry
    from app.ui.dialogs.mentorado import Saved
    from app.ui.main_window import MainWindow
    from app.ui.navigation import PageSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The core's parts, and how the pane and the pages are built. Sheets open over the widget handed in."""

    theme: Theme
    actions: ActionService
    mentorados: MentoradoService
    supervisor: Supervisor
    csv_import: CsvImportService
    sheets: ActionRunner
    make_pane: Callable[[], DetailPane]
    pages: Sequence[PageSpec]

    async def add_mentorado(self, over: QWidget) -> Saved | None:
        """Ask for somebody new; None when it was given up."""
        from app.ui.dialogs.mentorado import edit_mentorado

        hosted = self.sheets.tools.hosted
        return await edit_mentorado(self.theme, over, self.mentorados, choice=hosted.choice, kinds=hosted.kinds)

    async def import_people(self, over: QWidget) -> Sequence[MentoradoId]:
        """Take a spreadsheet; returns who was added."""
        from app.ui.dialogs.csv_import import import_spreadsheet

        return await import_spreadsheet(self.theme, over, self.csv_import)

    async def edit(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        """Let somebody's entry be corrected."""
        from app.ui.dialogs.mentorado import edit_mentorado

        hosted = self.sheets.tools.hosted
        await edit_mentorado(self.theme, over, self.mentorados, mentorado_id, choice=hosted.choice, kinds=hosted.kinds)

    async def connect(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        """Connect somebody who was just added, asking first for what their provider signs in with."""
        from app.domain.actions import ActionName
        from app.domain.provider_descriptor import DESCRIPTORS

        asked = DESCRIPTORS[self.mentorados.get(mentorado_id).link.provider].fields
        await self.run(over, ActionName.ENTER_CREDENTIALS if asked else ActionName.CONNECT, mentorado_id)

    async def bring_back(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        from app.domain.actions import ActionName

        await self.run(over, ActionName.BRING_BACK, mentorado_id)

    async def run(self, over: QWidget, name: ActionName, mentorado_id: MentoradoId) -> None:
        """Do it, asking first where it must be asked."""
        await self.sheets.run(name, mentorado_id, over)

    async def pick(
        self,
        over: QWidget,
        commands: Sequence[Entry],
        shown: MentoradoId | None,
        *,
        perform: Callable[[ActionName, MentoradoId], None],
        choose: Callable[[MentoradoId], None],
    ) -> Entry | None:
        """Let a person, an action on the one that is *shown*, or one of *commands* be found by typing."""
        from app.ui.async_slots import show_dialog
        from app.ui.dialogs.command_palette import CommandPalette, actions_on, people

        on_shown = actions_on(self.mentorados.get(shown), self.actions, perform) if shown else ()
        palette = CommandPalette(self.theme, over, [*on_shown, *commands, *people(self.mentorados.all(), choose)])
        await show_dialog(palette)
        return palette.picked

    def menu(
        self,
        parent: QWidget,
        mentorado_id: MentoradoId,
        *,
        perform: Callable[[ActionName, MentoradoId], None],
        edit: Callable[[MentoradoId], None],
    ) -> QMenu:
        """What can be done to one mentorado."""
        from app.ui.widgets.action_menu import row_menu

        return row_menu(parent, self.theme, self.actions, mentorado_id, perform=perform, edit=edit)

    def name_of(self, mentorado_id: MentoradoId) -> str:
        return self.mentorados.get(mentorado_id).name


def add_shortcuts(window: MainWindow) -> None:
    """Let *window* listen to its keys."""
    controller, look = window.controller, window.check
    for keys, do in (
        (QKeySequence.StandardKey.Find, window.begin_search),
        (QKeySequence.StandardKey.New, window.header.add_button.click),
        ("Ctrl+I", controller.import_people),
        ("Ctrl+K", controller.open_palette),
        ("Ctrl+L", look.switch_language),
        ("Ctrl++", partial(look.scale_text, +1)),
        ("Ctrl+=", partial(look.scale_text, +1)),
        ("Ctrl+-", partial(look.scale_text, -1)),
        ("Ctrl+0", partial(look.scale_text, 0)),
        ("Esc", window.body.close_side_panel),
    ):
        QShortcut(QKeySequence(keys), window).activated.connect(do)


def add_page_shortcuts(window: MainWindow) -> None:
    """Let a key lead to each page of *window*."""
    for number, name in enumerate(window.places.icons, 1):
        QShortcut(QKeySequence(shortcut(number)), window).activated.connect(partial(window.go, name))


def commands(window: MainWindow) -> Sequence[Entry]:
    """What *window* itself can do, each with its keys."""
    from app.ui.dialogs.command_palette import command

    controller, look = window.controller, window.check
    places = [
        command(texts(f"rail.{name}"), shortcut(number), icon, partial(window.go, name))
        for number, (name, icon) in enumerate(window.places.icons.items(), 1)
    ]
    return [
        command(texts("list.add"), "Ctrl+N", "user-plus", controller.add),
        command(texts("list.import"), "Ctrl+I", "file", controller.import_people),
        *places,
        command(texts("palette.language"), "Ctrl+L", "globe", look.switch_language),
        command(texts("palette.larger"), "Ctrl++", "expand", partial(look.scale_text, +1)),
        command(texts("palette.smaller"), "Ctrl+-", "shrink", partial(look.scale_text, -1)),
    ]


class MainWindowController(QObject):
    """Asks, has it done, and shows what came of it in *window*. Before there is *work*, nothing is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.work: Work | None = None
        self._window = window

    def show_problem(self, problem: Problem) -> None:
        self._window.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self._window.show_crash(error)

    @async_slot
    async def add(self) -> None:
        """Enrol somebody, show them, and connect them when that was the button."""
        window = self._window
        if self.work is None or (saved := await self.work.add_mentorado(window)) is None:
            return
        mentorado_id = saved.mentorado.id
        window.header.search.clear()
        window.list.chips.pick(ListFilter.ALL)
        window.choose(mentorado_id)
        if saved.connect:
            await self.work.connect(window, mentorado_id)

    @async_slot
    async def edit(self, mentorado_id: MentoradoId) -> None:
        if self.work is not None:
            await self.work.edit(self._window, mentorado_id)

    @async_slot
    async def perform(self, name: ActionName, mentorado_id: MentoradoId) -> None:
        """Do what a menu or the palette offered."""
        if self.work is not None:
            await self.work.run(self._window, name, mentorado_id)

    @async_slot
    async def import_people(self) -> None:
        """Take a spreadsheet of people; they can be archived again at once."""
        if self.work is None:
            return
        if added := await self.work.import_people(self._window):
            words = texts.plural("import.done", len(added))
            self._window.toast.show_message(words, texts("window.undo"), lambda: self.undo_import(added))

    @async_slot
    async def undo_import(self, mentorado_ids: Sequence[MentoradoId]) -> None:
        """Take them out of the list again."""
        if self.work is not None:
            for mentorado_id in mentorado_ids:
                await self.work.mentorados.archive(mentorado_id, undo_import=True)

    @async_slot
    async def bring_back(self, mentorado_id: MentoradoId) -> None:
        if self.work is not None:
            await self.work.bring_back(self._window, mentorado_id)

    @async_slot
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
            self._window.toast.show_message(words, texts("window.undo"), lambda: self.bring_back(mentorado_id))
