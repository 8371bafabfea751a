"""What is asked for in the window is done after a yes, or in a sheet of its own: which one is a table here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.core.action import ActionName, Refusal
from app.core.actions import Actions
from app.core.bus import Bus
from app.core.enrolments import Enrolments
from app.core.links.incident import Incidents
from app.core.links.supervisor import Supervisor
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.ports import Clock
from app.ui.credentials.hosted import Hosted
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.recovery.desk import BackupShelf, ProcedureDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What sheets work with. A part of the core that one of them needs is added here."""

    theme: Theme
    bus: Bus
    clock: Clock
    actions: Actions
    enrolments: Enrolments
    supervisor: Supervisor
    incidents: Incidents
    hosted: Hosted
    procedures: ProcedureDesk | None = None
    backups: BackupShelf | None = None
    open_folder: Callable[[Path], object] = lambda _folder: None


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

    place_wanted = Signal(object)
    """A `Place` where somebody wants to go on."""

    def __init__(self, tools: Tools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tools = tools

    async def run(self, name: ActionName, mentorado_id: MentoradoId, over: QWidget) -> None:
        """Do *name*, asking what must be asked; to pass the lock of an incident, for a reason. Raises `Problem`."""
        tools, errand = self.tools, Errand(name=name, mentorado_id=mentorado_id, over=over)
        if tools.actions.refusal(name, mentorado_id) is Refusal.INCIDENT:
            errand = replace(errand, override_reason=await self._why_go_on(errand))
            if not errand.override_reason:
                return
        if tools.actions.opens_sheet(name):
            tools.actions.require(name, mentorado_id, override_reason=errand.override_reason)
            await OPENERS[name](self, errand)
            return
        from app.ui.dialogs.question import Questions

        confirm = Questions(tools.theme, over, tools.supervisor.status).confirm
        await tools.actions.run(name, mentorado_id, confirm, override_reason=errand.override_reason)

    def enrolment(self, errand: Errand) -> Enrolment:
        """Of whom *errand* is."""
        return self.tools.enrolments.get(errand.mentorado_id)

    async def _why_go_on(self, errand: Errand) -> str:
        from app.ui.recovery.override import reason_to_go_on

        tools, enrolment = self.tools, self.enrolment(errand)
        incident = tools.incidents.of(enrolment.link.provider)
        return await reason_to_go_on(tools.theme, errand.over, errand.name, enrolment, incident, tools.clock)


Opener = Callable[[Sheets, Errand], Awaitable[None]]


async def _procedure(sheets: Sheets, errand: Errand) -> None:
    sheets.procedure_wanted.emit(errand)


async def _enter_credentials(sheets: Sheets, errand: Errand) -> None:
    from app.ui.credentials.openers import enter_credentials

    await enter_credentials(sheets, errand)


async def _decide_queue(sheets: Sheets, errand: Errand) -> None:
    from app.ui.credentials.openers import decide_queue

    await decide_queue(sheets, errand)


async def _register(sheets: Sheets, errand: Errand) -> None:
    from app.ui.credentials.openers import register

    await register(sheets, errand)


async def _deregister(sheets: Sheets, errand: Errand) -> None:
    from app.ui.credentials.openers import deregister

    await deregister(sheets, errand)


OPENERS: Final[Mapping[ActionName, Opener]] = MappingProxyType(
    {
        ActionName.RECOVER: _procedure,
        ActionName.REAUTHENTICATE: _procedure,
        ActionName.BACK_UP: _procedure,
        ActionName.RESTORE: _procedure,
        ActionName.ENTER_CREDENTIALS: _enter_credentials,
        ActionName.DECIDE_QUEUE: _decide_queue,
        ActionName.REGISTER: _register,
        ActionName.DEREGISTER: _deregister,
    }
)
"""An opener imports its sheet itself: what nobody opens is not loaded."""
