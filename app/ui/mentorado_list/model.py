"""The mentorados as Qt wants to see them: found, filtered and sorted here, so that no proxy is needed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.ui import text
from app.ui.mentorado_list.groups import Group
from app.ui.mentorado_list.row import Row
from app.ui.mentorado_list.search import Query
from app.ui.words import plain_tip

if TYPE_CHECKING:  # facts come later than the first picture of the window
    from app.domain.connection import LinkStatus
    from app.domain.events import MentoradoAdded, MentoradoChanged, MentoradosLoaded, StatusChanged
    from app.domain.mentorado import MentoradoId
    from app.domain.ports import Clock

Role = Qt.ItemDataRole
ENROLMENT_ROLE = Role.UserRole + 1
STATUS_ROLE = Role.UserRole + 2
AGE_ROLE = Role.UserRole + 3

FLUSH_MILLISECONDS = 33
"""Statuses may come by the thousand; the eye is told this often at most."""

_NOWHERE = QModelIndex()
_AGE_ROLES = [AGE_ROLE, Role.AccessibleTextRole]
_STATUS_ROLES = [STATUS_ROLE, Role.ToolTipRole, *_AGE_ROLES]


class MentoradoListModel(QAbstractListModel):
    """One row per mentorado who is shown. Facts go in through `on_*`; nothing else changes them."""

    counts_changed = Signal()
    archived = Signal(str)
    """Somebody was just archived; carries the mentorado's id."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._rows: dict[MentoradoId, Row] = {}
        self._early: dict[MentoradoId, LinkStatus] = {}  # observed before the roster was read
        self._sorted: list[Row] = []
        self._shown: list[Row] = []
        self._loaded = False
        self._query = Query()
        self._group = Group.ALL
        self._counts: Counter[Group] = Counter()
        self._stale: set[MentoradoId] = set()
        self._flush = QTimer(self, singleShot=True, interval=FLUSH_MILLISECONDS)
        self._flush.timeout.connect(self.flush)

    # --- facts

    def on_loaded(self, event: MentoradosLoaded) -> None:
        statuses = self._early | {row.id: row.status for row in self._rows.values() if row.status}
        self._early.clear()
        self._stale.clear()
        rows = [Row(e, statuses.get(e.mentorado.id)) for e in event.enrolments]
        self.beginResetModel()
        self._rows = {row.id: row for row in rows}
        self._sorted = sorted(rows, key=_order)
        self._counts = Counter(row.group for row in rows)
        self._shown = self._found(self._sorted)
        self._loaded = True
        self.endResetModel()
        self.counts_changed.emit()

    def on_added(self, event: MentoradoAdded) -> None:
        enrolment = event.enrolment
        row = Row(enrolment, self._early.pop(enrolment.mentorado.id, None))
        self._rows[row.id] = row
        self._counts[row.group] += 1
        self._sorted.insert(_place(self._sorted, row), row)
        self._show_if_found(row)
        self.counts_changed.emit()

    def on_changed(self, event: MentoradoChanged) -> None:
        before = self._rows[event.enrolment.mentorado.id]
        after = Row(event.enrolment, before.status)
        self._rows[after.id] = after
        self._counts[before.group] -= 1
        self._counts[after.group] += 1
        del self._sorted[_place(self._sorted, before)]
        self._sorted.insert(_place(self._sorted, after), after)
        place = self._place_shown(before)
        if place is not None and before.order == after.order and self._is_found(after):
            self._shown[place] = after
            index = self.index(place)
            self.dataChanged.emit(index, index)
        else:
            self._hide(before)
            self._show_if_found(after)
        self.counts_changed.emit()
        if after.enrolment.mentorado.archived and not before.enrolment.mentorado.archived:
            self.archived.emit(after.id)

    def on_status(self, event: StatusChanged) -> None:
        """Remember at once, repaint soon, and only the roles that show a status."""
        row = self._rows.get(event.mentorado_id)
        if row is None:
            self._early[event.mentorado_id] = event.after
            return
        row.status = event.after
        group = row.find_group()
        if group is not row.group:
            self._counts[row.group] -= 1
            self._counts[group] += 1
            row.group = group
        self._stale.add(row.id)
        if not self._flush.isActive():
            self._flush.start()

    def flush(self) -> None:
        """Tell the views what became stale since the last time."""
        stale = [self._rows[mentorado_id] for mentorado_id in self._stale]
        self._stale.clear()
        if self._group is not Group.ALL:  # where everybody is shown, a status brings nobody in and nobody out
            for row in stale:
                if not self._is_found(row):
                    self._hide(row)
                elif self._place_shown(row) is None:
                    self._show_if_found(row)
        seen = [row for row in stale if self._is_found(row)]
        if seen:
            first, last = (_place(self._shown, end(seen, key=_order)) for end in (min, max))
            self.dataChanged.emit(self.index(first), self.index(last), _STATUS_ROLES)
        if stale:
            self.counts_changed.emit()

    # --- what is shown

    def search(self, typed: str) -> None:
        """Show only those whom *typed* finds."""
        query = Query.of(typed)
        fewer = query.narrows(self._query) and not self._stale
        self._narrow(self._shown if fewer else self._sorted, query, self._group)

    def show_group(self, group: Group) -> None:
        self._narrow(self._sorted, self._query, group)

    def _narrow(self, among: list[Row], query: Query, group: Group) -> None:
        if (query, group) == (self._query, self._group):
            return
        self._query, self._group = query, group
        found = self._found(among)
        if len(found) == len(self._shown) and found == self._shown:
            return
        self.beginResetModel()
        self._shown = found
        self.endResetModel()

    @property
    def loaded(self) -> bool:
        """Whether the roster was read at least once."""
        return self._loaded

    @property
    def group(self) -> Group:
        return self._group

    def count(self, group: Group) -> int:
        """How many are in *group*; archived ones are in no other."""
        if group is Group.ALL:
            return self._counts.total() - self._counts[Group.ARCHIVED]
        return self._counts[group]

    def row_of(self, mentorado_id: MentoradoId) -> int | None:
        """Where somebody is shown, or None when they are not."""
        row = self._rows.get(mentorado_id)
        return None if row is None else self._place_shown(row)

    def id_at(self, index: QModelIndex | QPersistentModelIndex) -> MentoradoId | None:
        return self._shown[index.row()].id if index.isValid() else None

    def refresh_ages(self) -> None:
        """Time has passed: what was 1 minute ago is 2 now."""
        self._touch_all(_AGE_ROLES)

    def retranslate(self) -> None:
        self._touch_all([])

    # --- Qt's questions

    def painted(self, place: int) -> tuple[Row, str]:
        """What the list paints at *place*: the row, and the age of its truth in words."""
        row = self._shown[place]
        return row, self.said_age(row)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        answer = _ANSWERS.get(role)
        return answer(self, self._shown[index.row()]) if answer else None

    def said_age(self, row: Row) -> str:
        age = row.age(self._clock.now())
        return "" if age is None else text.age(age)

    def tooltip(self, row: Row) -> str:
        return plain_tip(text.sentence(row.known, row.enrolment, self._clock.now()))

    def spoken(self, row: Row) -> str:
        return row.spoken(self._clock.now())

    # --- keeping `_shown` true

    def _found(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self._is_found(row)]

    def _is_found(self, row: Row) -> bool:
        in_group = row.group is not Group.ARCHIVED if self._group is Group.ALL else row.group is self._group
        return in_group and self._query.matches(row.hay)

    def _place_shown(self, row: Row) -> int | None:
        place = _place(self._shown, row)
        return place if place < len(self._shown) and self._shown[place] is row else None

    def _show_if_found(self, row: Row) -> None:
        if self._is_found(row):
            place = _place(self._shown, row)
            self.beginInsertRows(_NOWHERE, place, place)
            self._shown.insert(place, row)
            self.endInsertRows()

    def _hide(self, row: Row) -> None:
        place = self._place_shown(row)
        if place is not None:
            self.beginRemoveRows(_NOWHERE, place, place)
            del self._shown[place]
            self.endRemoveRows()

    def _touch_all(self, roles: list[int]) -> None:
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1), roles)


def _order(row: Row) -> tuple[str, str, str]:
    return row.order


def _place(rows: list[Row], row: Row) -> int:
    return bisect_left(rows, row.order, key=_order)


_ANSWERS: dict[int, Callable[[MentoradoListModel, Row], Any]] = {
    Role.DisplayRole: lambda _model, row: row.enrolment.mentorado.name,
    Role.ToolTipRole: MentoradoListModel.tooltip,
    Role.AccessibleTextRole: MentoradoListModel.spoken,
    ENROLMENT_ROLE: lambda _model, row: row.enrolment,
    STATUS_ROLE: lambda _model, row: row.known,
    AGE_ROLE: MentoradoListModel.said_age,
}
