"""The card of an incident: since when, what was checked, what follows by itself, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFont, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.incident import CheckResult, Incident
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import MentoradoId
from app.domain.repositories import Clock
from app.text import incident as incident_text
from app.text.incident import CheckMark
from app.text.signs import Tone
from app.text.status import texts
from app.ui.banners import BannerFrame, Banners
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

REPORT_MILLISECONDS = 30_000
TICK_MILLISECONDS = 1000
_ICON, _MARK = 18, 14
_SIGN: Final = {CheckMark.GOOD: "check", CheckMark.BAD: "x"}
_TONE: Final = {CheckMark.GOOD: Tone.CONNECTED, CheckMark.BAD: Tone.ERROR}
_SETTLED = frozenset({LinkState.CONNECTED, LinkState.OFF})


class _CheckLine(QWidget):
    """A mark and what the check found. The mark is also in the name: it is never colour alone."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mark = QLabel(textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._mark.setProperty("role", "banner")
        self.words = text_label(role="banner")
        row = hbox(inside=self, spacing=t.SPACE_2)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)

    def show_check(self, mark: CheckMark, words: str) -> None:
        size = self._theme.px(_MARK)
        self._mark.setFixedWidth(size)
        if mark is CheckMark.UNKNOWN:
            self._mark.setText("?")
        else:
            colour = self._theme.tokens.badge[_TONE[mark]].fg
            self._mark.setPixmap(pixmap(_SIGN[mark], colour, size, self.devicePixelRatioF()))
        self.words.setText(words)
        self.words.setAccessibleName(texts(f"incident.mark.{mark}", check=words))


class IncidentCard(BannerFrame):
    """It cannot be put aside while the incident lasts. Its buttons are about who is still down."""

    def __init__(
        self,
        theme: Theme,
        clock: Clock,
        status_of: Callable[[MentoradoId], LinkStatus],
        show: Callable[[Sequence[MentoradoId]], object],
        try_all: Callable[[Sequence[MentoradoId]], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._clock = clock
        self._status_of = status_of
        self._incident: Incident | None = None
        self.setProperty("role", "banner")
        self._sign = text_label(wraps=False)
        self._title = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold)
        self._title.setProperty("role", "banner")
        self._advice, self._checking, self._next = (
            QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True) for _ in range(3)
        )
        self._lines = [_CheckLine(theme) for _ in range(3)]
        self._show, self._try = QPushButton(), QPushButton()
        self._show.clicked.connect(lambda _checked=False: show(self.still_down()))
        self._try.clicked.connect(lambda _checked=False: try_all(self._coming()))
        words = vbox(self._title, spacing=t.SPACE_1)
        for label in (self._advice, self._checking, self._next):
            label.setProperty("role", "banner")
        words.addWidget(self._advice)
        words.addWidget(self._checking)
        for line in self._lines:
            words.addWidget(line)
        words.addWidget(self._next)
        buttons = QWidget()
        flow = FlowLayout(buttons, spacing=t.SPACE_2)
        flow.addWidget(self._show)
        flow.addWidget(self._try)
        words.addSpacing(t.SPACE_1)
        words.addWidget(buttons)
        row = hbox(inside=self, margins=(t.SPACE_3, t.SPACE_3, t.SPACE_3, t.SPACE_3), spacing=t.SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self._tick = QTimer(self, interval=TICK_MILLISECONDS)
        self._tick.timeout.connect(self._show_course)
        self._tick.start()

    def show_incident(self, incident: Incident) -> None:
        self._incident = incident
        self.retranslate()

    def still_down(self) -> list[MentoradoId]:
        """Who fell and is not back."""
        affected = self._incident.affected if self._incident else ()
        return [each for each in affected if self._status_of(each).state not in _SETTLED]

    def retranslate(self) -> None:
        incident, tokens = self._incident, self._theme.tokens
        if incident is None:
            return
        size = self._theme.px(_ICON)
        colour = tokens.badge[Tone.WAITING].fg
        self._sign.setPixmap(pixmap("triangle-alert", colour, size, self.devicePixelRatioF()))
        self._title.setText(incident_text.headline(incident, self._clock.now()))
        self._advice.setText(incident_text.advice(incident))
        found = incident_text.checks(incident)
        self._checking.setText(incident_text.checking(incident))
        self._checking.setVisible(not found)
        for place, line in enumerate(self._lines):
            line.setVisible(place < len(found))
            if place < len(found):
                line.show_check(*found[place])
        self.setAccessibleName(incident_text.incident(incident, self._clock.now()))
        self._show_course()

    def _show_course(self) -> None:
        """What changes by itself: when the next attempt is, and how many are still down."""
        incident = self._incident
        if incident is None:
            return
        down = self.still_down()
        attempt = incident_text.next_attempt((self._status_of(each) for each in down), self._clock.now())
        self._next.setText(attempt)
        self._next.setVisible(bool(attempt))
        reached = any(each.found is CheckResult.NETWORK_GOOD for each in incident.findings)
        self._show.setVisible(bool(down))
        self._try.setVisible(reached and bool(self._coming()))
        for button, words in (
            (self._show, texts.plural("incident.show", len(down))),
            (self._try, texts("incident.try_all")),
        ):
            button.setText(words)
            button.setAccessibleName(words)

    def _coming(self) -> list[MentoradoId]:
        """Who would be tried again by itself, only later."""
        return [each for each in self.still_down() if self._status_of(each).state is LinkState.RECONNECTING]


class IncidentBanner:
    """One card per provider, and a report once its incident is over."""

    def __init__(self, banners: Banners, make_card: Callable[[], IncidentCard]) -> None:
        self._banners = banners
        self._make_card = make_card
        self._cards: dict[str, IncidentCard] = {}

    def on_lasting(self, event: IncidentBegan | IncidentChanged) -> None:
        incident, cause = event.incident, _cause(event.incident)
        self._banners.clear(_report(incident))
        if cause not in self._cards:
            self._cards[cause] = self._make_card()
            self._banners.show_banner(self._cards[cause], cause)
        card = self._cards[cause]
        before = card.accessibleName()
        card.show_incident(incident)
        self._banners.fit()
        if card.accessibleName() != before:
            announce(self._banners, card.accessibleName())

    def on_ended(self, event: IncidentEnded) -> None:
        cause = _report(event.incident)
        self._cards.pop(_cause(event.incident), None)
        self._banners.clear(_cause(event.incident))
        self._banners.show_words(lambda: incident_text.incident_over(event), cause=cause, good=not event.away)
        if not event.away:  # nothing is left to be done
            QTimer.singleShot(REPORT_MILLISECONDS, self._banners, lambda: self._banners.clear(cause))


def _cause(incident: Incident) -> str:
    return f"incident of {incident.provider}"


def _report(incident: Incident) -> str:
    return f"report on {_cause(incident)}"
