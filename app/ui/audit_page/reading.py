"""The audit read backwards through a filter, a stretch at a time. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from app.domain.audit import AuditEntry, AuditOutcome, Verification
from app.domain.mentorado import MentoradoId
from app.ui.mentorado_list.search import fold

STRETCH = 200
"""So many entries are read at once."""


class ReadsAudit(Protocol):
    """The part of `app.domain.ports.Audit` that is needed to look at it."""

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]: ...

    async def verification(self) -> Verification: ...


class Period(StrEnum):
    """How far back one looks, by this computer's calendar."""

    ALL = "all"
    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def since(self, now: datetime) -> datetime | None:
        """The first moment that counts, None when all do."""
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        days = {Period.TODAY: 0, Period.WEEK: 6, Period.MONTH: 29, Period.YEAR: 364}.get(self)
        return None if days is None else midnight - timedelta(days=days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are wanted; all of them unless something is said."""

    words: str = ""
    outcome: AuditOutcome | None = None
    period: Period = Period.ALL
    mentorado_id: MentoradoId | None = None

    @property
    def narrows(self) -> bool:
        return self != Filter()


class Reading:
    """One walk from the newest entry to the oldest. *said* gives an entry's words, which are searched."""

    def __init__(self, audit: ReadsAudit, wanted: Filter, now: datetime, said: Callable[[AuditEntry], str]) -> None:
        self._audit = audit
        self._wanted = wanted
        self._since = wanted.period.since(now)
        self._parts = fold(wanted.words).split()
        self._said = said
        self.ended = False
        self.newest: int | None = None
        """The number of the entry that was first when the walk began."""
        self._before: int | None = None

    async def next(self) -> list[AuditEntry]:
        """Those of the next stretch that are wanted; perhaps none, until `ended`."""
        entries = await self._audit.entries(mentorado_id=self._wanted.mentorado_id, before=self._before, limit=STRETCH)
        if self.newest is None:
            self.newest = entries[0].number if entries else 0
        # A clock may have been wrong for an entry or two, hardly for a whole stretch.
        past = self._since is not None and all(entry.deed.at < self._since for entry in entries)
        self.ended = self.ended or past or len(entries) < STRETCH
        if entries:
            self._before = entries[-1].number
        return [entry for entry in entries if self.wants(entry)]

    def wants(self, entry: AuditEntry) -> bool:
        wanted, deed = self._wanted, entry.deed
        if wanted.mentorado_id is not None and deed.mentorado_id != wanted.mentorado_id:
            return False
        if wanted.outcome is not None and deed.outcome is not wanted.outcome:
            return False
        if self._since is not None and deed.at < self._since:
            return False
        return not self._parts or self._found(entry)

    def _found(self, entry: AuditEntry) -> bool:
        hay = fold(self._said(entry))
        return all(part in hay for part in self._parts)
