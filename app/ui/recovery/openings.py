"""Which question comes before which procedure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from app.core.action import ActionName
from app.domain.errors import Code, Problem
from app.domain.procedure import ProcedureKind
from app.ui.recovery.backup_form import BackupBeginning
from app.ui.recovery.beginning import Beginning, LedgerBeginning
from app.ui.recovery.restore_form import RestoreBeginning
from app.ui.recovery.steering import procedures_of
from app.ui.sheets import Errand, Tools

KIND_OF: Final = MappingProxyType(
    {
        ActionName.RECOVER: ProcedureKind.RECOVERY,
        ActionName.REAUTHENTICATE: ProcedureKind.REAUTHENTICATION,
        ActionName.BACK_UP: ProcedureKind.BACKUP,
        ActionName.RESTORE: ProcedureKind.RESTORE,
    }
)


def beginning_of(errand: Errand, tools: Tools) -> Beginning:
    """The question for *errand*."""
    enrolment, kind = tools.enrolments.get(errand.mentorado_id), KIND_OF[errand.name]
    match kind:
        case ProcedureKind.BACKUP:
            return BackupBeginning(tools.theme, enrolment)
        case ProcedureKind.RESTORE:
            if tools.backups is None:
                raise Problem(Code.NOT_POSSIBLE_NOW, action=errand.name)
            return RestoreBeginning(tools.theme, enrolment, tools.backups, tools.clock)
        case ProcedureKind.RECOVERY | ProcedureKind.REAUTHENTICATION:
            return LedgerBeginning(kind, tools.theme, enrolment, procedures_of(tools), tools.clock)
