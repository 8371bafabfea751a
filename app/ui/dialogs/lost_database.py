"""Offers, over the list, what can be done when the database is missing beside sessions or backups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.domain.errors import Problem
from app.text import status as status_text
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.files import FileDialog
from app.ui.theme.theme import Theme

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class LostDatabase(QObject):
    """A notice with two buttons. No database is created without a confirmation."""

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        *,
        folder: Path,
        use_copy: Callable[[Path], Awaitable[None]],
        begin_anew: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._folder = folder
        self._use_copy = use_copy
        self._begin_anew = begin_anew

    def offer(self, problem: Problem, cause: str) -> None:
        """Show the notice until *cause* is cleared."""
        choices = [
            (lambda: texts("lost.look"), self.look_for_copy),
            (lambda: texts("lost.anew"), self.ask_to_begin_anew),
        ]
        self._window.banners.show_words(
            lambda: f"{status_text.problem(problem)[0]} {texts('lost.next')}", cause, dismissible=False, choices=choices
        )

    @async_slot
    async def look_for_copy(self) -> None:
        """Let a person choose a copy of the database, and put it in place."""
        dialog = FileDialog(self._window, texts("lost.look"), str(self._folder))
        dialog.setNameFilter(texts("lost.files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        if await show_dialog(dialog) is QFileDialog.DialogCode.Accepted:
            await self._use_copy(Path(dialog.selectedFiles()[0]))

    @async_slot
    async def ask_to_begin_anew(self) -> None:
        """Begin with an empty database once a person confirmed what that means."""
        from app.ui.dialogs.confirm import ConfirmDialog

        sheet = ConfirmDialog(self._theme, self._window, texts("lost.title"), texts("lost.confirm"))
        sheet.add_aspect("kept", texts("lost.kept"))
        sheet.add_aspect("changes", texts("lost.changes"))
        if await show_dialog(sheet) is ConfirmDialog.DialogCode.Accepted:
            await self._begin_anew()
