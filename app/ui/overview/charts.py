"""The charts of the overview: columns over time, and bars by reason. Each has a description in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame

from app.domain.uptime import TimeRange
from app.text.signs import Tone
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_3,
    SPACE_4,
    TEXT_BODY,
    TEXT_CAPTION,
    TEXT_HEADING,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.labels import ScaledLabel
from app.ui.widgets.layouts import vbox
from app.ui.widgets.walked_picture import WalkedPicture, paint_time_marks, time_marks, time_marks_height

_PLOT, _ROW, _EDGE, _GAP = 84, 22, 3, 1.5
_LEAST = 2.0
"""Pixels of what is not nothing."""

_SAMPLE, _INSIDE = 10, 6
ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind, a column each; None where unknown. *name* tells it from other series of the chart."""

    values: tuple[float | None, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Column:
    key: object
    values: tuple[float | None, ...]


class ColumnChart(WalkedPicture):
    """Columns, over time or by category; a second series is hatched."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._columns: tuple[_Column, ...] = ()
        self._names: tuple[str, ...] = ()
        self.highest = 0.0
        self._edges: tuple[datetime, ...] = ()
        self._span = TimeRange.DAY
        self._labels: tuple[str, ...] = ()
        self._words: Callable[[int], str] = str
        self._axis: Callable[[float], str] = str

    def show_time(
        self,
        span: TimeRange,
        edges: Sequence[datetime],
        series: Sequence[Series],
        *,
        words: Callable[[int], str],
        axis: Callable[[float], str],
    ) -> None:
        """Show the values between each two of *edges*. *words* tells of one column, *axis* writes a value."""
        self._span, self._edges, self._labels = span, tuple(edges), ()
        self._show(self._edges[:-1], series, words, axis)

    def show_categories(
        self,
        labels: Sequence[str],
        series: Series,
        *,
        words: Callable[[int], str],
        axis: Callable[[float], str],
    ) -> None:
        """Show a value for each of *labels*."""
        self._edges, self._labels = (), tuple(labels)
        self._show(self._labels, [series], words, axis)

    def _show(
        self,
        keys: Sequence[object],
        series: Sequence[Series],
        words: Callable[[int], str],
        axis: Callable[[float], str],
    ) -> None:
        pointed = None if self.at is None else self._columns[self.at].key
        self._words, self._axis = words, axis
        self._names = tuple(each.name for each in series)
        rows = zip(*(each.values for each in series), strict=True)
        self._columns = tuple(_Column(key, values) for key, values in zip(keys, rows, strict=True))
        self.highest = max((value for column in self._columns for value in column.values if value), default=0.0)
        places = {column.key: place for place, column in enumerate(self._columns)}
        self._show_parts(self._columns, None if pointed is None else places.get(pointed))

    def part_words(self, place: int) -> str:
        return self._words(place)

    def sizeHint(self) -> QSize:
        return QSize(240, round(self._top + self._theme.px(_PLOT) + _EDGE + time_marks_height(self._theme)))

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, plot = self._theme.tokens, self._plot()
        painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DotLine))
        painter.drawLine(plot.topLeft(), plot.topRight())
        painter.setPen(QPen(QColor(tokens.border_strong), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        self._paint_head(painter, plot)
        for place in range(len(self._columns)):
            self._paint_column(painter, place, plot)
        if self._edges:
            marks = time_marks(self._span, self._edges[0], self._edges[-1])
            paint_time_marks(
                painter,
                self._theme,
                self._span,
                marks,
                x=self._x,
                top=plot.bottom(),
                width=self.width(),
            )
        else:
            self._paint_labels(painter, plot)
        if self.at is not None:
            painter.setPen(QPen(QColor(tokens.focus if self.hasFocus() else tokens.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._room(self.at, plot).adjusted(-1, -1, 1, 2), 3, 3)
        painter.end()

    def _paint_head(self, painter: QPainter, plot: QRectF) -> None:
        """The value of the highest column, and which column is which."""
        font = self._theme.font(TEXT_CAPTION)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        base = plot.top() - _EDGE - metrics.descent()
        painter.setPen(QColor(self._theme.tokens.text3))
        if self.highest:
            painter.drawText(QPointF(0, base), self._axis(self.highest))
        right, side = float(self.width()), self._theme.px(_SAMPLE)
        for number in range(len(self._names) - 1, -1, -1) if len(self._names) > 1 else ():
            name = self._names[number]
            right -= metrics.horizontalAdvance(name)
            painter.setPen(QColor(self._theme.tokens.text2))
            painter.drawText(QPointF(right, base), name)
            right -= side + 5
            self._fill(painter, QRectF(right, base - side + 1, side, side), number)
            right -= 12

    def _paint_column(self, painter: QPainter, place: int, plot: QRectF) -> None:
        room, values = self._room(place, plot), self._columns[place].values
        wide = room.width() / len(values)
        for number, value in enumerate(values):
            left = room.left() + number * wide
            if value is None:
                painter.setPen(QPen(QColor(self._theme.tokens.border_strong), 1.5, Qt.PenStyle.DotLine))
                painter.drawLine(QPointF(left, plot.bottom() - 4), QPointF(left + wide, plot.bottom() - 4))
            elif value:
                height = max(_LEAST, value / self.highest * plot.height())
                self._fill(painter, QRectF(left, plot.bottom() - height, wide, height), number)

    def _fill(self, painter: QPainter, room: QRectF, number: int) -> None:
        tokens = self._theme.tokens
        if number == 0:
            painter.fillRect(room, QColor(tokens.accent))
            return
        colours = tokens.badge[Tone.PROGRESS]
        painter.fillRect(room, QColor(colours.bg))
        painter.fillRect(room, QBrush(QColor(colours.fg), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(QColor(colours.fg), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(room.adjusted(0.5, 0.5, -0.5, 0))

    def _paint_labels(self, painter: QPainter, plot: QRectF) -> None:
        font = self._theme.font(TEXT_CAPTION)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.tokens.text3))
        free_from = 0.0
        for place, words in enumerate(self._labels):
            wide = metrics.horizontalAdvance(words)
            left = min(max(self._room(place, plot).center().x() - wide / 2, 0.0), self.width() - wide)
            if left >= free_from:
                painter.drawText(QPointF(left, plot.bottom() + _EDGE + 2 + metrics.ascent()), words)
                free_from = left + wide + metrics.horizontalAdvance(" ")

    def _part_under(self, point: QPointF) -> int | None:
        if not self._columns or not 0 <= point.x() < self.width():
            return None
        return int(point.x() / self.width() * len(self._columns))

    @property
    def _top(self) -> float:
        return QFontMetricsF(self._theme.font(TEXT_CAPTION)).height() + _EDGE

    def _plot(self) -> QRectF:
        return QRectF(0, round(self._top) + 0.5, self.width(), self._theme.px(_PLOT))

    def _room(self, place: int, plot: QRectF) -> QRectF:
        wide = self.width() / len(self._columns)
        gap = _GAP if wide > 4 else 0.5
        return QRectF(place * wide + gap, plot.top(), wide - 2 * gap, plot.height())

    def _x(self, moment: datetime) -> float:
        wide = self.width() / len(self._columns)
        return next((place * wide for place, end in enumerate(self._edges[1:]) if end > moment), self.width())


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A name and how many; *words* tell of it in a sentence."""

    name: str
    value: int
    shown: str
    words: str


class RankedBars(WalkedPicture):
    """The largest few, a bar each; up and down walk them."""

    BACK, FORWARD = Qt.Key.Key_Up, Qt.Key.Key_Down

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._rows: tuple[RankedRow, ...] = ()

    @property
    def rows(self) -> tuple[RankedRow, ...]:
        return self._rows

    def show_rows(self, rows: Sequence[RankedRow]) -> None:
        pointed = None if self.at is None else self._rows[self.at].name
        self._rows = tuple(rows)
        places = {row.name: place for place, row in enumerate(self._rows)}
        self._show_parts(self._rows, None if pointed is None else places.get(pointed))

    def part_words(self, place: int) -> str:
        return self._rows[place].words

    @property
    def _first_place(self) -> int:
        return 0

    def sizeHint(self) -> QSize:
        return QSize(240, (ROWS + 1) * self._theme.px(_ROW))

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, font = self._theme.tokens, self._theme.font(TEXT_SMALL)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        numbers = max((metrics.horizontalAdvance(row.shown) for row in self._rows), default=0.0)
        names = min(
            max((metrics.horizontalAdvance(row.name) for row in self._rows), default=0.0) + 1, self.width() * 0.45
        )
        room = self.width() - _INSIDE - names - numbers - 2 * SPACE_3
        largest = max((row.value for row in self._rows), default=1)
        for place, row in enumerate(self._rows):
            frame = self._frame(place)
            painter.setPen(QColor(tokens.text2))
            name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, names)
            painter.drawText(QRectF(_INSIDE, frame.top(), names, frame.height()), Qt.AlignmentFlag.AlignVCenter, name)
            bar = QRectF(
                _INSIDE + names + SPACE_3, frame.top() + 5, max(_LEAST, room * row.value / largest), frame.height() - 10
            )
            painter.fillRect(bar, QColor(tokens.badge[Tone.ERROR].fg))
            painter.setPen(QColor(tokens.text))
            at = QRectF(bar.right() + SPACE_1 + 2, frame.top(), numbers + 2, frame.height())
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter, row.shown)
            if place == self.at:
                painter.setPen(QPen(QColor(tokens.focus if self.hasFocus() else tokens.text), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def _part_under(self, point: QPointF) -> int | None:
        place = int(point.y() // self._theme.px(_ROW))
        return place if 0 <= place < len(self._rows) else None

    def _frame(self, place: int) -> QRectF:
        height = self._theme.px(_ROW)
        return QRectF(0, place * height, self.width(), height)


class ChartCard(QFrame):
    """A chart with its title, its total in large, and a line about what is pointed at."""

    def __init__(self, theme: Theme, picture: WalkedPicture) -> None:
        super().__init__()
        self._about = ""
        self.picture = picture
        self.setProperty("role", "card")
        self.title = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.headline = ScaledLabel(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self.caption = ScaledLabel(theme, TEXT_SMALL)
        self.caption.setProperty("role", "secondary")
        self.column = vbox(inside=self, margins=(SPACE_4, SPACE_3, SPACE_4, SPACE_3), spacing=SPACE_1)
        for part in (self.title, self.headline, picture, self.caption):
            self.column.addWidget(part)
        self.column.addStretch(1)
        picture.pointed.connect(self._say)

    def show_figure(self, headline: str, about: str) -> None:
        """Show the figure in large, and *about* it while nothing is pointed at."""
        self.headline.setText(headline)
        self._about = about
        self._reserve()

    def name(self, title: str) -> None:
        self.title.setText(title)
        self.picture.setAccessibleName(title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._reserve()

    def _reserve(self) -> None:
        """Keep room for the longest line, so that nothing moves while the picture is walked."""
        self.caption.setMinimumHeight(0)
        highest = 0
        for words in {self._about, *map(self.picture.part_words, range(self.picture.count))}:
            self.caption.setText(words)
            highest = max(highest, self.caption.heightForWidth(self.caption.width()))
        self.caption.setMinimumHeight(highest)
        self._say()

    def _say(self, _pointed: object = None) -> None:
        place = self.picture.at
        pointed = None if place is None else self.picture.part_words(place)
        self.caption.setText(self._about if pointed is None else pointed)
        description = " ".join(filter(None, (pointed, self.headline.text(), self._about)))
        self.picture.setAccessibleDescription(description)
