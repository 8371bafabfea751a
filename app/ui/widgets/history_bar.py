"""A history in buckets, how each kind of a history looks, and the legend that explains those that are shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.domain.history_bar import UNOBSERVED, Bucket
from app.domain.uptime import Kind, TimeRange
from app.text.signs import Tone
from app.text.uptime import bucket_words, kind_word
from app.ui.theme.theme import SPACE_1, SPACE_3, TEXT_CAPTION, BadgeColours, Theme, Tokens
from app.ui.widgets.labels import ScaledLabel
from app.ui.widgets.layouts import FlowLayout, hbox
from app.ui.widgets.walked_picture import WalkedPicture, paint_time_marks, time_marks, time_marks_height

_NARROW = 8.0
EDGE: Final = 3
"""Pixels above and below a band, for the frame of what is pointed at."""

_TONES = {
    Kind.CONNECTED: Tone.CONNECTED,
    Kind.PROGRESS: Tone.PROGRESS,
    Kind.WAITING: Tone.WAITING,
    Kind.BLOCKED: Tone.ERROR,
    Kind.UNKNOWN: Tone.WAITING,
}
KIND_ICONS: Final = {
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


@contextmanager
def framed_band(painter: QPainter, band: QRectF, tokens: Tokens) -> Iterator[None]:
    """What is painted inside is cut at the round corners of *band*, which gets its ground before and its edge after."""
    outline = QPainterPath()
    outline.addRoundedRect(band, 6, 6)
    painter.save()
    painter.setClipPath(outline)
    painter.fillRect(band, QColor(tokens.surface))
    yield
    painter.restore()
    painter.setPen(QPen(QColor(tokens.border_strong), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(outline)


def paint_pointed(painter: QPainter, room: QRectF, colour: str) -> None:
    """Frame the part of a band that is pointed at, however narrow it is."""
    painter.setPen(QPen(QColor(colour), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    wide = max(0.0, 6 - room.width()) / 2
    painter.drawRoundedRect(room.adjusted(-wide, -EDGE + 1, wide, EDGE - 1), 3, 3)


def paint_kind(painter: QPainter, room: QRectF, kind: Kind, tokens: Tokens) -> None:
    """Fill *room* as a stretch of *kind* looks: in its colour, and in a pattern of its own."""
    if kind in _LINES:
        painter.fillRect(room, QColor(tokens.badge[Tone.IDLE].bg if kind is Kind.OFF else tokens.surface))
        painter.setPen(QPen(QColor(tokens.border_strong), 1.5, _LINES[kind]))
        middle = round(room.center().y()) + 0.5
        painter.drawLine(QPointF(room.left(), middle), QPointF(room.right(), middle))
        return
    colours = kind_colours(kind, tokens)
    painter.fillRect(room, QColor(colours.bg))
    if kind is Kind.PROGRESS and room.width() < _NARROW:  # a hatching would not be seen
        painter.fillRect(room.adjusted(0, room.height() * 0.4, 0, 0), QColor(colours.fg))
    elif kind in _PATTERNS:
        painter.fillRect(room, QBrush(QColor(colours.fg), _PATTERNS[kind]))
    elif kind is Kind.CONNECTED:
        painter.fillRect(QRectF(room.left(), room.bottom() - 3, room.width(), 3), QColor(colours.fg))


def kind_colours(kind: Kind, tokens: Tokens) -> BadgeColours:
    """Return the colours of *kind*; what stopped is the darkest."""
    colours = tokens.badge[_TONES.get(kind, Tone.IDLE)]
    return BadgeColours(fg=colours.bg, bg=colours.fg) if kind is Kind.BLOCKED else colours


class _Sample(QWidget):
    """A small piece of a history."""

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
        hbox(_Sample(theme, kind), self.word, inside=self, spacing=SPACE_1 + 2)


class KindLegend(QWidget):
    """A sample and a word for each kind that is in a picture."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.keys = [_Key(theme, kind) for kind in Kind]
        flow = FlowLayout(self, spacing=SPACE_3)
        for key in self.keys:
            flow.addWidget(key)

    def show_kinds(self, kinds: Collection[Kind]) -> None:
        for key in self.keys:
            key.setVisible(key.kind in kinds)

    def retranslate(self) -> None:
        for key in self.keys:
            key.word.setText(kind_word(key.kind))


_HEIGHT, _GAP = 36, 1.0
_FROM_TOP: Final = (Kind.BLOCKED, Kind.PROGRESS, Kind.UNKNOWN, Kind.WAITING, *UNOBSERVED, Kind.CONNECTED)


class HistoryBar(WalkedPicture):
    """A column for each bucket of one link, or of all together: the worst on top, and connected at the bottom."""

    LEAST = 6.0
    """Pixels of the worst: a fall of a minute must be seen in a day."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._span = TimeRange.MONTH
        self._buckets: tuple[Bucket, ...] = ()

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        return self._buckets

    @property
    def pointed_at(self) -> Bucket | None:
        return None if self.at is None else self._buckets[self.at]

    def show_buckets(self, span: TimeRange, buckets: Sequence[Bucket]) -> None:
        """Show *buckets*, the last of which ends now. The one that is pointed at stays so while it is in the bar."""
        pointed = self.pointed_at
        self._span, self._buckets = span, tuple(buckets)
        places = {bucket.begin: place for place, bucket in enumerate(self._buckets)}
        self._show_parts(self._buckets, None if pointed is None else places.get(pointed.begin))

    def part_words(self, place: int) -> str:
        return bucket_words(self._buckets[place], self._span)

    def sizeHint(self) -> QSize:
        return QSize(200, round(self._theme.px(_HEIGHT) + 2 * EDGE + time_marks_height(self._theme)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, band = self._theme.tokens, self._band()
        with framed_band(painter, band, tokens):
            for place, bucket in enumerate(self._buckets):
                self._paint_bucket(painter, self._column(place), bucket)
        if self._buckets:
            marks = time_marks(self._span, self._buckets[0].begin, self._buckets[-1].end)
            paint_time_marks(
                painter,
                self._theme,
                self._span,
                marks,
                x=self._x,
                top=band.bottom() + EDGE,
                width=self.width(),
            )
        if self.at is not None:
            paint_pointed(painter, self._column(self.at), tokens.focus if self.hasFocus() else tokens.text)
        painter.end()

    def _paint_bucket(self, painter: QPainter, room: QRectF, bucket: Bucket) -> None:
        shares = {kind: bucket.share(kind) for kind in _FROM_TOP if bucket.share(kind) > 0}
        if not shares:
            paint_kind(painter, room, Kind.UNRECORDED, self._theme.tokens)
            return
        top = room.top()
        for kind, height in _heights(shares, room.height(), bucket.worst, self.LEAST).items():
            paint_kind(painter, QRectF(room.left(), top, room.width(), height), kind, self._theme.tokens)
            top += height

    def _part_under(self, point: QPointF) -> int | None:
        if not self._buckets or not 0 <= point.x() < self.width():
            return None
        return int(point.x() / self.width() * len(self._buckets))

    def _band(self) -> QRectF:
        return QRectF(0.5, EDGE + 0.5, self.width() - 1, self._theme.px(_HEIGHT) - 1)

    def _column(self, place: int) -> QRectF:
        """The buckets are equally wide, though the last has only begun and a day of the year has 23 hours."""
        band, wide = self._band(), self.width() / len(self._buckets)
        return QRectF(place * wide, band.top(), wide - (_GAP if wide > 3 else 0), band.height())

    def _x(self, moment: datetime) -> float:
        wide = self.width() / len(self._buckets)
        return next((place * wide for place, each in enumerate(self._buckets) if each.end > moment), self.width())


def _heights(shares: dict[Kind, float], whole: float, worst: Kind, least: float) -> dict[Kind, float]:
    """How high each kind is: as its share, but the *worst* is always seen, at the cost of the largest."""
    heights = {kind: share * whole for kind, share in shares.items()}
    if worst in heights:
        heights[worst] = max(heights[worst], least)
    largest = max(heights, key=heights.__getitem__)
    heights[largest] += whole - sum(heights.values())
    return heights
