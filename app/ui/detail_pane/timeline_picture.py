"""The picture of a link's last day or week: how far back, the band, what it says, and what its patterns mean."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.domain.connection import LinkStatus
from app.domain.span import Move, Segment, Span, segments, summary
from app.ui.choice import Choice
from app.ui.detail_pane.span_words import Kind, kind_of, kind_word, name, stretch, whole
from app.ui.detail_pane.timeline_band import TimelineBand, paint_kind
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, TEXT_CAPTION, TEXT_SMALL, Theme
from app.ui.words import Words, plain_tip
from app.ui.wrapping import WrappingRow

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
        self.word = Words(theme, TEXT_CAPTION, wraps=False)
        self.word.setProperty("role", "caption")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_1 + 2)
        row.addWidget(_Sample(theme, kind))
        row.addWidget(self.word)


class TimelinePicture(QWidget):
    """Is told what moved and what is true now; adds up, draws, and says in words what is drawn."""

    span_picked = Signal(object)  # a Span; told only of what a person chose

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._moves: list[Move] = []
        self._read = False
        self._live: tuple[LinkStatus, datetime, datetime] | None = None
        self._drawn: datetime | None = None
        self._whole = ""
        self.span = Span.DAY
        self.choice = Choice(theme, list(Span))
        self.band = TimelineBand(theme)
        self.said = Words(theme, TEXT_SMALL)
        self.said.setProperty("role", "secondary")
        self._keys = [_Key(theme, kind) for kind in Kind]
        legend = QWidget()
        keys = WrappingRow(legend, spacing=SPACE_3)
        for key in self._keys:
            keys.addWidget(key)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_1)
        layout.setSpacing(SPACE_2)
        for part in (self.choice, self.band, self.said, legend):
            layout.addWidget(part)
        self.choice.choose(self.span)
        self.choice.picked.connect(self._pick)
        self.band.pointed.connect(self._say)
        self.retranslate()

    def clear(self) -> None:
        """Know nothing, as before somebody is shown."""
        self._moves, self._read, self._live = [], False, None
        self._draw()

    def show_span(self, span: Span) -> None:
        """Look so far back, without telling anybody."""
        self.choice.choose(span)
        self.span = span
        self._draw()

    def show_moves(self, moves: Iterable[Move]) -> None:
        """What the log has of the last week, in its order; what was told meanwhile and is not in it comes after."""
        logged = list(moves)
        known = {(move.at, move.after.state, move.after.reason) for move in logged}
        told = [move for move in self._moves if (move.at, move.after.state, move.after.reason) not in known]
        self._moves, self._read = logged + told, True
        self._draw()

    def add(self, move: Move) -> None:
        """It moved just now; drawn when it is told what is true now."""
        self._moves.append(move)

    def show_live(self, live: LinkStatus, created: datetime, now: datetime) -> None:
        """What is true *now* of a link of somebody enrolled at *created*. May be told every second."""
        before, self._live = self._live, (live, created, now)
        moved = before is None or (before[0].state, before[0].reason) != (live.state, live.reason)
        if moved or self._drawn is None or not timedelta() <= now - self._drawn < STALE:
            self._draw()

    def retranslate(self) -> None:
        self.choice.say(texts("span.choice"), [texts(f"span.choose.{span}") for span in Span])
        for key in self._keys:
            key.word.setText(kind_word(key.kind))
        self._draw()

    def _pick(self, span: Span) -> None:
        self.show_span(span)
        self.span_picked.emit(span)

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
        begin = max(now - self.span.length, min(created, now))
        return segments(self._moves, begin=begin, end=now, live=live)

    def _reserve(self) -> None:
        """Keep room for the longer sentence, so that nothing below moves while the band is walked."""
        self.said.setText(self._whole)
        self.said.setMinimumHeight(0)
        self.said.setMinimumHeight(max(0, self.said.heightForWidth(self.said.width())))

    def _say(self, pointed: Segment | None) -> None:
        self.said.setText(stretch(pointed) if pointed is not None else self._whole)
        said = (self._whole,) if pointed is None else (stretch(pointed), self._whole)
        self.band.setAccessibleDescription(" ".join(said))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._reserve()
        self._say(self.band.pointed_at)
