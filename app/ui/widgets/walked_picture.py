"""A picture made of parts that the keyboard and the mouse walk, and the marks of the time below it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QLabel, QSizePolicy

from app.domain.uptime import TimeRange
from app.text.status import texts
from app.ui.theme.theme import TEXT_CAPTION, Theme
from app.ui.widgets.accessibility import announce

_TICK, _LABEL_GAP = 4, 3


class WalkedPicture(QLabel):
    """Tab enters it, arrows walk its parts, and so does the mouse; `pointed` tells at which it is."""

    pointed = Signal(object)  # a part, or None

    BACK, FORWARD = Qt.Key.Key_Left, Qt.Key.Key_Right

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._parts: Sequence[object] = ()
        self.at: int | None = None
        """Which of the parts is pointed at, counted from 0."""
        picture = QPixmap(1, 1)
        picture.fill(Qt.GlobalColor.transparent)
        self.setPixmap(picture)  # unseen: with it this is a graphic for a screen reader, and not a thing without a role
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._rescale)

    @property
    def count(self) -> int:
        return len(self._parts)

    @abstractmethod
    def part_words(self, place: int) -> str:
        """Return what is said of a part."""

    @abstractmethod
    def _part_under(self, point: QPointF) -> int | None: ...

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._parts) - 1
        at = last if self.at is None else self.at
        places = {
            self.BACK: max(0, at - 1),
            self.FORWARD: min(last, at + 1),
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
        if self._parts and event.reason() is not Qt.FocusReason.MouseFocusReason:
            self._point_at(self._first_place, aloud=True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._point_at(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self._part_under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(self._first_place if self.hasFocus() and self._parts else None)

    @property
    def _first_place(self) -> int:
        """Where the keyboard begins: at the latest."""
        return len(self._parts) - 1

    def _show_parts(self, parts: Sequence[object], place: int | None) -> None:
        """Have these from now on, and point at *place* of them."""
        before = None if self.at is None else self._parts[self.at]
        self._parts, self.at = parts, place
        after = None if place is None else parts[place]
        if after != before:
            self.pointed.emit(after)
        self.update()

    def _point_at(self, place: int | None, *, aloud: bool = False) -> None:
        if place != self.at:
            self.at = place
            self.pointed.emit(None if place is None else self._parts[place])
            self.update()
        if aloud and place is not None:
            announce(self, self.part_words(place))

    def _rescale(self) -> None:
        self.updateGeometry()
        self.update()


_HOURS: Final = (0, 6, 12, 18)
_FORTNIGHTS: Final = (1, 15)


def time_marks(span: TimeRange, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Moments between *begin* and *end* that are worth a mark, as the clock and calendar on the wall show them."""
    day, last = begin.astimezone().date(), end.astimezone().date()
    while day <= last:
        wanted = {
            TimeRange.DAY: True,
            TimeRange.WEEK: True,
            TimeRange.MONTH: day.weekday() == 0,
            TimeRange.QUARTER: day.day in _FORTNIGHTS,
        }[span]
        for hour in (_HOURS if span is TimeRange.DAY else (0,)) if wanted else ():
            moment = datetime.combine(day, time(hour)).astimezone()
            if begin < moment < end:
                yield moment
        day += timedelta(days=1)


def mark_words(span: TimeRange, moment: datetime) -> str:
    """Return the hour or the day of a mark."""
    if span is TimeRange.DAY:
        return f"{moment:%H:%M}"
    return texts("span.day_tick", day=moment.day, month=texts(f"date.months.{moment.month}"))


def time_marks_height(theme: Theme) -> float:
    return _TICK + _LABEL_GAP + QFontMetricsF(theme.font(TEXT_CAPTION)).height()


def paint_time_marks(
    painter: QPainter,
    theme: Theme,
    span: TimeRange,
    moments: Iterable[datetime],
    *,
    x: Callable[[datetime], float],
    top: float,
    width: float,
) -> None:
    """Paint a tick for each of *moments*, and their words as far as there is room for them."""
    font = theme.font(TEXT_CAPTION)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    free_from = 0.0
    for moment in moments:
        at = x(moment)
        painter.setPen(QPen(QColor(theme.tokens.border_strong), 1))
        painter.drawLine(QPointF(at, top), QPointF(at, top + _TICK))
        words = mark_words(span, moment)
        wide = metrics.horizontalAdvance(words)
        left = min(max(at - wide / 2, 0.0), width - wide)
        if left < free_from:
            continue
        free_from = left + wide + metrics.horizontalAdvance("  ")
        painter.setPen(QColor(theme.tokens.text3))
        painter.drawText(QPointF(left, top + _TICK + _LABEL_GAP + metrics.ascent()), words)
