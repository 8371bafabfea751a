"""The last hours or days of a link as one horizontal band, with its ticks in local time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.domain.history_bar import bucket_edges, link_buckets
from app.domain.link_status import LinkStatus
from app.domain.uptime import (
    Kind,
    Segment,
    StateChange,
    TimeRange,
    kind_of,
    segments,
    summary,
)
from app.text.status import texts
from app.text.uptime import name, stretch, whole
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import SPACE_1, SPACE_2, TEXT_SMALL, Theme, Tokens
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.history_bar import (
    EDGE,
    KIND_ICONS,
    HistoryBar,
    KindLegend,
    framed_band,
    kind_colours,
    paint_kind,
    paint_pointed,
)
from app.ui.widgets.labels import ScaledLabel, plain_tip
from app.ui.widgets.layouts import vbox
from app.ui.widgets.walked_picture import WalkedPicture, paint_time_marks, time_marks, time_marks_height

BAND = 22
_ICON, _ROOM_FOR_ICON = 12, 26
_LEAST = 3.0
"""Pixels a stretch has at the least: a fall of a minute must be seen in a week."""

_ORDER = (Kind.UNRECORDED, Kind.CLOSED, Kind.OFF, Kind.CONNECTED, Kind.WAITING, Kind.UNKNOWN, Kind.PROGRESS)
"""What is painted first may be covered by a short stretch beside it; what is not in it comes last."""

EXACT = (TimeRange.DAY, TimeRange.WEEK)
"""Shown with every stretch where it was; longer ones by the day."""

_LENGTHS = {span: span.length for span in TimeRange}


class TimelineBand(WalkedPicture):
    """Every stretch where it was."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._span = TimeRange.DAY
        self._segments: tuple[Segment, ...] = ()

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self._segments

    @property
    def pointed_at(self) -> Segment | None:
        return None if self.at is None else self._segments[self.at]

    @property
    def _end(self) -> datetime:
        return self._segments[-1].end

    @property
    def _begin(self) -> datetime:
        return self._end - _LENGTHS[self._span]

    def show_span(self, span: TimeRange, segments: Sequence[Segment]) -> None:
        """Show *segments*, the last of which ends now; what is before the first of them stays empty."""
        before = self.pointed_at
        self._span, self._segments = span, tuple(segments)
        self._parts = self._segments
        self.at = None if before is None else self._index_at(before.end - timedelta(microseconds=1))
        if self.pointed_at != before:
            self.pointed.emit(self.pointed_at)
        self.update()

    def part_words(self, place: int) -> str:
        return stretch(self._segments[place])

    def sizeHint(self) -> QSize:
        return QSize(200, round(self._theme.px(BAND) + 2 * EDGE + time_marks_height(self._theme)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        band = self._band()
        with framed_band(painter, band, tokens):
            for segment in sorted(self._segments, key=_rank):
                self._paint_segment(painter, segment, tokens)
        if self._segments:
            marks = time_marks(self._span, self._begin, self._end)
            paint_time_marks(
                painter, self._theme, self._span, marks, x=self._x, top=band.bottom() + EDGE, width=self.width()
            )
        if (pointed := self.pointed_at) is not None:
            paint_pointed(painter, self._room(pointed), tokens.focus if self.hasFocus() else tokens.text)
        painter.end()

    def _paint_segment(self, painter: QPainter, segment: Segment, tokens: Tokens) -> None:
        kind, room = kind_of(segment), self._room(segment)
        paint_kind(painter, room, kind, tokens)
        side = self._theme.px(_ICON)
        if kind not in KIND_ICONS or room.width() < self._theme.px(_ROOM_FOR_ICON):
            return
        colours = kind_colours(kind, tokens)
        place = room.center() - QPointF(side / 2, side / 2)
        painter.fillRect(QRectF(place, QSize(side, side)).adjusted(-3, -2, 3, 2), QColor(colours.bg))
        painter.drawPixmap(place, pixmap(KIND_ICONS[kind], colours.fg, side, self.devicePixelRatioF()))

    def _part_under(self, point: QPointF) -> int | None:
        """The stretch painted there: a short one is as wide as it looks."""
        painted = [
            index
            for index, each in enumerate(self._segments)
            if self._room(each).left() <= point.x() <= self._room(each).right()
        ]
        return max(painted, key=lambda index: _rank(self._segments[index]), default=None)

    def _index_at(self, moment: datetime) -> int | None:
        return next((place for place, each in enumerate(self._segments) if each.begin <= moment < each.end), None)

    def _band(self) -> QRectF:
        return QRectF(0.5, EDGE + 0.5, self.width() - 1, self._theme.px(BAND) - 1)

    def _room(self, segment: Segment) -> QRectF:
        left, right, band = self._x(segment.begin), self._x(segment.end), self._band()
        short = max(0.0, _LEAST - (right - left)) / 2
        return QRectF(left - short, band.top(), right - left + 2 * short, band.height())

    def _x(self, moment: datetime) -> float:
        return (moment - self._begin) / (self._end - self._begin) * self.width()


def _rank(segment: Segment) -> int:
    kind = kind_of(segment)
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


STALE = timedelta(seconds=30)
"""After this much time the picture is drawn anew even when nothing moved."""


class UptimeChart(QWidget):
    """Draws the history of a link with its uptime, and describes both in words."""

    span_selected = Signal(object)  # a TimeRange; told only of what a person chose
    more_wanted = Signal()
    """What was read does not reach as far back as is looked."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._moves: list[StateChange] = []
        self._reach = timedelta()  # how far back the moves are known
        self._live: tuple[LinkStatus, datetime, datetime] | None = None
        self._drawn: datetime | None = None
        self._whole = ""
        self.span = TimeRange.DAY
        self.choice = SegmentedControl(theme, list(TimeRange))
        self.band = TimelineBand(theme)
        self.bar = HistoryBar(theme)
        self.caption = ScaledLabel(theme, TEXT_SMALL)
        self.caption.setProperty("role", "secondary")
        self.legend = KindLegend(theme)
        layout = vbox(inside=self, margins=(0, 0, 0, SPACE_1), spacing=SPACE_2)
        for part in (self.choice, self.band, self.bar, self.caption, self.legend):
            layout.addWidget(part)
        self.bar.hide()
        self.choice.choose(self.span)
        self.choice.picked.connect(self._pick)
        for picture in (self.band, self.bar):
            picture.pointed.connect(self._say)
        self.retranslate()

    @property
    def shown(self) -> TimelineBand | HistoryBar:
        """The picture of the chosen span."""
        return self.band if self.span in EXACT else self.bar

    def clear(self) -> None:
        """Show nothing, as before a mentorado is selected."""
        self._moves, self._reach, self._live = [], timedelta(), None
        self._draw()

    def show_span(self, span: TimeRange) -> None:
        """Choose the time range without emitting it."""
        self.choice.choose(span)
        self.span = span
        self.band.setVisible(self.shown is self.band)
        self.bar.setVisible(self.shown is self.bar)
        if self._reach and self._reach < _LENGTHS[span]:
            self.more_wanted.emit()
        self._draw()

    def show_moves(self, moves: Iterable[StateChange], reach: timedelta = _LENGTHS[TimeRange.WEEK]) -> None:
        """What the log has since *reach* ago, in its order; what was told meanwhile and is not in it comes after."""
        logged = list(moves)
        known = {(move.at, move.after.state, move.after.reason) for move in logged}
        changes = [move for move in self._moves if (move.at, move.after.state, move.after.reason) not in known]
        self._moves, self._reach = logged + changes, reach
        self._draw()

    def add(self, move: StateChange) -> None:
        """Add a change of just now; it is drawn at the next `show_live`."""
        self._moves.append(move)

    def show_live(self, live: LinkStatus, created: datetime, now: datetime) -> None:
        """Show the present status of the link of a mentorado created at *created*. May be called every second."""
        before, self._live = self._live, (live, created, now)
        moved = before is None or (before[0].state, before[0].reason) != (live.state, live.reason)
        if moved or self._drawn is None or not timedelta() <= now - self._drawn < STALE:
            self._draw()

    def retranslate(self) -> None:
        self.choice.set_text(texts("span.choice"), [texts(f"span.choose.{span}") for span in TimeRange])
        self.legend.retranslate()
        self._draw()

    def _pick(self, span: TimeRange) -> None:
        self.show_span(span)
        self.span_selected.emit(span)

    def _draw(self) -> None:
        edges, stretches = self._stretches()
        self._drawn = stretches[-1].end if stretches else None
        total = summary(stretches) if stretches else None
        words = "" if total is None else whole(total)
        kinds = set() if total is None else set(total.kinds)
        if self.shown is self.band:
            self.band.show_span(self.span, stretches)
        else:
            buckets = link_buckets(stretches, edges) if stretches else ()
            self.bar.show_buckets(self.span, buckets)
            kinds |= {kind for bucket in buckets for kind in bucket.spent}
        self.shown.setAccessibleName(name(self.span))
        if words != self._whole or not self.shown.toolTip():
            self._whole = words
            for picture in (self.band, self.bar):
                picture.setToolTip(plain_tip(words))
        for key in self.legend.keys:
            key.setVisible(key.kind in kinds)
        self._reserve()
        self._say()

    def _stretches(self) -> tuple[Sequence[datetime], tuple[Segment, ...]]:
        """The edges of the buckets, and what is between the first and the last."""
        if self._live is None or self._reach < _LENGTHS[self.span]:
            return (), ()
        live, created, now = self._live
        edges = (now - _LENGTHS[self.span], now) if self.span in EXACT else bucket_edges(self.span, now)
        begin = max(edges[0], min(created, now))
        return edges, segments(self._moves, begin=begin, end=now, live=live)

    def _reserve(self) -> None:
        """Keep room for the longest sentence, so that nothing below moves while the picture is walked."""
        days = range(len(self.bar.buckets)) if self.shown is self.bar else ()
        self.caption.setMinimumHeight(0)
        highest = 0
        for words in {self._whole, *(self.bar.part_words(place) for place in days)}:
            self.caption.setText(words)
            highest = max(highest, self.caption.heightForWidth(self.caption.width()))
        self.caption.setMinimumHeight(highest)

    def _say(self, _pointed: object = None) -> None:
        at = self.shown.at
        pointed = None if at is None else self.shown.part_words(at)
        self.caption.setText(self._whole if pointed is None else pointed)
        self.shown.setAccessibleDescription(" ".join(filter(None, (pointed, self._whole))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._reserve()
        self._say()
