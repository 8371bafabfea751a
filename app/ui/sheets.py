"""What is asked for in the window is done after a yes, or in a sheet of its own: which one is a table here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.supervisor import Supervisor
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.ports import Clock
from app.ui.theme import Theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What sheets work with. A part of the core that one of them needs is added here."""

    theme: Theme
    bus: Bus
    clock: Clock
    actions: Actions
    enrolments: Enrolments
    supervisor: Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is asked for, of whom, and the widget it was asked from; a modal sheet opens over that one's window."""

    name: ActionName
    mentorado_id: MentoradoId
    over: QWidget
    override_reason: str = ""  # typed to pass the lock of an incident


class Sheets(QObject):
    """Runs every action there is. An opener raises `Problem` when its sheet cannot be opened."""

    procedure_wanted = Signal(object)
    """An `Errand` that begins a procedure: the pane shows it in its own place, since one looks at the QR meanwhile."""

    def __init__(self, tools: Tools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tools = tools

    async def run(self, name: ActionName, mentorado_id: MentoradoId, over: QWidget) -> None:
        """Do *name*, asking what must be asked. Raises `Problem`."""
        tools = self.tools
        if tools.actions.opens_sheet(name):
            tools.actions.require(name, mentorado_id)
            await OPENERS[name](self, Errand(name=name, mentorado_id=mentorado_id, over=over))
            return
        from app.ui.dialogs.question import Questions

        confirm = Questions(tools.theme, over, tools.supervisor.status).confirm
        await tools.actions.run(name, mentorado_id, confirm)

    def enrolment(self, errand: Errand) -> Enrolment:
        """Of whom *errand* is."""
        return self.tools.enrolments.get(errand.mentorado_id)


Opener = Callable[[Sheets, Errand], Awaitable[None]]


async def _procedure(sheets: Sheets, errand: Errand) -> None:
    sheets.procedure_wanted.emit(errand)


OPENERS: Final[Mapping[ActionName, Opener]] = MappingProxyType(
    {
        ActionName.RECOVER: _procedure,
        ActionName.REAUTHENTICATE: _procedure,
        ActionName.BACK_UP: _procedure,
        ActionName.RESTORE: _procedure,
    }
)
"""An opener imports its sheet itself: what nobody opens is not loaded."""
