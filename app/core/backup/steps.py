"""The steps of a backup: copy beside the place, read back, put there."""

from __future__ import annotations

from app.core.backup.backups import Backups
from app.core.procedure.step import Run, Step
from app.domain.errors import Code, Problem
from app.domain.procedure import Facts, StepName

_MADE_AGAIN = frozenset({Code.BACKUP_UNREADABLE, Code.BACKUP_ALTERED})


class BackupSteps:
    """COLLECT, VERIFY_ARCHIVE and PUT_IN_PLACE.

    A passphrase is nowhere but in memory. What began with one never goes on without it.
    """

    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name=StepName.COLLECT, do=self._collect, before=self._wanted, undo=self._discard),
            Step(name=StepName.VERIFY_ARCHIVE, do=self._verify, undo=self._discard),
            Step(name=StepName.PUT_IN_PLACE, do=self._put_in_place),
        )

    async def _wanted(self, run: Run) -> Facts:
        locked = run.facts(StepName.COLLECT).get("encrypted") == "yes"
        if locked and not run.secret:
            raise Problem(Code.BACKUP_LOCKED, path=str(run.id))
        return {"encrypted": "yes" if run.secret else "no"}

    async def _collect(self, run: Run) -> Facts:
        return await self._backups.collect(run.id, run.mentorado_id, passphrase=run.secret, on_progress=run.tell)

    async def _verify(self, run: Run) -> Facts:
        try:
            info = await self._backups.verify_part(run.id, passphrase=run.secret, on_progress=run.tell)
        except Problem as problem:
            if problem.code not in _MADE_AGAIN:
                raise
            await self._wanted(run)
            await self._collect(run)  # somebody took it away, or the disk did
            info = await self._backups.verify_part(run.id, passphrase=run.secret, on_progress=run.tell)
        return {
            "messages": str(info.messages),
            "conversations": str(info.conversations),
            "session": "none" if info.account is None else "kept",
            "size": str(info.size),
            "encrypted": "yes" if info.encrypted else "no",
        }

    async def _put_in_place(self, run: Run) -> Facts:
        info = await self._backups.put_in_place(run.id)
        return {
            "path": str(info.path),
            "messages": str(info.messages),
            "size": str(info.size),
            "encrypted": "yes" if info.encrypted else "no",
        }

    async def _discard(self, run: Run) -> Facts:
        await self._backups.discard_part(run.id)
        return {}
