"""The overview: what needs an admin now, and how all connections have been, in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.core.diagnostics.alerts import AlertService
from app.core.diagnostics.figures import FigureCollector, OverviewService
from app.core.event_bus import EventBus
from app.core.links.incident_detector import IncidentDetector
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.alert import Alert
from app.domain.events import AlertsChanged
from app.domain.figures import Figure, Overview
from app.domain.link_status import LinkState
from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock
from app.domain.uptime import TimeRange
from app.text import overview as overview_text
from app.text.alert import alert_line, alert_step
from app.text.conversation import size
from app.text.status import texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.navigation import HOME, Page
from app.ui.overview.alert_list import AlertList, AlertWords
from app.ui.overview.charts import ROWS, ChartCard, ColumnChart, RankedBars, RankedRow, Series
from app.ui.theme.theme import SPACE_3, SPACE_4, SPACE_6, Theme
from app.ui.widgets.accessibility import follow_reading_order
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.history_bar import HistoryBar, KindLegend
from app.ui.widgets.layouts import vbox
from app.ui.widgets.split_view import scrolled
from app.ui.widgets.walked_picture import WalkedPicture

_MINUTE: Final = 60_000
_TWO_COLUMNS_FROM: Final = 760
_UNKNOWN: Final = "—"
"""Instead of a count, as long as nothing was counted."""


class _AllLinksBar(HistoryBar):
    """The history of all links together; each column has the number of failures by reason."""

    LEAST = 2.0  # of hundreds, one always is the worst

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._found: Overview | None = None

    def show_overview(self, found: Overview, span: TimeRange) -> None:
        self._found = found
        self.show_buckets(span, found.buckets)

    def part_words(self, place: int) -> str:
        if self._found is None:
            return super().part_words(place)
        return overview_text.bar_words(self.buckets[place], self._found.counts[place], self._span)


class OverviewPage(Page):
    """Reads the figures when it is opened, when another time is chosen, and every minute while it is looked at."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        overview: OverviewService,
        figures: FigureCollector,
        alerts: AlertService,
        incidents: IncidentDetector,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        clock: Clock,
        go: Callable[[str], None],
        show_mentorado: Callable[[MentoradoId], None],
        show_only: Callable[[Iterable[MentoradoId]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._overview, self._figures, self._alerts, self._incidents = overview, figures, alerts, incidents
        self._mentorados, self._supervisor, self._clock = mentorados, supervisor, clock
        self._go, self._show_mentorado, self._show_only = go, show_mentorado, show_only
        self._found: Overview | None = None
        self.span = TimeRange.DAY
        self.choice = SegmentedControl(theme, list(TimeRange))
        self.choice.choose(self.span)
        self.choice.picked.connect(self.show_span)
        self.alert_list = AlertList(theme)
        self.alert_list.show_requested.connect(self._show_alert)
        self.alert_list.others_requested.connect(self._show_all_alerts)
        self.bar = _AllLinksBar(theme)
        self.legend = KindLegend(theme)
        self.all_links = ChartCard(theme, self.bar)
        self.all_links.headline.hide()
        self.all_links.column.insertWidget(3, self.legend)
        self.connected, self.connect_times, self.reconnects = (ColumnChart(theme) for _ in range(3))
        self.messages, self.memory = (ColumnChart(theme) for _ in range(2))
        self.failures = RankedBars(theme)
        charts: dict[str, WalkedPicture] = {
            "connected": self.connected,
            "connect": self.connect_times,
            "reconnects": self.reconnects,
            "failures": self.failures,
            "messages": self.messages,
            "memory": self.memory,
        }
        self.cards = {name: ChartCard(theme, chart) for name, chart in charts.items()}
        self._grid = QGridLayout()
        self._grid.setSpacing(SPACE_4)
        inside = QWidget()
        column = vbox(inside=inside, margins=(SPACE_6, SPACE_3, SPACE_6, SPACE_6), spacing=SPACE_4)
        for part in (self.alert_list, self.all_links):
            column.addWidget(part)
        column.addLayout(self._grid)
        column.addStretch(1)
        self.area = scrolled(inside)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_6, SPACE_4, SPACE_6, SPACE_3)
        top.addWidget(self.choice)
        self.column.addLayout(top)
        self.column.addWidget(self.area, 1)
        self._columns = 0
        self._minute = self.while_shown(_MINUTE, self.refresh)
        until_destroyed(self, bus.subscribe(AlertsChanged, lambda _event: self._show_alerts()))
        self.restyle()

    # --- what is shown

    def show_span(self, span: TimeRange) -> None:
        """Look so far back."""
        self.choice.choose(span)
        self.span = span
        self.refresh()

    @async_slot
    async def refresh(self) -> None:
        """Read the figures anew, and show them. Raises `Problem`."""
        self._show_alerts()
        span = self.span
        found = await self._overview.read(span)
        if span is self.span:  # another one may have been chosen meanwhile
            self._found = found
            self._show_figures()

    def _show_alerts(self) -> None:
        now = self._clock.now()
        words = [
            AlertWords(each, alert_line(each, self._name_of(each), now), alert_step(each))
            for each in self._alerts.alerts
        ]
        self.alert_list.show_alerts(words if self._alerts.looked else None)
        follow_reading_order(self.column)  # its rows are newer than what stands below them

    def _show_figures(self) -> None:
        found, span = self._found, self.span
        if found is None:
            return
        until = found.until
        self.set_title(texts("overview.title"), overview_text.counted(until, self._clock.now()))
        self.bar.show_overview(found, span)
        self.legend.show_kinds({kind for bucket in found.buckets for kind in bucket.spent})
        self.all_links.show_figure("", texts("overview.bar.about" if found.first_hour else "overview.nothing_yet"))
        self._show_connected(found, span)
        self._show_connect(found)
        self._show_reconnects(found, span)
        self._show_failures(found)
        self._show_messages(found, span)
        self._show_memory(found, span)

    def _show_connected(self, found: Overview, span: TimeRange) -> None:
        states = Counter(
            self._supervisor.status(each.link.id).state for each in self._mentorados.all() if not each.archived
        )
        values = found.connected()
        self.connected.show_time(
            span,
            found.edges,
            [Series(values)],
            words=overview_text.connected_words(found, span),
            axis=overview_text.amount,
        )
        now = texts("overview.connected.headline", count=states[LinkState.CONNECTED], total=sum(states.values()))
        self.cards["connected"].show_figure(now, _about("connected", seen=any(value is not None for value in values)))

    def _show_connect(self, found: Overview) -> None:
        counts = found.by_detail(Figure.CONNECT)
        self.connect_times.show_categories(
            [overview_text.bound(name) for name in overview_text.BOUNDS],
            Series(tuple(counts.get(name, 0) for name in overview_text.BOUNDS)),
            words=overview_text.connect_words(counts),
            axis=overview_text.amount,
        )
        self.cards["connect"].show_figure(overview_text.connect_headline(found), overview_text.connect_about(found))

    def _show_reconnects(self, found: Overview, span: TimeRange) -> None:
        total = found.total(Figure.RECONNECT)
        self.reconnects.show_time(
            span,
            found.edges,
            [Series(found.series(Figure.RECONNECT))],
            words=overview_text.count_words(found, span, Figure.RECONNECT, "overview.reconnects.column"),
            axis=overview_text.amount,
        )
        self.cards["reconnects"].show_figure(_total(found, total), _about("reconnects", seen=total > 0))

    def _show_failures(self, found: Overview) -> None:
        counts, total = found.by_detail(Figure.FAILURE), found.total(Figure.FAILURE)
        rows = [(overview_text.reason(name), value) for name, value in counts.items()]
        rest = sum(value for _, value in rows[ROWS:])
        if rest:
            rows = [*rows[:ROWS], (texts("overview.failures.rest"), rest)]
        self.failures.show_rows(
            [
                RankedRow(
                    name,
                    value,
                    texts.number(value),
                    texts.plural("overview.failures.row", value, reason=name, of=total),
                )
                for name, value in rows
            ]
        )
        self.cards["failures"].show_figure(_total(found, total), _about("failures", seen=total > 0))

    def _show_messages(self, found: Overview, span: TimeRange) -> None:
        came, went = (found.series(figure) for figure in (Figure.MESSAGE_IN, Figure.MESSAGE_OUT))
        self.messages.show_time(
            span,
            found.edges,
            [Series(came, texts("overview.messages.in")), Series(went, texts("overview.messages.out"))],
            words=overview_text.message_words(found, span),
            axis=overview_text.amount,
        )
        totals = {"came": texts.number(sum(came)), "went": texts.number(sum(went))}
        seen = any(came) or any(went)
        headline = texts("overview.messages.headline", **totals) if found.first_hour else _UNKNOWN
        self.cards["messages"].show_figure(headline, _about("messages", seen=seen))

    def _show_memory(self, found: Overview, span: TimeRange) -> None:
        most, sample = found.series(Figure.MEMORY_MOST), self._figures.memory
        self.memory.show_time(
            span,
            found.edges,
            [Series(tuple(value or None for value in most))],
            words=overview_text.memory_words(found, span),
            axis=lambda value: size(int(value)),
        )
        now = texts.plural("overview.memory.headline", sample.hosts, size=size(sample.used))
        self.cards["memory"].show_figure(now, _about("memory", seen=any(most)))

    def _name_of(self, alert: Alert) -> str:
        return self._mentorados.get(alert.mentorado_id).name if alert.mentorado_id else ""

    # --- what a person does

    def _show_alert(self, alert: Alert) -> None:
        if alert.mentorado_id:
            self._show_mentorado(alert.mentorado_id)
        elif (incident := self._incidents.for_provider(alert.provider)) is not None:
            self._show_only(incident.affected)
        else:
            self._go(HOME)  # it has just ended

    def _show_all_alerts(self) -> None:
        incidents = filter(None, (self._incidents.for_provider(each.provider) for each in self._alerts.alerts))
        people = {each.mentorado_id for each in self._alerts.alerts if each.mentorado_id}
        self._show_only(people.union(*(incident.affected for incident in incidents)))

    # --- what the window asks of a page

    def take_focus(self) -> None:
        self.choice.button(self.span).setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        super().retranslate()
        self.set_title(texts("overview.title"), "")
        self.choice.set_text(texts("overview.span"), [texts(f"span.choose.{span}") for span in TimeRange])
        self.legend.retranslate()
        self.all_links.name(texts("overview.bar.title"))
        for name, card in self.cards.items():
            card.name(texts(f"overview.{name}.title"))
        self._show_alerts()
        self._show_figures()

    def restyle(self) -> None:
        super().restyle()
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the cards in two columns where there is room."""
        columns = 2 if self.width() >= self._theme.px(_TWO_COLUMNS_FROM) else 1
        if columns == self._columns:
            return
        self._columns = columns
        for place, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, place // columns, place % columns)
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


def _total(found: Overview, count: int) -> str:
    return texts.number(count) if found.first_hour else _UNKNOWN


def _about(name: str, *, seen: bool) -> str:
    return texts(f"overview.{name}.about" if seen else "overview.nothing")
