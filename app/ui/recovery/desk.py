"""What the window asks of procedures and of the backups that are there; the core has both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from app.domain.backup import BackupInfo, LossLedger
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureId, ProcedureKind


class ProcedureDesk(Protocol):
    """Runs procedures; what moves is told by `ProcedureChanged`. Everything that is asked for may raise `Problem`."""

    def unfinished(self) -> Sequence[Procedure]: ...

    def of(self, mentorado_id: MentoradoId) -> Procedure | None:
        """The one that is open."""
        ...

    async def begin(
        self,
        kind: ProcedureKind,
        mentorado_id: MentoradoId,
        *,
        facts: Mapping[str, str] = ...,
        secret: str = "",
        override_reason: str = "",
    ) -> Procedure: ...

    async def confirm(self, procedure_id: ProcedureId) -> None: ...

    async def pause(self, procedure_id: ProcedureId) -> None: ...

    async def go_on(self, procedure_id: ProcedureId, *, secret: str = "") -> None: ...

    async def undo(self, procedure_id: ProcedureId) -> None: ...

    async def ledger(self, kind: ProcedureKind, mentorado_id: MentoradoId) -> LossLedger: ...


class BackupShelf(Protocol):
    """The archives there are."""

    async def all(self, mentorado_id: MentoradoId) -> Sequence[BackupInfo]:
        """The latest first."""
        ...

    async def verify(self, path: Path, *, passphrase: str = "") -> BackupInfo:
        """Read it whole. Raises `Problem` for what is no backup, is damaged, or is locked."""
        ...
