"""From a button to the core."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

from PySide6.QtWidgets import QWidget

from app.core.action import ActionName
from app.domain.errors import Code, Problem
from app.domain.procedure import Procedure, StepName
from app.ui.recovery.beginning import Beginning
from app.ui.recovery.desk import ProcedureDesk
from app.ui.recovery.offers import Control
from app.ui.sheets import Errand, Sheets, Tools

_DECIDES: Final = MappingProxyType(
    {Control.SEND_AWAY: ActionName.REJECT_ACCOUNT, Control.ACCEPT: ActionName.ACCEPT_ACCOUNT}
)


async def begin(tools: Tools, errand: Errand, form: Beginning) -> Procedure:
    """Begin what *form* asked about. Raises `Problem`, and nothing that was typed is gone then."""
    return await procedures_of(tools).begin(
        form.kind,
        errand.mentorado_id,
        facts=form.facts,
        secret=form.secret,
        override_reason=errand.override_reason,
    )


async def steer(sheets: Sheets, control: Control, procedure: Procedure, over: QWidget, secret: str) -> None:
    """Do what a person wants of *procedure*; a *secret* that was typed again goes along. Raises `Problem`."""
    procedures, procedure_id = procedures_of(sheets.tools), procedure.head.id
    match control:
        case Control.SEND_AWAY | Control.ACCEPT:
            await sheets.run(_DECIDES[control], procedure.head.mentorado_id, over)
        case Control.CONFIRM:
            await procedures.confirm(procedure_id)
        case Control.PAUSE | Control.NOT_NOW:
            await procedures.pause(procedure_id)
        case Control.UNDO:
            await procedures.undo(procedure_id)
        case Control.CONTINUE | Control.TRY_AGAIN:
            await procedures.go_on(procedure_id, secret=secret)
        case Control.OPEN_FOLDER:
            if file := procedure.step(StepName.PUT_IN_PLACE).facts.get("path"):
                sheets.tools.open_folder(Path(file).parent)
        case Control.CLOSE:
            """Closing a sheet asks nothing of a procedure."""


def procedures_of(tools: Tools) -> ProcedureDesk:
    """Raises `Problem(NOT_POSSIBLE_NOW)` where there are none."""
    if tools.procedures is None:
        raise Problem(Code.NOT_POSSIBLE_NOW)
    return tools.procedures
