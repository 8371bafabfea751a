"""The entries that are shown, the newest first; more are asked for when somebody scrolls to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.domain.audit import AuditEntry
from app.ui.audit_page import words
from app.ui.audit_page.words import Side

Role = Qt.ItemDataRole
LINE_ROLE = Role.UserRole + 1

_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry with its words, found once for each language."""

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
        deed = self.entry.deed
        change = " → ".join(side.words for side in (self.before, self.after) if side is not None)
        said = (self.what, words.whom(deed), self.outcome, change, self.who, self.reason, self.when)
        return ", ".join(filter(None, said))


def said(entry: AuditEntry) -> str:
    """Everything an entry can be found by."""
    deed = entry.deed
    parts = (words.what(deed.action), deed.action, deed.subject, words.who(deed), words.change(deed))
    return "\n".join((*parts, words.reason(deed), words.outcome(deed.outcome), str(entry.number)))


class AuditModel(QAbstractListModel):
    """Facts go in through `show`, `add_older`, `add_newer` and `mark_broken`."""

    more_wanted = Signal()

    def __init__(self, today: Callable[[], date], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self._entries: list[AuditEntry] = []
        self._lines: dict[int, Line] = {}
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
        """Put *entries* at the end; *more* when there are others behind them."""
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
        """The chain does not hold at this entry."""
        self._broken = number
        self.retranslate()

    def retranslate(self) -> None:
        self._lines.clear()
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    # --- what is shown

    def line_at(self, index: QModelIndex | QPersistentModelIndex) -> Line | None:
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
            self.more_wanted.emit()

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._entries):
            return None
        if role not in (Role.DisplayRole, Role.AccessibleTextRole, LINE_ROLE):
            return None
        line = self._line(self._entries[index.row()])
        return line if role == LINE_ROLE else line.spoken

    def _line(self, entry: AuditEntry) -> Line:
        line = self._lines.get(entry.number)
        if line is None:
            deed = entry.deed
            before, after = words.sides(deed)
            line = self._lines[entry.number] = Line(
                entry=entry,
                what=words.what(deed.action),
                who=words.who(deed),
                when=words.when(deed.at, self._today()),
                outcome=words.outcome(deed.outcome),
                reason=words.reason(deed),
                before=before,
                after=after,
                broken=entry.number == self._broken,
            )
        return line
