"""The last hours or days of a link as one horizontal band, with its ticks in local time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QBrush,
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

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
from app.text.signs import Tone
from app.text.status import texts
from app.text.uptime import (
    kind_word,
    name,
    stretch,
    whole,
)
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, TEXT_CAPTION, TEXT_SMALL, BadgeColours, Theme, Tokens
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.labels import ScaledLabel, plain_tip

BAND, _TICK, _LABEL_GAP, _EDGE = 22, 4, 3, 3
_ICON, _ROOM_FOR_ICON = 12, 26
_LEAST = 3.0
"""Pixels a stretch has at the least: a fall of a minute must be seen in a week."""

_NARROW = 8.0

_TONES = {
    Kind.CONNECTED: Tone.CONNECTED,
    Kind.PROGRESS: Tone.PROGRESS,
    Kind.WAITING: Tone.WAITING,
    Kind.BLOCKED: Tone.ERROR,
    Kind.UNKNOWN: Tone.WAITING,
}
_ICONS = {
    Kind.CONNECTED: "check-circle",
    Kind.PROGRESS: "refresh",
    Kind.WAITING: "qr",
    Kind.BLOCKED: "triangle-alert",
    Kind.UNKNOWN: "clock",
    Kind.OFF: "wifi-off",
}
_PATTERNS = {
    Kind.PROGRESS: Qt.BrushStyle.BDiagPattern,
    Kind.WAITING: Qt.BrushStyle.Dense6Pattern,
    Kind.UNKNOWN: Qt.BrushStyle.VerPattern,
}
_LINES = {
    Kind.OFF: Qt.PenStyle.SolidLine,
    Kind.CLOSED: Qt.PenStyle.DashLine,
    Kind.UNRECORDED: Qt.PenStyle.DotLine,
}
_ORDER = (Kind.UNRECORDED, Kind.CLOSED, Kind.OFF, Kind.CONNECTED, Kind.WAITING, Kind.UNKNOWN, Kind.PROGRESS)
"""What is painted first may be covered by a short stretch beside it; what is not in it comes last."""


def paint_kind(painter: QPainter, room: QRectF, kind: Kind, tokens: Tokens) -> None:
    """Fill *room* as a stretch of *kind* looks: in its colour, and in a pattern of its own."""
    if kind in _LINES:
        painter.fillRect(room, QColor(tokens.badge[Tone.IDLE].bg if kind is Kind.OFF else tokens.surface))
        painter.setPen(QPen(QColor(tokens.border_strong), 1.5, _LINES[kind]))
        middle = round(room.center().y()) + 0.5
        painter.drawLine(QPointF(room.left(), middle), QPointF(room.right(), middle))
        return
    colours = _colours(kind, tokens)
    painter.fillRect(room, QColor(colours.bg))
    if kind is Kind.PROGRESS and room.width() < _NARROW:  # a hatching would not be seen
        painter.fillRect(room.adjusted(0, room.height() * 0.4, 0, 0), QColor(colours.fg))
    elif kind in _PATTERNS:
        painter.fillRect(room, QBrush(QColor(colours.fg), _PATTERNS[kind]))
    elif kind is Kind.CONNECTED:
        painter.fillRect(QRectF(room.left(), room.bottom() - 3, room.width(), 3), QColor(colours.fg))


def _colours(kind: Kind, tokens: Tokens) -> BadgeColours:
    colours = tokens.badge[_TONES.get(kind, Tone.IDLE)]
    return BadgeColours(fg=colours.bg, bg=colours.fg) if kind is Kind.BLOCKED else colours


_SPANS = (TimeRange.DAY, TimeRange.WEEK)
_LENGTHS = {span: span.length for span in _SPANS}


class TimelineBand(QWidget):
    """Tab enters it, arrows walk its stretches, and so does the mouse; `pointed` tells at which it is."""

    pointed = Signal(object)  # a Segment, or None

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._span = TimeRange.DAY
        self._segments: tuple[Segment, ...] = ()
        self._at: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._rescale)

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self._segments

    @property
    def pointed_at(self) -> Segment | None:
        return None if self._at is None else self._segments[self._at]

    @property
    def _end(self) -> datetime:
        return self._segments[-1].end

    @property
    def _begin(self) -> datetime:
        return self._end - self._span.length

    def show_span(self, span: TimeRange, segments: Sequence[Segment]) -> None:
        """Show *segments*, the last of which ends now; what is before the first of them stays empty."""
        before = self.pointed_at
        self._span, self._segments = span, tuple(segments)
        self._at = None if before is None else self._index_at(before.end - timedelta(microseconds=1))
        if self.pointed_at != before:
            self.pointed.emit(self.pointed_at)
        self.update()

    def sizeHint(self) -> QSize:
        label = QFontMetricsF(self._theme.font(TEXT_CAPTION)).height()
        return QSize(200, round(self._theme.px(BAND) + 2 * _EDGE + _TICK + _LABEL_GAP + label))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._segments) - 1
        at = last if self._at is None else self._at
        places = {
            Qt.Key.Key_Left: max(0, at - 1),
            Qt.Key.Key_Right: min(last, at + 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        to = places.get(Qt.Key(event.key()))
        if to is None or last < 0:
            super().keyPressEvent(event)
            return
        self._point_at(to, aloud=True)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._segments and event.reason() is not Qt.FocusReason.MouseFocusReason:
            self._point_at(len(self._segments) - 1, aloud=True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._point_at(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self._index_under(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(len(self._segments) - 1 if self.hasFocus() and self._segments else None)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        band = self._band()
        outline = QPainterPath()
        outline.addRoundedRect(band, 6, 6)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(band, QColor(tokens.surface))
        for segment in sorted(self._segments, key=_rank):
            self._paint_segment(painter, segment, tokens)
        painter.restore()
        painter.setPen(QPen(QColor(tokens.border_strong), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)
        self._paint_ticks(painter, band, tokens)
        if (pointed := self.pointed_at) is not None:
            painter.setPen(QPen(QColor(tokens.focus if self.hasFocus() else tokens.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            room = self._room(pointed)
            wide = max(0.0, 6 - room.width()) / 2
            painter.drawRoundedRect(room.adjusted(-wide, -_EDGE + 1, wide, _EDGE - 1), 3, 3)
        painter.end()

    def _paint_segment(self, painter: QPainter, segment: Segment, tokens: Tokens) -> None:
        kind, room = kind_of(segment), self._room(segment)
        paint_kind(painter, room, kind, tokens)
        side = self._theme.px(_ICON)
        if kind not in _ICONS or room.width() < self._theme.px(_ROOM_FOR_ICON):
            return
        colours = _colours(kind, tokens)
        place = room.center() - QPointF(side / 2, side / 2)
        painter.fillRect(QRectF(place, QSize(side, side)).adjusted(-3, -2, 3, 2), QColor(colours.bg))
        painter.drawPixmap(place, pixmap(_ICONS[kind], colours.fg, side, self.devicePixelRatioF()))

    def _paint_ticks(self, painter: QPainter, band: QRectF, tokens: Tokens) -> None:
        font = self._theme.font(TEXT_CAPTION)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        top, free_from = band.bottom() + _EDGE, 0.0
        for moment in self._ticks():
            x = self._x(moment)
            painter.setPen(QPen(QColor(tokens.border_strong), 1))
            painter.drawLine(QPointF(x, top), QPointF(x, top + _TICK))
            words = self._tick_words(moment)
            wide = metrics.horizontalAdvance(words)
            left = min(max(x - wide / 2, 0.0), self.width() - wide)
            if left < free_from:
                continue
            free_from = left + wide + metrics.horizontalAdvance("  ")
            painter.setPen(QColor(tokens.text3))
            painter.drawText(QPointF(left, top + _TICK + _LABEL_GAP + metrics.ascent()), words)

    def _ticks(self) -> Iterator[datetime]:
        """Every six hours of the day, or every midnight, as the clock on the wall shows them."""
        if not self._segments:
            return
        day, last = self._begin.astimezone().date(), self._end.astimezone().date()
        while day <= last:
            for hour in (0, 6, 12, 18) if self._span is TimeRange.DAY else (0,):
                moment = datetime.combine(day, time(hour)).astimezone()
                if self._begin < moment < self._end:
                    yield moment
            day += timedelta(days=1)

    def _tick_words(self, moment: datetime) -> str:
        if self._span is TimeRange.DAY:
            return f"{moment:%H:%M}"
        return texts("span.day_tick", day=moment.day, month=texts(f"date.months.{moment.month}"))

    def _rescale(self) -> None:
        self.updateGeometry()
        self.update()

    def _point_at(self, index: int | None, *, aloud: bool = False) -> None:
        if index != self._at:
            self._at = index
            self.pointed.emit(self.pointed_at)
            self.update()
        if aloud and QAccessible.isActive() and (pointed := self.pointed_at) is not None:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, stretch(pointed)))

    def _index_under(self, x: float) -> int | None:
        """The stretch painted at *x*: a short one is as wide as it looks."""
        painted = [
            index
            for index, each in enumerate(self._segments)
            if self._room(each).left() <= x <= self._room(each).right()
        ]
        return max(painted, key=lambda index: _rank(self._segments[index]), default=None)

    def _index_at(self, moment: datetime) -> int | None:
        return next((place for place, each in enumerate(self._segments) if each.begin <= moment < each.end), None)

    def _band(self) -> QRectF:
        return QRectF(0.5, _EDGE + 0.5, self.width() - 1, self._theme.px(BAND) - 1)

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


class _Sample(QWidget):
    """A small piece of the band."""

    def __init__(self, theme: Theme, kind: Kind) -> None:
        super().__init__()
        self._theme, self._kind = theme, kind
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        self.setFixedSize(QSize(self._theme.px(18), self._theme.px(12)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        room = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        paint_kind(painter, room, self._kind, self._theme.tokens)
        painter.setPen(QPen(QColor(self._theme.tokens.border_strong), 1))
        painter.setBrush(QColor(0, 0, 0, 0))
        painter.drawRect(room)
        painter.end()


class _Key(QWidget):
    """A sample with its word."""

    def __init__(self, theme: Theme, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.word = ScaledLabel(theme, TEXT_CAPTION, wraps=False)
        self.word.setProperty("role", "caption")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_1 + 2)
        row.addWidget(_Sample(theme, kind))
        row.addWidget(self.word)


class UptimeChart(QWidget):
    """Is told what moved and what is true now; adds up, draws, and says in words what is drawn."""

    span_selected = Signal(object)  # a Span; told only of what a person chose

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._moves: list[StateChange] = []
        self._read = False
        self._live: tuple[LinkStatus, datetime, datetime] | None = None
        self._drawn: datetime | None = None
        self._whole = ""
        self.span = TimeRange.DAY
        self.choice = SegmentedControl(theme, list(_SPANS))
        self.band = TimelineBand(theme)
        self.caption = ScaledLabel(theme, TEXT_SMALL)
        self.caption.setProperty("role", "secondary")
        self._keys = [_Key(theme, kind) for kind in Kind]
        legend = QWidget()
        keys = FlowLayout(legend, spacing=SPACE_3)
        for key in self._keys:
            keys.addWidget(key)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_1)
        layout.setSpacing(SPACE_2)
        for part in (self.choice, self.band, self.caption, legend):
            layout.addWidget(part)
        self.choice.choose(self.span)
        self.choice.picked.connect(self._pick)
        self.band.pointed.connect(self._say)
        self.retranslate()

    def clear(self) -> None:
        """Know nothing, as before somebody is shown."""
        self._moves, self._read, self._live = [], False, None
        self._draw()

    def show_span(self, span: TimeRange) -> None:
        """Look so far back, without telling anybody."""
        self.choice.choose(span)
        self.span = span
        self._draw()

    def show_moves(self, moves: Iterable[StateChange]) -> None:
        """What the log has of the last week, in its order; what was told meanwhile and is not in it comes after."""
        logged = list(moves)
        known = {(move.at, move.after.state, move.after.reason) for move in logged}
        changes = [move for move in self._moves if (move.at, move.after.state, move.after.reason) not in known]
        self._moves, self._read = logged + changes, True
        self._draw()

    def add(self, move: StateChange) -> None:
        """It moved just now; drawn when it is told what is true now."""
        self._moves.append(move)

    def show_live(self, live: LinkStatus, created: datetime, now: datetime) -> None:
        """What is true *now* of a link of somebody enrolled at *created*. May be told every second."""
        before, self._live = self._live, (live, created, now)
        moved = before is None or (before[0].state, before[0].reason) != (live.state, live.reason)
        if moved or self._drawn is None or not timedelta() <= now - self._drawn < STALE:
            self._draw()

    def retranslate(self) -> None:
        self.choice.set_text(texts("span.choice"), [texts(f"span.choose.{span}") for span in _SPANS])
        for key in self._keys:
            key.word.setText(kind_word(key.kind))
        self._draw()

    def _pick(self, span: TimeRange) -> None:
        self.show_span(span)
        self.span_selected.emit(span)

    def _draw(self) -> None:
        shown = self._segments()
        self._drawn = shown[-1].end if shown else None
        self._whole = whole(summary(shown)) if shown else ""
        self.band.show_span(self.span, shown)
        self.band.setAccessibleName(name(self.span))
        self.band.setToolTip(plain_tip(self._whole))
        kinds = {kind_of(segment) for segment in shown}
        for key in self._keys:
            key.setVisible(key.kind in kinds)
        self._reserve()
        self._say(self.band.pointed_at)

    def _segments(self) -> tuple[Segment, ...]:
        if self._live is None or not self._read:
            return ()
        live, created, now = self._live
        begin = max(now - _LENGTHS[self.span], min(created, now))
        return segments(self._moves, begin=begin, end=now, live=live)

    def _reserve(self) -> None:
        """Keep room for the longer sentence, so that nothing below moves while the band is walked."""
        self.caption.setText(self._whole)
        self.caption.setMinimumHeight(0)
        self.caption.setMinimumHeight(max(0, self.caption.heightForWidth(self.caption.width())))

    def _say(self, pointed: Segment | None) -> None:
        self.caption.setText(stretch(pointed) if pointed is not None else self._whole)
        lines = (self._whole,) if pointed is None else (stretch(pointed), self._whole)
        self.band.setAccessibleDescription(" ".join(lines))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._reserve()
        self._say(self.band.pointed_at)
