"""The loaded entries, newest first; more are requested when the view is scrolled to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.domain.audit import AuditEntry, AuditOutcome
from app.domain.mentorado import MentoradoId
from app.domain.names import fold_accents
from app.domain.repositories import AuditLog
from app.text import audit as audit_text
from app.text.audit import Side

Role = Qt.ItemDataRole
LINE_ROLE = Role.UserRole + 1

_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """An entry with its text, computed once per language."""

    entry: AuditEntry
    what: str
    who: str
    when: str
    outcome: str
    reason: str
    before: Side | None
    after: Side | None
    broken: bool

    @property
    def spoken(self) -> str:
        record = self.entry.record
        change = " → ".join(side.words for side in (self.before, self.after) if side is not None)
        columns = (self.what, audit_text.subject_label(record), self.outcome, change, self.who, self.reason, self.when)
        return ", ".join(filter(None, columns))


def search_text(entry: AuditEntry) -> str:
    """Return the text that a search looks through."""
    record = entry.record
    parts = (
        audit_text.action_label(record.action),
        record.action,
        record.subject,
        audit_text.actor_label(record),
        audit_text.change(record),
    )
    return "\n".join((*parts, audit_text.reason(record), audit_text.outcome(record.outcome), str(entry.number)))


class AuditModel(QAbstractListModel):
    """Rows change only through `show`, `add_older`, `add_newer` and `mark_broken`."""

    more_requested = Signal()

    def __init__(self, today: Callable[[], date], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self._entries: list[AuditEntry] = []
        self._lines: dict[int, AuditRow] = {}
        self._more = False
        self._broken: int | None = None

    # --- facts

    def clear(self) -> None:
        self.beginResetModel()
        self._entries = []
        self._lines.clear()
        self._more = False
        self.endResetModel()

    def add_older(self, entries: Sequence[AuditEntry], *, more: bool) -> None:
        """Append *entries*; *more* when there are older ones."""
        self._more = more
        if entries:
            end = len(self._entries)
            self.beginInsertRows(_NOWHERE, end, end + len(entries) - 1)
            self._entries.extend(entries)
            self.endInsertRows()

    def add_newer(self, entries: Sequence[AuditEntry]) -> None:
        """Put *entries*, the newest first, above all others."""
        if entries:
            self.beginInsertRows(_NOWHERE, 0, len(entries) - 1)
            self._entries[:0] = entries
            self.endInsertRows()

    def mark_broken(self, number: int | None) -> None:
        """Mark the entry that fails verification."""
        self._broken = number
        self.retranslate()

    def retranslate(self) -> None:
        self._lines.clear()
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    # --- what is shown

    def line_at(self, index: QModelIndex | QPersistentModelIndex) -> AuditRow | None:
        return self._line(self._entries[index.row()]) if index.isValid() else None

    def row_of(self, number: int) -> int | None:
        return next((row for row, entry in enumerate(self._entries) if entry.number == number), None)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._entries)

    def canFetchMore(self, parent: QModelIndex | QPersistentModelIndex) -> bool:  # noqa: N802 - Qt's name
        return not parent.isValid() and self._more

    def fetchMore(self, _parent: QModelIndex | QPersistentModelIndex) -> None:  # noqa: N802 - Qt's name
        if self._more:
            self._more = False  # asked once; who answers says whether there is still more
            self.more_requested.emit()

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._entries):
            return None
        if role not in (Role.DisplayRole, Role.AccessibleTextRole, LINE_ROLE):
            return None
        line = self._line(self._entries[index.row()])
        return line if role == LINE_ROLE else line.spoken

    def _line(self, entry: AuditEntry) -> AuditRow:
        line = self._lines.get(entry.number)
        if line is None:
            record = entry.record
            before, after = audit_text.sides(record)
            line = self._lines[entry.number] = AuditRow(
                entry=entry,
                what=audit_text.action_label(record.action),
                who=audit_text.actor_label(record),
                when=audit_text.time(record.at, self._today()),
                outcome=audit_text.outcome(record.outcome),
                reason=audit_text.reason(record),
                before=before,
                after=after,
                broken=entry.number == self._broken,
            )
        return line


PAGE_SIZE = 200
"""So many entries are read at once."""


class Period(StrEnum):
    """The period of the filter, by the local calendar."""

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
    """The filter; by default all entries."""

    words: str = ""
    outcome: AuditOutcome | None = None
    period: Period = Period.ALL
    mentorado_id: MentoradoId | None = None

    @property
    def narrows(self) -> bool:
        return self != Filter()


class AuditQuery:
    """Reads entries from the newest to the oldest. *entry_text* returns the text of an entry, which is searched."""

    def __init__(self, audit: AuditLog, wanted: Filter, now: datetime, entry_text: Callable[[AuditEntry], str]) -> None:
        self._audit = audit
        self._wanted = wanted
        self._since = wanted.period.since(now)
        self._parts = fold_accents(wanted.words).split()
        self._entry_text = entry_text
        self.ended = False
        self.newest: int | None = None
        """The number of the entry that was first when the walk began."""
        self._before: int | None = None

    async def next(self) -> list[AuditEntry]:
        """Return the matching entries of the next batch; may be empty before `ended`."""
        entries = await self._audit.entries(
            mentorado_id=self._wanted.mentorado_id, before=self._before, limit=PAGE_SIZE
        )
        if self.newest is None:
            self.newest = entries[0].number if entries else 0
        # A clock may have been wrong for an entry or two, hardly for a whole stretch.
        past = self._since is not None and all(entry.record.at < self._since for entry in entries)
        self.ended = self.ended or past or len(entries) < PAGE_SIZE
        if entries:
            self._before = entries[-1].number
        return [entry for entry in entries if self.matches(entry)]

    def matches(self, entry: AuditEntry) -> bool:
        wanted, record = self._wanted, entry.record
        if wanted.mentorado_id is not None and record.mentorado_id != wanted.mentorado_id:
            return False
        if wanted.outcome is not None and record.outcome is not wanted.outcome:
            return False
        if self._since is not None and record.at < self._since:
            return False
        return not self._parts or self._matches_words(entry)

    def _matches_words(self, entry: AuditEntry) -> bool:
        entry_text = fold_accents(self._entry_text(entry))
        return all(part in entry_text for part in self._parts)
