"""The mentorados as Qt wants to see them: found, filtered and sorted here, so that no proxy is needed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.domain.link_status import LinkState, LinkStatus
from app.text import status as status_text
from app.text.send_state import send_state
from app.text.signs import tone_of
from app.text.staff import handled, handled_shortly, note_hint
from app.ui.mentorado_list.narrowing import EVERYBODY, Narrowing
from app.ui.mentorado_list.order import SortKey, SortOrder, sort_key
from app.ui.mentorado_list.query import Query
from app.ui.mentorado_list.row import GROUP_OF, ListFilter, MentoradoRow
from app.ui.mentorado_list.ticks import Ticks
from app.ui.widgets.labels import plain_tip

if TYPE_CHECKING:
    from app.domain.events import (
        HandlingChanged,
        MentoradoAdded,
        MentoradoChanged,
        MentoradosLoaded,
        NotesChanged,
        OutboundStopped,
        StatusChanged,
    )
    from app.domain.handling import Handling
    from app.domain.mentorado import Mentorado, MentoradoId
    from app.domain.notes import Note
    from app.domain.outbound import OutboundStop
    from app.domain.repositories import Clock


Role = Qt.ItemDataRole
MENTORADO_ROLE = Role.UserRole + 1
STATUS_ROLE = Role.UserRole + 2
AGE_ROLE = Role.UserRole + 3

FLUSH_MILLISECONDS = 33
"""Milliseconds between updates of the view, however many statuses arrive."""

_NOWHERE = QModelIndex()
_AGE_ROLES = [AGE_ROLE, Role.AccessibleTextRole]
_STATUS_ROLES = [STATUS_ROLE, Role.ToolTipRole, *_AGE_ROLES]


class MentoradoListModel(QAbstractListModel):
    """One row per mentorado who is shown. Facts go in through `on_*`; nothing else changes them."""

    counts_changed = Signal(object)
    """How many are in each group, where that is another number than before."""
    needing_changed = Signal(int)
    """How many will not come back without a person, where that is another number than before."""
    archived = Signal(str)
    """A mentorado was archived; carries the id."""
    problem_began = Signal(str)
    """A link that ran will not come back without a person; carries the id of its mentorado."""
    problem_ended = Signal(str)

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.ticks = Ticks(self)
        self.ticks.changed.connect(self._touch_ticks)
        self._rows: dict[MentoradoId, MentoradoRow] = {}
        self._early: dict[MentoradoId, LinkStatus] = {}  # observed before the mentorados were loaded
        self._stops: dict[MentoradoId, OutboundStop] = {}
        self._unseen: frozenset[MentoradoId] = frozenset()
        self._handlings: dict[MentoradoId, Handling] = {}
        self._notes: dict[MentoradoId, Sequence[Note]] = {}
        self._snoozed: frozenset[MentoradoId] = frozenset()
        self._sorted: list[MentoradoRow] = []
        self._shown: list[MentoradoRow] = []
        self._loaded = False
        self._query = Query()
        self._group = ListFilter.ALL
        self._sort = SortOrder.NAME
        self._narrowing = EVERYBODY
        self._counts: Counter[ListFilter] = Counter()
        self._last_counts: dict[ListFilter, int] = {}
        self._stale: set[MentoradoId] = set()
        self._flush = QTimer(self, singleShot=True, interval=FLUSH_MILLISECONDS)
        self._flush.timeout.connect(self.flush)

    # --- facts

    def show_early(self, mentorados: Sequence[Mentorado]) -> None:
        """Show who there is while nothing is known of their links yet; what is kept of groups is told by `on_loaded`.

        Where the list is narrowed to what only a status tells, there is nothing to show.
        """
        if self._loaded or self._group is not ListFilter.ALL or self._narrowing.never_connected:
            return
        rows = [self._made(each, self._early.get(each.id)) for each in mentorados]
        for row in rows:
            row.early = row.status is None
        self.beginResetModel()
        self._rows = {row.id: row for row in rows}
        self._sorted = sorted(rows, key=_order)
        self._shown = self._found(self._sorted)
        self.endResetModel()

    def forget_early(self) -> None:
        """The database cannot be opened: show nobody until it can."""
        if not self._loaded and self._rows:
            self._early |= {row.id: row.status for row in self._rows.values() if row.status}
            self.beginResetModel()
            self._rows, self._sorted, self._shown = {}, [], []
            self._stale.clear()
            self.endResetModel()

    def on_loaded(self, event: MentoradosLoaded) -> None:
        statuses = self._early | {row.id: row.status for row in self._rows.values() if row.status}
        self._early.clear()
        self._stale.clear()
        rows = [self._made(each, statuses.get(each.id)) for each in event.mentorados]
        self.beginResetModel()
        self._rows = {row.id: row for row in rows}
        self._sorted = sorted(rows, key=_order)
        self._counts = Counter(row.group for row in rows)
        self._shown = self._found(self._sorted)
        self._loaded = True
        self.endResetModel()
        self._tell_counts()

    def on_added(self, event: MentoradoAdded) -> None:
        mentorado = event.mentorado
        row = self._made(mentorado, self._early.pop(mentorado.id, None))
        self._rows[row.id] = row
        self._counts[row.group] += 1
        self._sorted.insert(_place(self._sorted, row), row)
        self._show_if_found(row)
        self._tell_counts()

    def on_changed(self, event: MentoradoChanged) -> None:
        before = self._rows[event.mentorado.id]
        after = self._made(event.mentorado, before.status)
        self._rows[after.id] = after
        self._counts[before.group] -= 1
        self._counts[after.group] += 1
        del self._sorted[_place(self._sorted, before)]
        self._sorted.insert(_place(self._sorted, after), after)
        place = self._place_shown(before)
        if place is not None and self._keeps_place(place, after) and self._is_found(after):
            self._shown[place] = after
            index = self.index(place)
            self.dataChanged.emit(index, index)
        else:
            self._hide(before)
            self._show_if_found(after)
        self._tell_counts()
        if after.mentorado.archived and not before.mentorado.archived:
            self.ticks.discard([after.id])
            self.archived.emit(after.id)
        if before.group is ListFilter.ERROR and after.group is not ListFilter.ERROR:
            self.problem_ended.emit(after.id)

    def on_status(self, event: StatusChanged) -> None:
        """Remember at once, repaint soon, and only the roles that show a status."""
        row = self._rows.get(event.mentorado_id)
        if row is None:
            self._early[event.mentorado_id] = event.after
            return
        before, row.status, row.early = row.status, event.after, False
        was = row.group
        group = was if was is ListFilter.ARCHIVED else GROUP_OF[tone_of(event.after)]
        if group is not was:
            self._counts[was] -= 1
            self._counts[group] += 1
            row.group = group
            if was is ListFilter.ERROR:
                self.problem_ended.emit(row.id)
            elif group is ListFilter.ERROR and before is not None and before.state is not LinkState.OFF:
                self.problem_began.emit(row.id)  # what was stored is no news
        self._stale.add(row.id)
        if not self._flush.isActive():
            self._flush.start()

    def on_stopped(self, event: OutboundStopped) -> None:
        """Nothing is sent from a number any more, or again."""
        if event.stop is None:
            self._stops.pop(event.mentorado_id, None)
        else:
            self._stops[event.mentorado_id] = event.stop
        if row := self._rows.get(event.mentorado_id):
            row.stop = event.stop
            self._touch(row)

    def on_handling(self, event: HandlingChanged) -> None:
        """Somebody is on a mentorado, or nobody any more."""
        if event.handling is None:
            self._handlings.pop(event.mentorado_id, None)
        else:
            self._handlings[event.mentorado_id] = event.handling
        if row := self._rows.get(event.mentorado_id):
            row.handling = event.handling
            self._touch(row)

    def on_notes(self, event: NotesChanged) -> None:
        """Staff wrote something about a mentorado, or took it back."""
        self._notes[event.mentorado_id] = event.notes
        if row := self._rows.get(event.mentorado_id):
            row.notes = event.notes
            self._touch(row)

    def show_unseen(self, unseen: Iterable[MentoradoId]) -> None:
        """Mark the rows of *unseen*, and no others, as fallen while nobody looked."""
        before, self._unseen = self._unseen, frozenset(unseen)
        self._mark("unseen", before, self._unseen)

    def show_snoozed(self, snoozed: Iterable[MentoradoId]) -> None:
        """Mark the rows of *snoozed*, and no others, as left alone."""
        before, self._snoozed = self._snoozed, frozenset(snoozed)
        self._mark("snoozed", before, self._snoozed)

    def _keeps_place(self, place: int, row: MentoradoRow) -> bool:
        """Whether *row* belongs where another is shown now: between the same neighbours."""
        around = self._shown[max(place - 1, 0) : place], self._shown[place + 1 : place + 2]
        return all(each.order < row.order for each in around[0]) and all(row.order < each.order for each in around[1])

    def _mark(self, name: str, before: frozenset[MentoradoId], marked: frozenset[MentoradoId]) -> None:
        for mentorado_id in before ^ marked:
            if row := self._rows.get(mentorado_id):
                setattr(row, name, mentorado_id in marked)
                self._touch(row)

    def _touch(self, row: MentoradoRow) -> None:
        """Repaint *row* soon."""
        self._stale.add(row.id)
        self._flush.start()

    def _made(self, mentorado: Mentorado, status: LinkStatus | None) -> MentoradoRow:
        key, stop = mentorado.id, self._stops.get(mentorado.id)
        row = MentoradoRow(mentorado, status, stop, self._sort, key in self._unseen)
        row.handling, row.notes = self._handlings.get(key), self._notes.get(key, ())
        row.snoozed = key in self._snoozed
        return row

    def flush(self) -> None:
        """Notify the views of changes since the last call."""
        stale = [self._rows[mentorado_id] for mentorado_id in self._stale]
        self._stale.clear()
        self._put_in_order(stale)
        if (
            self._group is not ListFilter.ALL or self._narrowing.never_connected
        ):  # elsewhere a status brings nobody in and nobody out
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
            self._tell_counts()

    # --- what is shown

    def search(self, typed: str) -> None:
        """Show only the matches of *typed*."""
        query = Query.parse(typed)
        fewer = query.narrows(self._query) and not self._stale
        self._filter(self._shown if fewer else self._sorted, query, self._group, self._narrowing)

    def show_group(self, group: ListFilter) -> None:
        self._filter(self._sorted, self._query, group, self._narrowing)

    def narrow(self, narrowing: Narrowing) -> None:
        self._filter(self._sorted, self._query, self._group, narrowing)

    def sort_by(self, sort: SortOrder) -> None:
        """Let the rows stand in another order."""
        if sort is not self._sort:
            self._sort = sort
            self._put_in_order(list(self._rows.values()))

    def _filter(self, among: list[MentoradoRow], query: Query, group: ListFilter, narrowing: Narrowing) -> None:
        if (query, group, narrowing) == (self._query, self._group, self._narrowing):
            return
        self._query, self._group, self._narrowing = query, group, narrowing
        found = self._found(among)
        if len(found) == len(self._shown) and found == self._shown:
            return
        self.beginResetModel()
        self._shown = found
        self.endResetModel()

    @property
    def loaded(self) -> bool:
        """Whether the mentorados were loaded at least once."""
        return self._loaded

    @property
    def group(self) -> ListFilter:
        return self._group

    @property
    def narrowing(self) -> Narrowing:
        return self._narrowing

    def mentorados(self) -> list[Mentorado]:
        """Everybody who is not archived, or who is while the archive is shown."""
        archive = self._group is ListFilter.ARCHIVED
        return [row.mentorado for row in self._sorted if row.mentorado.archived is archive]

    def count(self, group: ListFilter) -> int:
        """How many are in *group*; archived ones are in no other."""
        if group is ListFilter.ALL:
            return self._counts.total() - self._counts[ListFilter.ARCHIVED]
        return self._counts[group]

    def counts(self) -> dict[ListFilter, int]:
        """How many are in each group."""
        return {group: self.count(group) for group in ListFilter}

    def find_row(self, mentorado_id: MentoradoId) -> MentoradoRow:
        """The row of a mentorado, shown or not. Raises `KeyError`."""
        return self._rows[mentorado_id]

    def row_of(self, mentorado_id: MentoradoId) -> int | None:
        """The row of a mentorado; None when not shown."""
        row = self._rows.get(mentorado_id)
        return None if row is None else self._place_shown(row)

    def id_at(self, index: QModelIndex | QPersistentModelIndex) -> MentoradoId | None:
        return self._shown[index.row()].id if index.isValid() else None

    def shown_ids(self) -> list[MentoradoId]:
        """Everybody who is shown, from top to bottom."""
        return [row.id for row in self._shown]

    def refresh_ages(self) -> None:
        """Update the displayed ages."""
        self._touch_all(_AGE_ROLES)

    def retranslate(self) -> None:
        self._touch_all([])

    # --- Qt's questions

    def painted(self, place: int) -> tuple[MentoradoRow, str, str]:
        """What the list paints at *place*: the row, and in words the age of its truth and who is on it."""
        row = self._shown[place]
        return row, self.age_text(row), handled_shortly(row.handling, self._clock.now()) if row.handling else ""

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        answer = _ANSWERS.get(role)
        return answer(self, self._shown[index.row()]) if answer else None

    def age_text(self, row: MentoradoRow) -> str:
        age = row.age(self._clock.now())
        return "" if age is None else status_text.age(age)

    def tooltip(self, row: MentoradoRow) -> str:
        if row.early:
            return ""
        now = self._clock.now()
        sentence = status_text.sentence(row.known, row.mentorado, now)
        lines = [sentence, f"{send_state(row.known, row.stop, now).line}."]
        lines += [handled(row.handling, now)] if row.handling else []
        return plain_tip("\n".join(filter(None, (*lines, note_hint(row.notes, now)))))

    def spoken(self, row: MentoradoRow) -> str:
        spoken = row.spoken(self._clock.now())
        if not self.ticks.open:
            return spoken
        return f"{spoken}, {status_text.texts('ticks.ticked' if row.id in self.ticks else 'ticks.not_ticked')}"

    # --- keeping `_shown` true

    def _found(self, rows: list[MentoradoRow]) -> list[MentoradoRow]:
        """Those of *rows* whom `_is_found` finds; asked in turn, so that a letter is answered before the next."""
        if self._group is ListFilter.ALL:
            found = [row for row in rows if row.group is not ListFilter.ARCHIVED]
        else:
            found = [row for row in rows if row.group is self._group]
        if self._narrowing is not EVERYBODY:
            found = [row for row in found if self._narrowing.matches(row)]
        for part in self._query.parts:
            found = [row for row in found if part in row.search_text]
        return found

    def _is_found(self, row: MentoradoRow) -> bool:
        in_group = row.group is not ListFilter.ARCHIVED if self._group is ListFilter.ALL else row.group is self._group
        narrowed = self._narrowing is EVERYBODY or self._narrowing.matches(row)
        return in_group and narrowed and (not self._query.parts or self._query.matches(row.search_text))

    def _put_in_order(self, changed: Iterable[MentoradoRow]) -> None:
        """Move those of *changed* who stand somewhere else now. Views keep what is selected and where they are."""
        moved = [(row, key) for row in changed if (key := sort_key(row, self._sort)) != row.order]
        if not moved:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        held = [self._shown[index.row()] for index in before]
        for row, key in moved:
            row.order = key
        self._sorted.sort(key=_order)
        self._shown.sort(key=_order)
        self.changePersistentIndexList(before, [self.index(_place(self._shown, row)) for row in held])
        self.layoutChanged.emit()

    def _place_shown(self, row: MentoradoRow) -> int | None:
        place = _place(self._shown, row)
        return place if place < len(self._shown) and self._shown[place] is row else None

    def _show_if_found(self, row: MentoradoRow) -> None:
        if self._is_found(row):
            place = _place(self._shown, row)
            self.beginInsertRows(_NOWHERE, place, place)
            self._shown.insert(place, row)
            self.endInsertRows()

    def _hide(self, row: MentoradoRow) -> None:
        place = self._place_shown(row)
        if place is not None:
            self.beginRemoveRows(_NOWHERE, place, place)
            del self._shown[place]
            self.endRemoveRows()

    def _tell_counts(self) -> None:
        if not self._loaded:
            return
        counts = self.counts()
        if counts != self._last_counts:
            needing = counts[ListFilter.ERROR]
            if needing != self._last_counts.get(ListFilter.ERROR, 0):
                self.needing_changed.emit(needing)
            self._last_counts = counts
            self.counts_changed.emit(counts)

    def _touch_ticks(self) -> None:
        self._touch_all([Role.AccessibleTextRole])

    def _touch_all(self, roles: list[int]) -> None:
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1), roles)


def _order(row: MentoradoRow) -> SortKey:
    return row.order


def _place(rows: list[MentoradoRow], row: MentoradoRow) -> int:
    return bisect_left(rows, row.order, key=_order)


_ANSWERS: dict[int, Callable[[MentoradoListModel, MentoradoRow], Any]] = {
    Role.DisplayRole: lambda _model, row: row.mentorado.name,
    Role.ToolTipRole: MentoradoListModel.tooltip,
    Role.AccessibleTextRole: MentoradoListModel.spoken,
    MENTORADO_ROLE: lambda _model, row: row.mentorado,
    STATUS_ROLE: lambda _model, row: row.known,
    AGE_ROLE: MentoradoListModel.age_text,
}
