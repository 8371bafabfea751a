"""Removes the oldest backups once a day, when there are many of one mentorado."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.core.backup.backups import Backups
from app.core.enrolments import Enrolments
from app.core.witness import Witness
from app.domain.backup import BackupInfo
from app.domain.deeds import DeedName
from app.domain.errors import Problem
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.ports import Clock, Journal

log = logging.getLogger(__name__)

KEPT: Final = 10
"""The latest of each mentorado."""

EVERY: Final = timedelta(days=1)
LOOK_AGAIN_SECONDS: Final = 3600.0


class BackupRetention:
    """Never touches somebody of whom a procedure is open, nor the only backup there is."""

    def __init__(
        self,
        *,
        backups: Backups,
        enrolments: Enrolments,
        journal: Journal,
        witness: Witness,
        clock: Clock,
        under_way: Callable[[MentoradoId], object | None],
    ) -> None:
        self._backups = backups
        self._enrolments = enrolments
        self._journal = journal
        self._witness = witness
        self._clock = clock
        self._under_way = under_way

    async def run(self) -> None:
        """Look after an hour, then daily, until cancelled."""
        done_at: datetime | None = None
        while True:
            await self._clock.sleep(LOOK_AGAIN_SECONDS)
            now = self._clock.now()
            if done_at is None or now - done_at >= EVERY:
                done_at = now if await self.remove_old() else None

    async def remove_old(self) -> bool:
        """Remove what is more than `KEPT`; returns whether the disk allowed it."""
        for enrolment in self._enrolments.all():
            if self._under_way(enrolment.mentorado.id) is not None:
                continue
            try:
                order = await self._journal.order(enrolment.mentorado.id)
                if old := await self._backups.old(enrolment.mentorado.id, KEPT, order):
                    await self._remove(enrolment, old)
            except Problem as problem:
                log.warning("Old backups could not be removed and are tried again: %s", problem.code)
                return False
        return True

    async def _remove(self, enrolment: Enrolment, old: Sequence[BackupInfo]) -> None:
        counted = {"backups": str(len(old))}
        async with self._witness.around(DeedName.REMOVE_BACKUPS, enrolment, before=counted, after=lambda: counted):
            await self._backups.remove(old)
