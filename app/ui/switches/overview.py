"""The provider switches as a list, open ones first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, Qt
from PySide6.QtGui import QPainter

from app.core.provider_switch.service import SwitchService
from app.domain.repositories import Clock
from app.domain.switch import SwitchItemState, SwitchRun, SwitchRunId
from app.text import switch as switch_text
from app.text import switch_run as run_text
from app.text.status import texts
from app.ui.switches.board import paint_progress
from app.ui.theme.icons import pixmap
from app.ui.widgets.labels import badge_size, paint_badge
from app.ui.widgets.tables import SIDE, RowDelegate

Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_HEIGHT, _ICON, _GAP, _BAR = 104, 20, 14, 4


class SwitchRunModel(QAbstractListModel):
    """Open runs first, then those of which a former provider is still kept, then the others; the latest first."""

    def __init__(
        self,
        switches: SwitchService,
        around: Callable[[SwitchRun], run_text.Surroundings],
        clock: Clock,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._service = switches
        self._around = around
        self._clock = clock
        self.runs: list[SwitchRun] = []

    def refresh(self) -> None:
        """Show what there is now."""
        found = sorted(self._service.runs, key=_rank)
        if [each.id for each in found] != [each.id for each in self.runs]:
            self.beginResetModel()
            self.runs = found
            self.endResetModel()
            return
        for place, (before, after) in enumerate(zip(self.runs, found, strict=True)):
            if before is not after:
                self.runs[place] = after
                self.dataChanged.emit(self.index(place), self.index(place))

    def refresh_texts(self) -> None:
        """Time has passed, or the language is another."""
        if self.runs:
            self.dataChanged.emit(self.index(0), self.index(len(self.runs) - 1))

    def place_of(self, run_id: SwitchRunId | None) -> int | None:
        return next((place for place, each in enumerate(self.runs) if each.id == run_id), None)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.runs)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        run = self.runs[index.row()]
        around = self._around(run)
        name, progress = run_text.name(run, around.name_of), run_text.progress(run)
        if role == Role.UserRole:
            now = self._clock.now()
            sentence = " ".join(run_text.sentence(run, now, around))
            return run, name, f"{progress} · {run_text.approved(run, now)}", sentence, run_text.look(run, around)
        if role == Role.DisplayRole:
            return name
        if role == Role.AccessibleTextRole:
            return texts("switches.row", name=name, state=switch_text.state(run), progress=progress)
        return None


def _rank(run: SwitchRun) -> int:
    return 0 if run.is_open else 1 if run.count(SwitchItemState.SWITCHED) else 2


class SwitchRunDelegate(RowDelegate):
    """The name and the state, what is to be done, how far it is, and a bar."""

    @property
    def row_height(self) -> int:
        return self._theme.px(_HEIGHT)

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        run, name, progress, sentence, (tone, sign) = row
        colours, side, px = self._colours, self._theme.px(_ICON), self._theme.px
        first, second, third, last = px(22), px(43), px(62), px(80)
        drawn = pixmap(sign, colours.badge[tone].fg, side, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(SIDE, first - side / 2), drawn)
        left, right = SIDE + side + _GAP, width - SIDE
        state = switch_text.state(run)
        size = badge_size(state, self._theme)
        badge = QRect(right - size.width(), first - size.height() // 2, size.width(), size.height())
        paint_badge(painter, badge, tone, sign, state, self._theme)
        room = right - left - size.width() - _GAP
        self._line(painter, name, self._title_font, colours.text, left, first, room)
        self._line(painter, sentence, self._small_font, colours.text, left, second, right - left)
        self._line(painter, progress, self._small_font, colours.text2, left, third, right - left)
        paint_progress(painter, QRect(left, last, right - left, px(_BAR)), run, self._theme)
