"""The provider switches as a list, open ones first."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QPainter

from app.core.provider_switch.service import SwitchService
from app.domain.repositories import Clock
from app.domain.switch import SwitchItemState, SwitchRun, SwitchRunId
from app.text import switch as switch_text
from app.text import switch_run as run_text
from app.text.status import texts
from app.ui.switches.board import paint_progress
from app.ui.widgets.tables import SIDE, RowDelegate, RowsModel

_HEIGHT, _ICON, _GAP, _BAR = 104, 20, 14, 4


class SwitchRunModel(RowsModel[SwitchRun]):
    """Open runs first, then those of which a former provider is still kept, then the others; the latest first."""

    def __init__(
        self,
        switches: SwitchService,
        context: Callable[[SwitchRun], run_text.RunContext],
        clock: Clock,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._service = switches
        self._context_of = context
        self._clock = clock

    def refresh(self) -> None:
        """Show what there is now."""
        self.show_rows(sorted(self._service.runs, key=_rank))

    def key(self, row: SwitchRun) -> SwitchRunId:
        return row.id

    def title(self, row: SwitchRun) -> str:
        return run_text.name(row, self._context_of(row).name_of)

    def description(self, row: SwitchRun) -> str:
        return texts(
            "switches.row", name=self.title(row), state=switch_text.state(row), progress=run_text.progress(row)
        )

    def painted(self, row: SwitchRun) -> object:
        now, context = self._clock.now(), self._context_of(row)
        sentence = " ".join(run_text.sentence(row, now, context))
        progress = f"{run_text.progress(row)} · {run_text.approved(row, now)}"
        return row, run_text.name(row, context.name_of), progress, sentence, run_text.look(row, context)


def _rank(run: SwitchRun) -> int:
    return 0 if run.is_open else 1 if run.count(SwitchItemState.SWITCHED) else 2


class SwitchRunDelegate(RowDelegate):
    """The name and the state, what is to be done, how far it is, and a bar."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, tuple)  # noqa: S101 - Qt hands it through as any object
        run, name, progress, sentence, (tone, sign) = row
        colours, side, px = self._colours, self._theme.px(_ICON), self._theme.px
        first, second, third, last = px(22), px(43), px(62), px(80)
        self._sign(painter, sign, colours.badge[tone].fg, side, SIDE, first)
        left, right = SIDE + side + _GAP, width - SIDE
        room = right - left - self._badge(painter, tone, sign, switch_text.state(run), right, first) - _GAP
        self._line(painter, name, self._title_font, colours.text, left, first, room)
        self._line(painter, sentence, self._small_font, colours.text, left, second, right - left)
        self._line(painter, progress, self._small_font, colours.text2, left, third, right - left)
        paint_progress(painter, QRect(left, last, right - left, px(_BAR)), run, self._theme)
