"""Backups as what they are once somebody was erased: copies that may still hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.core.backup.backups import Backups
from app.core.backup.folder import remove
from app.domain.erasure import CopyKind, OldCopy
from app.domain.mentorado import MentoradoId


class BackupCopies:
    """Implements `app.domain.erasure.Leftovers`. An archive is whole or it is nothing: it is never rewritten."""

    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return 0

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return [
            OldCopy(kind=CopyKind.BACKUP, path=info.path, at=info.at, encrypted=info.encrypted)
            for info in await self._backups.all(mentorado_id)
        ]

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        await asyncio.to_thread(remove, *(each.path for each in copies if each.kind is CopyKind.BACKUP))
