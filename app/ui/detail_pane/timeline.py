"""The last moves of a link in the words of its badge, and what people did about it, the latest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.domain.audit import AuditEntry
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.text import audit
from app.text.audit import OUTCOME_TONE
from app.text.signs import Tone, badge_icon, tone_of
from app.text.status import date_time, provider, state_badge, texts
from app.ui.detail_pane.switch_history import SwitchEvent, SwitchNote
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox, vbox

SHOWN = 12
_KEPT = 4 * SHOWN  # what is not shown may be again, when audit entries go

TimelineEvent = tuple[datetime, LinkStatus | SwitchNote | AuditEntry]

_NOTES = {
    SwitchEvent.BEGUN: (Tone.PROGRESS, "swap"),
    SwitchEvent.DONE: (Tone.CONNECTED, "swap"),
    SwitchEvent.TAKEN_BACK: (Tone.WAITING, "undo"),
    SwitchEvent.ROLLED_BACK: (Tone.WAITING, "undo"),
    SwitchEvent.RELEASED: (Tone.IDLE, "log-out"),
}

_DOT = 24
_ICON = 12


class _Dot(QWidget):
    """The mark of one event on the line that joins them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._tone, self._icon = Tone.IDLE, "clock"
        self._last = False
        theme.changed.connect(self._rescale)
        self._rescale()

    def show_dot(self, tone: Tone, icon_name: str, *, last: bool) -> None:
        self._tone, self._icon, self._last = tone, icon_name, last
        self.update()

    def _rescale(self) -> None:
        self.setFixedWidth(self._theme.px(_DOT))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        side, drawing = self.width(), self._theme.px(_ICON)
        tokens = self._theme.tokens
        colours = tokens.badge[self._tone]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._last:
            painter.setPen(QPen(QColor(tokens.border), 2))
            painter.drawLine(side // 2, side, side // 2, self.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bg))
        painter.drawEllipse(QRectF(0, 0, side, side))
        inset = (side - drawing) // 2
        icon(self._icon, colours.fg, drawing).paint(painter, inset, inset, drawing, drawing)
        painter.end()


class _Row(QWidget):
    """One event: what became of the link, why in a few words, and when."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._dot = _Dot(theme)
        self._what = text_label()
        self._why = text_label(role="caption")
        self._when = text_label(role="caption", wraps=False)
        words = vbox(self._what, self._why, margins=(0, SPACE_1 - 1, 0, SPACE_3), spacing=1)
        words.addStretch(1)
        layout = hbox(self._dot, (words, 1), inside=self, spacing=SPACE_2 + 2)
        self._when.setContentsMargins(0, SPACE_1 + 1, 0, 0)
        layout.addWidget(self._when, 0, Qt.AlignmentFlag.AlignTop)

    def show_event(self, event: LinkStatus | SwitchNote | AuditEntry, at: datetime, today: date, *, last: bool) -> None:
        when = date_time(at.astimezone(), today)
        if isinstance(event, SwitchNote):
            known = {"former": provider(event.source), "current": provider(event.target)}
            what, why = (texts(f"former.event.{event.event}.{part}", **known) for part in ("what", "why"))
            self._dot.show_dot(*_NOTES[event.event], last=last)
        elif isinstance(event, AuditEntry):
            record = event.record
            what, why = audit.action_label(record.action), audit.account(record)
            self._dot.show_dot(OUTCOME_TONE[record.outcome], audit.icon(record.action), last=last)
        else:
            what, why = state_badge(event), _why(event)
            self._dot.show_dot(tone_of(event), badge_icon(event), last=last)
        self._what.setText(what)
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self._when.setText(when)
        self.setAccessibleName(", ".join(filter(None, (what, why, when))))


class Timeline(QWidget):
    """Is given events in any order, some of them twice; shows each once."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._events: list[TimelineEvent] = []
        self._today = date.min
        self._shown: list[object] = [None] * SHOWN
        self._rows = [_Row(theme) for _ in range(SHOWN)]
        self._none = text_label(role="secondary")
        layout = vbox(self._none, inside=self)
        for row in self._rows:
            layout.addWidget(row)
        self.retranslate()

    @property
    def events(self) -> Sequence[TimelineEvent]:
        return tuple(self._events)

    def clear(self) -> None:
        self._events = []
        self.retranslate()

    def show_acts(self, entries: Iterable[AuditEntry], today: date) -> None:
        """Show these in place of the audit entries that were shown: the beginning of an act goes when its end comes."""
        self._events = [event for event in self._events if not isinstance(event[1], AuditEntry)]
        self.add([(entry.record.at, entry) for entry in entries], today)

    def add(self, events: Iterable[TimelineEvent], today: date) -> None:
        self._today = today
        known = {_key(event) for event in self._events}
        for event in events:
            if _key(event) not in known:
                known.add(_key(event))
                at, what = event
                # a code is not kept longer than it lives
                self._events.append((at, replace(what, qr=None) if isinstance(what, LinkStatus) else what))
        self._events.sort(key=lambda event: event[0], reverse=True)
        del self._events[_KEPT:]
        self._show_rows()

    def retranslate(self) -> None:
        self._none.setText(texts("detail.history_none"))
        self._shown = [None] * SHOWN
        self._show_rows()

    def _show_rows(self) -> None:
        """Update the rows that show something else now."""
        self._none.setVisible(not self._events)
        for position, row in enumerate(self._rows):
            there = position < len(self._events)
            row.setVisible(there)
            last = position == min(len(self._events), SHOWN) - 1
            shown = (*self._events[position], self._today, last) if there else None
            if shown is not None and shown != self._shown[position]:
                at, event = self._events[position]
                row.show_event(event, at, self._today, last=last)
            self._shown[position] = shown


def _key(event: TimelineEvent) -> tuple[object, ...]:
    at, what = event
    if isinstance(what, AuditEntry):
        return (what.number,)
    return (at, what.state, what.reason) if isinstance(what, LinkStatus) else event


def _why(status: LinkStatus) -> str:
    """The cause in the badge's short words; the badge of a blocked link has them already."""
    quiet = (Reason.NONE, Reason.WAITING_TURN, Reason.SIGNING_IN)
    if status.state is LinkState.BLOCKED or status.reason in quiet:
        return ""
    return texts(f"badge.blocked.{status.reason}")
