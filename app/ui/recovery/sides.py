"""The side sheets that are open, one for each mentorado at most, in the pane's own place."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QStackedLayout, QWidget

from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure
from app.ui.loop import asked
from app.ui.recovery.side_sheet import SideSheet
from app.ui.sheets import Errand, Sheets


class Sides(QObject):
    """Puts sheets on *pages* and takes them off. A procedure whose sheet was closed goes on, and can be seen again."""

    changed = Signal()
    mentorado_wanted = Signal(str)
    """The sheet that was asked for is of somebody who is not on show."""
    problem = Signal(object)
    crash = Signal(object)

    def __init__(
        self, sheets: Sheets, pages: QStackedLayout, pane: QWidget, shown: Callable[[], MentoradoId | None]
    ) -> None:
        super().__init__(pane)
        self._sheets, self._tools = sheets, sheets.tools
        self._pages = pages
        self._pane = pane
        self._shown = shown
        self._open: dict[MentoradoId, SideSheet] = {}
        sheets.procedure_wanted.connect(self.ask)

    def of(self, mentorado_id: MentoradoId) -> SideSheet | None:
        """The sheet that is open."""
        return self._open.get(mentorado_id)

    def procedure_of(self, mentorado_id: MentoradoId) -> Procedure | None:
        """The procedure that is not finished, whether its sheet is open or not."""
        return self._tools.procedures.of(mentorado_id) if self._tools.procedures else None

    @asked
    async def ask(self, errand: Errand) -> None:
        """Ask what comes before the procedure of *errand*."""
        mentorado_id = errand.mentorado_id
        if mentorado_id != self._shown() or not self._pane.isVisible():
            self.mentorado_wanted.emit(mentorado_id)
        try:
            self._sheet(mentorado_id).ask(errand)
        except BaseException:
            self.close(mentorado_id)
            raise
        self._bring_forward(mentorado_id)

    def see(self) -> None:
        """Show the procedure of whoever is on show; nothing happens when there is none."""
        mentorado_id = self._shown()
        procedure = self.procedure_of(mentorado_id) if mentorado_id else None
        if mentorado_id is not None and procedure is not None:
            self._sheet(mentorado_id).show_procedure(procedure)
            self._bring_forward(mentorado_id)

    @asked
    async def go_on(self) -> None:
        """Show it, and let it continue."""
        self.see()
        mentorado_id = self._shown()
        procedure = self.procedure_of(mentorado_id) if mentorado_id else None
        if procedure is not None and self._tools.procedures is not None:
            await self._tools.procedures.go_on(procedure.head.id)

    def close(self, mentorado_id: MentoradoId) -> None:
        """Have the pane itself there again."""
        sheet = self._open.pop(mentorado_id, None)
        if sheet is None:
            return
        focused = QApplication.focusWidget()
        had_focus = focused is not None and (focused is sheet or sheet.isAncestorOf(focused))
        self.changed.emit()
        if had_focus and (shown := self._pages.currentWidget()):
            shown.setFocus()  # not the first button that comes along
        self._pages.removeWidget(sheet)
        sheet.hide()
        sheet.deleteLater()

    def show_problem(self, problem: Problem) -> None:
        self.problem.emit(problem)

    def show_crash(self, error: Exception) -> None:
        self.crash.emit(error)

    def _bring_forward(self, mentorado_id: MentoradoId) -> None:
        self.changed.emit()
        self._open[mentorado_id].take_focus()

    def _sheet(self, mentorado_id: MentoradoId) -> SideSheet:
        if mentorado_id not in self._open:
            sheet = self._open[mentorado_id] = SideSheet(self._sheets, mentorado_id)
            sheet.closed.connect(lambda: self.close(mentorado_id))
            self._pages.addWidget(sheet)
        return self._open[mentorado_id]
