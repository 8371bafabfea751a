"""What the window can ask of the program, once the program is loaded behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu, QWidget

from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.core.action import ActionName
    from app.core.actions import Actions
    from app.core.enrolments import Enrolments
    from app.core.links.supervisor import Supervisor
    from app.core.roster_import import RosterImport
    from app.domain.mentorado import MentoradoId
    from app.ui.detail_pane.pane import DetailPane
    from app.ui.dialogs.mentorado_form import Saved
    from app.ui.page import Page
    from app.ui.palette.entries import Entry
    from app.ui.places import Place
    from app.ui.sheets import Sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The core's parts, and recipes for the pane and the other places. Sheets open over the widget handed in."""

    theme: Theme
    actions: Actions
    enrolments: Enrolments
    supervisor: Supervisor
    roster_import: RosterImport
    sheets: Sheets
    make_pane: Callable[[], DetailPane]
    make_page: Callable[[Place], Page]

    async def enrol(self, over: QWidget) -> Saved | None:
        """Ask for somebody new; None when it was given up."""
        from app.ui.dialogs.mentorado_form import ask_for_mentorado

        hosted = self.sheets.tools.hosted
        return await ask_for_mentorado(self.theme, over, self.enrolments, choice=hosted.choice, kinds=hosted.kinds)

    async def import_people(self, over: QWidget) -> Sequence[MentoradoId]:
        """Take a spreadsheet; returns who was added."""
        from app.ui.dialogs.import_sheet import import_spreadsheet

        return await import_spreadsheet(self.theme, over, self.roster_import)

    async def edit(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        """Let somebody's entry be corrected."""
        from app.ui.dialogs.mentorado_form import ask_for_mentorado

        hosted = self.sheets.tools.hosted
        await ask_for_mentorado(
            self.theme, over, self.enrolments, mentorado_id, choice=hosted.choice, kinds=hosted.kinds
        )

    async def connect(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        """Connect somebody who was just added, asking first for what their provider signs in with."""
        from app.core.action import ActionName
        from app.domain.credentials import ASKED

        asked = ASKED[self.enrolments.get(mentorado_id).link.provider]
        await self.run(over, ActionName.ENTER_CREDENTIALS if asked else ActionName.CONNECT, mentorado_id)

    async def bring_back(self, over: QWidget, mentorado_id: MentoradoId) -> None:
        from app.core.action import ActionName

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
        from app.ui.loop import ask
        from app.ui.palette.entries import actions_on, people
        from app.ui.palette.sheet import Palette

        on_shown = actions_on(self.enrolments.get(shown), self.actions, perform) if shown else ()
        palette = Palette(self.theme, over, [*on_shown, *commands, *people(self.enrolments.all(), choose)])
        await ask(palette)
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
        from app.ui.row_menu import row_menu

        return row_menu(parent, self.theme, self.actions, mentorado_id, perform=perform, edit=edit)

    def name_of(self, mentorado_id: MentoradoId) -> str:
        return self.enrolments.get(mentorado_id).mentorado.name
