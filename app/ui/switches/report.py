"""What a dry run found: who will switch, who will not and why, what is kept, what it costs; and the approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QStackedLayout,
    QWidget,
)

from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock
from app.domain.switch import PlannedSwitch, Severity, SwitchDryRun
from app.text import switch as switch_text
from app.text import switch_run as run_text
from app.text.signs import Tone
from app.text.status import date_time, problem, provider, texts
from app.ui.dry_run import DryRunView, footer
from app.ui.switches.findings import FindingsView, is_there
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, set_beside, vbox
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import SplitView, scrolled
from app.ui.widgets.tables import SIDE, RowDelegate, RowList, RowsModel

_HEIGHT, _ICON, _GAP = 60, 18, 14
_LEAST_ROWS = 3
_BUTTONS_PART = 0.65
"""Of the width, as much as buttons beside words may take."""
_FOOT_PART = 0.5
"""Of the height, as much as the approval may take without scrolling with the rest."""
_YES: Final = (Tone.CONNECTED, "check-circle")
_WARNED: Final = (Tone.WAITING, "triangle-alert")
_NO: Final = (Tone.ERROR, "x-circle")
_THERE: Final = (Tone.IDLE, "check-circle")


class ReportFilter(StrEnum):
    ALL = "all"
    SWITCHING = "switching"
    STAYING = "staying"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One mentorado of a dry run as it is listed."""

    name: str
    route: str
    outcome: str
    reason: str
    look: tuple[Tone, str]


def planned_row(planned: PlannedSwitch, made: SwitchDryRun, name: str) -> PlannedRow:
    """Who, from where to where, whether, and what matters most about it."""
    target = made.plan.target
    telling = [*planned.with_severity(Severity.BLOCKS), *planned.with_severity(Severity.WARNS)]
    main = switch_text.finding(telling[0], planned, target, made.at) if telling else texts("switches.report.all_well")
    if more := len(telling) - 1 if telling else 0:
        main = f"{main} {texts.plural('switches.report.more', more)}"
    look = (_WARNED if telling else _YES) if planned.will_switch else _NO
    outcome = texts(f"switches.report.{'will' if planned.will_switch else 'will_not'}")
    if is_there(planned):
        look, outcome = _THERE, texts("switches.report.already")
    return PlannedRow(name, f"{provider(planned.source)} → {provider(target)}", outcome, main, look)


class PlannedModel(RowsModel[PlannedRow]):
    """The mentorados of a dry run that are shown."""

    def title(self, row: PlannedRow) -> str:
        return row.name

    def description(self, row: PlannedRow) -> str:
        return ", ".join((row.name, row.route, row.outcome, row.reason))

    def tip(self, row: PlannedRow) -> str:
        return row.reason


class PlannedDelegate(RowDelegate):
    """Who and from where to where, whether at the right, and what matters most below."""

    HEIGHT = _HEIGHT

    def paint_row(self, painter: QPainter, row: object, width: int) -> None:
        assert isinstance(row, PlannedRow)  # noqa: S101 - Qt hands it through as any object
        colours, side = self._colours, self._theme.px(_ICON)
        middle, step = self.row_height / 2, self._theme.px(10)
        tone, sign = row.look
        self._sign(painter, sign, colours.badge[tone].fg, side, SIDE, middle)
        badge = self._badge(painter, tone, sign, row.outcome, width - SIDE, middle)
        left, right = SIDE + side + _GAP, width - SIDE - badge - _GAP
        shown = self._line(
            painter, row.name, self._title_font, colours.text, left, middle - step, (right - left) * 0.55
        )
        beside = left + shown + _GAP
        self._line(painter, row.route, self._small_font, colours.text2, beside, middle - step, right - beside)
        colour = colours.badge[Tone.ERROR].fg if tone is Tone.ERROR else colours.text2
        self._line(painter, row.reason, self._small_font, colour, left, middle + step, right - left)


class SwitchReportView(DryRunView[SwitchDryRun]):
    """Below what was found, a button by which a person approves it."""

    approval_requested = Signal()
    credentials_requested = Signal(object)
    """Carries the id of the mentorado whose credentials are missing."""

    def __init__(
        self, theme: Theme, name_of: Callable[[MentoradoId], str], clock: Clock, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._name_of = name_of
        self._clock = clock
        self._chosen: MentoradoId | None = None
        self.outdated = False  # credentials were entered since
        self.filter = SegmentedControl(theme, list(ReportFilter))
        self.filter.choose(ReportFilter.ALL)
        self.filter.picked.connect(lambda _chosen: self._show_rows())
        self.approve.clicked.connect(self.approval_requested)
        self.verdict, self.validity = text_label(), text_label(role="caption")
        self.figures = _Figures(theme)
        self.model = PlannedModel(self)
        self.list = RowList(self.model, PlannedDelegate(theme), theme)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._on_walked(index.row()))
        self.list.opened.connect(self._open)
        self.details = FindingsView(theme)
        self.details.credentials_requested.connect(self.credentials_requested)
        self._empty = EmptyState(theme, "users", "")
        left = QWidget()
        self._left = QStackedLayout(left)
        self._left.addWidget(self.list)
        self._left.addWidget(self._empty)
        self.split = SplitView(left, theme)
        self.split.set_pane(self.details)
        self._lay_out(self._report_part())

    # --- what the page says

    def show_running(self) -> None:
        """A dry run begins."""
        self.outdated = False
        super().show_running()

    def show_dry_run(self, made: SwitchDryRun) -> None:
        """It is done: show what it found."""
        self.made, self.problem, self.outdated = made, None, False
        if not self._shown():
            self.filter.choose(ReportFilter.ALL)
        self.retranslate()
        self.list.enter()

    def show_names(self) -> None:
        """Somebody may be called otherwise now."""
        self._show_rows()

    def show_outdated(self) -> None:
        """What it relied on was changed here: only a new one can be approved."""
        self.outdated = True
        self._show()
        self.again.setFocus()

    # --- what is shown

    def _shown(self) -> Sequence[PlannedSwitch]:
        """Those of the dry run whom the filter wants."""
        if self.made is None:
            return ()
        wanted = self.filter.chosen
        if wanted is ReportFilter.ALL:
            return self.made.people
        return [each for each in self.made.people if each.will_switch is (wanted is ReportFilter.SWITCHING)]

    def _show_rows(self) -> None:
        made, shown = self.made, self._shown()
        if made is None:
            return
        self.model.show_rows([planned_row(each, made, self._name_of(each.mentorado_id)) for each in shown])
        self._left.setCurrentWidget(self.list if shown else self._empty)
        place = next((place for place, each in enumerate(shown) if each.mentorado_id == self._chosen), 0)
        self.split.set_pane_needed(bool(shown))
        if shown:
            self.list.setCurrentIndex(self.model.index(place))
            self._on_walked(place)

    def _on_walked(self, place: int) -> None:
        shown = self._shown()
        if self.made is not None and 0 <= place < len(shown):
            self._chosen = shown[place].mentorado_id
            self.details.show_planned(shown[place], self.made, self._name_of(shown[place].mentorado_id))

    def _open(self, place: int) -> None:
        self._on_walked(place)
        self.split.open_side_panel()

    def _progress(self, done: int, total: int) -> str:
        return texts("switches.report.progress", done=done, total=total)

    def _show_found(self) -> None:
        made = self.made
        if made is None:
            return
        count = len(made.switching)
        refused = self.problem is not None or self.outdated
        if self.problem is not None:
            words = " ".join(problem(self.problem))
        elif self.outdated:
            words = texts("switches.report.outdated")
        else:
            words = texts.plural("switches.report.verdict", count)
            if all(map(is_there, made.people)):
                words = texts("switches.plan.words.moving_zero", target=provider(made.plan.target))
        self.verdict.setText(words)
        set_role(self.verdict, "danger" if refused else "")
        self.approve.setVisible(count > 0 and not refused)
        for button in (self.approve, self.edit, self.again, self.export):
            button.setEnabled(not self._busy)
        key = "approving" if self._busy else "approve"
        self.approve.setText(texts(f"switches.report.{key}"))
        set_role(self.again, "primary" if refused else "")

    def retranslate(self) -> None:
        made = self.made
        parts = [texts(f"switches.report.filter.{each}") for each in ReportFilter]
        if made is not None:
            count = len(made.switching)
            counts = len(made.people), count, len(made.people) - count
            parts = [f"{words} ({number})" for words, number in zip(parts, counts, strict=True)]
            self.figures.show_dry_run(made)
            at = date_time(made.at.astimezone(), self._clock.now().astimezone().date())
            self.validity.setText(texts("switches.report.valid", when=at))
        self.filter.set_text(texts("switches.report.filter_name"), parts)
        self.list.setAccessibleName(texts("switches.report.list"))
        self.list.setAccessibleDescription(texts("switches.report.keys"))
        self._empty.show_message(texts("switches.report.nobody_here"), "", "")
        self.running.setText(texts("switches.report.running"))
        self.bar.setAccessibleName(texts("switches.report.running"))
        self.cancel.setText(texts("switches.report.cancel"))
        self.edit.setText(texts("switches.report.edit"))
        self.again.setText(texts("switches.report.again"))
        self.export.setText(texts("switches.export"))
        self.details.retranslate()
        self._show_rows()
        self._show()
        self._arrange()

    def _report_part(self) -> QWidget:
        part = QWidget()
        top = hbox((self.filter, 1), margins=(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_3), spacing=t.SPACE_3)
        top.addWidget(self.export)
        foot, self._foot = footer()
        self._decisions = QWidget()
        row = FlowLayout(self._decisions, spacing=t.SPACE_2)
        sentences = vbox(self.verdict, self.validity)
        self._foot.addLayout(sentences, 1)
        for widget in (self.again, self.edit, self.approve):
            row.addWidget(widget)
        self._foot.addWidget(self._decisions)
        found = QWidget()
        self._found = vbox(self.figures, top, (self.split, 1), inside=found)
        self._column = vbox((scrolled(found), 1), foot, inside=part)
        return part

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Large letters leave the list some rows, and put the buttons below the words where both have no room."""
        self.split.setMinimumHeight(self._theme.px(_HEIGHT) * _LEAST_ROWS)
        set_beside(self._foot, self._decisions.sizeHint().width() <= self.width() * _BUTTONS_PART)
        foot = self._foot.parentWidget()
        low = self._foot.totalHeightForWidth(self.width()) > self.height() * _FOOT_PART
        wanted = self._found if low else self._column
        if foot is not None and wanted.indexOf(foot) < 0:  # where the words are large and the window is low
            wanted.addWidget(foot)


class _Figures(QWidget):
    """How many switch, how many do not, how many deserve a look, and what a month costs before and after."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.tiles: list[tuple[ScaledLabel, QLabel]] = []
        row = hbox(inside=self, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, 0), spacing=t.SPACE_3)
        for size in (t.TEXT_TITLE, t.TEXT_TITLE, t.TEXT_TITLE, t.TEXT_NAME):  # the last one holds words
            tile = QFrame()
            tile.setProperty("role", "sunken")
            column = vbox(inside=tile, margins=(t.SPACE_4, t.SPACE_2, t.SPACE_4, t.SPACE_2))
            large, small = ScaledLabel(theme, size, QFont.Weight.DemiBold), text_label(role="secondary")
            column.addWidget(large)
            column.addWidget(small)
            column.addStretch(1)
            row.addWidget(tile, 3 if size is t.TEXT_TITLE else 4)
            self.tiles.append((large, small))

    def show_dry_run(self, made: SwitchDryRun) -> None:
        count = len(made.switching)
        staying = len(made.people) - count
        noted = sum(bool(each.with_severity(Severity.WARNS)) for each in made.switching)
        figures = [
            (texts.number(count), texts.plural("switches.report.figure.switching", count)),
            (texts.number(staying), texts.plural("switches.report.figure.staying", staying)),
            (texts.number(noted), texts("switches.report.figure.noted")),
            (_month(made), texts("switches.report.figure.month")),
        ]
        for (large, small), (value, words) in zip(self.tiles, figures, strict=True):
            large.setText(value)
            small.setText(words)


def _month(made: SwitchDryRun) -> str:
    """What a month costs on the providers that are left, and on the target, for those who switch."""
    pairs = [each.prices for each in made.switching if len(each.prices) == 2]
    if not pairs:
        return "—"
    before, after = (run_text.month([pair[place] for pair in pairs], made.at) for place in (0, 1))
    return before if before == after else f"{before} → {after}"
