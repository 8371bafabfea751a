"""The parts of the pane, one below the other, told what is true of one mentorado."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.links.pairing import PairingCodeService
from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.names import initials
from app.domain.notifications import is_notable
from app.domain.phone import readable
from app.domain.procedure import Procedure, ProcedureState
from app.domain.repositories import Clock
from app.domain.set_aside import SetAsideCount
from app.text.procedure import mark
from app.text.send_state import send_state
from app.text.signs import Tone, badge_icon, tone_of
from app.text.status import (
    accepted_number,
    age,
    mentorado_badge,
    provider,
    texts,
)
from app.ui.detail_pane.action_cards import ActionCards
from app.ui.detail_pane.evidence import HealthCard, SetAsideLines, SupportDetails
from app.ui.detail_pane.inline_error import InlineError
from app.ui.detail_pane.pairing import CODE_LIVES, PairingPanel, Stage
from app.ui.detail_pane.pairing_outcome import PairingOutcomeCard
from app.ui.detail_pane.recommendation import RecommendationCard, recommendation_for
from app.ui.detail_pane.sending import SendingStopCard, SendLine
from app.ui.detail_pane.staff import HandlingLine, NotesSection
from app.ui.detail_pane.switching import SwitchCard
from app.ui.detail_pane.timeline import Timeline
from app.ui.detail_pane.uptime_chart import UptimeChart
from app.ui.detail_pane.view import MentoradoView
from app.ui.providers.number_section import NumberSection
from app.ui.snoozing import SnoozeLine
from app.ui.theme.icons import icon, paint_letter_circle
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6, TEXT_HEADING, TEXT_SMALL, Theme
from app.ui.widgets.accessibility import follow_reading_order
from app.ui.widgets.labels import Badge, ScaledLabel, WrappingLabel, breakable, text_label
from app.ui.widgets.layouts import FlowLayout, vbox

AVATAR_SIDE, _LARGEST_AVATAR = 52, 80
_HEADER_ICON = 18


class _Avatar(QWidget):
    """Initials in the person's own colours; the name beside it says who it is."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mentorado: Mentorado | None = None
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        """It grows with the text as long as it leaves the name its room."""
        side = min(self._theme.px(AVATAR_SIDE), _LARGEST_AVATAR)
        self.setFixedSize(side, side)
        self.update()

    def show_mentorado(self, mentorado: Mentorado) -> None:
        self._mentorado = mentorado
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._mentorado is None:
            return
        colours = self._theme.tokens.avatar(self._mentorado.id)
        painter = QPainter(self)
        font = self._theme.font(TEXT_HEADING, QFont.Weight.DemiBold)
        font.setPixelSize(min(font.pixelSize(), self.width() // 2 - 4))
        paint_letter_circle(painter, QRectF(self.rect()), colours, initials(self._mentorado.name), font)
        painter.end()


class ProfileHeader(QWidget):
    """Avatar, name, number, cohort, and what leads to their contacts' consents and edits them; *back_requested* where
    the pane is a drawer."""

    edit_requested = Signal()
    consents_requested = Signal()
    back_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._avatar = _Avatar(theme)
        self._name = ScaledLabel(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self._number, self._cohort = (text_label() for _ in range(2))
        self._number.setProperty("role", "secondary")
        self._number.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cohort.setProperty("role", "caption")
        self._mentorado: Mentorado | None = None
        self._accepted_by = ""
        self._accepted = WrappingLabel()
        self._accepted.setProperty("role", "secondary")
        self._accepted.hide()
        self._edit = self._icon_button()
        self._edit.clicked.connect(self.edit_requested)
        self._consents = self._icon_button()
        self._consents.clicked.connect(self.consents_requested)
        self._back = self._icon_button()
        self._back.clicked.connect(self.back_requested)
        self._back.hide()

        words = vbox(spacing=SPACE_1 // 2)
        words.addStretch(1)
        for label in (self._name, self._number, self._cohort):
            words.addWidget(label)
        words.addStretch(1)
        column = vbox(inside=self, spacing=SPACE_2)
        layout = QHBoxLayout()
        column.addLayout(layout)
        column.addWidget(self._accepted)  # as wide as the pane: between the buttons there is no room for a sentence
        layout.setSpacing(SPACE_3)
        layout.addWidget(self._back, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._avatar, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        self._buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._buttons.setSpacing(SPACE_1)
        for button in (self._consents, self._edit):
            self._buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._buttons.addStretch(1)
        layout.addLayout(self._buttons)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def show_mentorado(self, mentorado: Mentorado) -> None:
        self._avatar.show_mentorado(mentorado)
        self._name.setText(breakable(mentorado.name, 12))  # the largest text, between buttons
        self._number.setText(readable(mentorado.phone))
        self._cohort.setText(mentorado.cohort)
        self._cohort.setVisible(bool(mentorado.cohort))
        self._mentorado = mentorado
        self._show_accepted()

    def show_accepted_by(self, who: str) -> None:
        """Who accepted that another number signs in; empty while that is not known."""
        self._accepted_by = who
        self._show_accepted()

    def _show_accepted(self) -> None:
        account = self._mentorado.link.accepted_account if self._mentorado else None
        self._accepted.setText(accepted_number(account, self._accepted_by) if account else "")
        self._accepted.setVisible(account is not None)

    def set_back_visible(self, visible: bool) -> None:
        """With a way back there is no room for two buttons beside each other."""
        self._back.setVisible(visible)
        self._buttons.setDirection(QBoxLayout.Direction.TopToBottom if visible else QBoxLayout.Direction.LeftToRight)
        self._buttons.setSpacing(0 if visible else SPACE_1)

    def retranslate(self) -> None:
        colour = self._theme.tokens.text2
        for button, name, words in (
            (self._consents, "user-check", "detail.consents"),
            (self._edit, "edit", "detail.edit"),
            (self._back, "arrow-left", "detail.back"),
        ):
            button.setIcon(icon(name, colour, self._theme.px(_HEADER_ICON)))
            button.setToolTip(texts(words))
            button.setAccessibleName(texts(words))
        self._show_accepted()

    def _icon_button(self) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", "quiet")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button


class StatusLine(QWidget):
    """Folds by itself, so that neither the badge nor the words are cut."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._badge = Badge(theme)
        self._observed = text_label(role="secondary")
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_2 + 2)
        self._layout.addWidget(self._badge)
        self._layout.addWidget(self._observed, 1)
        theme.changed.connect(self._fold)

    def show_state(self, tone: Tone, icon_name: str, word: str) -> None:
        self._badge.show_badge(tone, icon_name, word)
        self._fold()

    def show_observed(self, observed: str) -> None:
        """Show the source of the status, and its age."""
        if observed != self._observed.text():
            self._observed.setText(observed)
            self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        words = self._observed.fontMetrics().horizontalAdvance(self._observed.text())
        beside = self._badge.sizeHint().width() + SPACE_2 + 2 + words <= self.width()
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if direction is not self._layout.direction():
            self._layout.setDirection(direction)
            self._layout.setSpacing(SPACE_2 + 2 if beside else SPACE_1)


class ProcedureBanner(QFrame):
    """One sentence, *see* to look at it, and *continue* where it only waits for that word."""

    see_requested = Signal()
    continue_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self._words = text_label(role="banner")
        self.go_on, self.see = QPushButton(), QPushButton()
        self.go_on.clicked.connect(lambda _checked=False: self.continue_requested.emit())
        self.see.clicked.connect(lambda _checked=False: self.see_requested.emit())
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=SPACE_2)
        row.addWidget(self.go_on)
        row.addWidget(self.see)
        vbox(self._words, buttons, inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_2)
        self.hide()

    def show_procedure(self, procedure: Procedure | None, *, busy: bool) -> None:
        """None where there is none."""
        self.setVisible(procedure is not None)
        if procedure is None:
            return
        self._words.setText(mark(procedure))
        self.setAccessibleName(self._words.text())
        self.go_on.setVisible(procedure.state is ProcedureState.PAUSED)
        self.go_on.setEnabled(not busy)
        for button, key in ((self.go_on, "procedure.continue"), (self.see, "procedure.see")):
            button.setText(texts(key))
            button.setAccessibleName(texts(key))
            button.setAccessibleDescription(self._words.text())


class SummaryView(QWidget):
    """Everything under the scroll bar. Of each view that it is given it updates the parts that differ."""

    action_requested = Signal(object)  # an ActionName

    def __init__(self, theme: Theme, clock: Clock, phone_codes: PairingCodeService) -> None:
        super().__init__()
        self._clock = clock
        self._view: MentoradoView | None = None
        self.code_lives = False
        self._last: dict[str, tuple[object, ...]] = {}  # what each part shows
        self._layout, self._is_compact, self._bar_width = QVBoxLayout(self), False, 0
        self.head = QWidget()
        """Who this is and how the link stands; whatever the pane shows below it, it may be lent to that."""
        self._head = QVBoxLayout(self.head)
        self.who = ProfileHeader(theme)
        self.state = StatusLine(theme)
        self.lead = RecommendationCard(theme)
        self.snooze = SnoozeLine(theme, clock)
        self.outcome = PairingOutcomeCard(theme)
        self.handling = HandlingLine(theme)
        self.trouble = InlineError(theme)
        self.pairing = PairingPanel(theme, clock, phone_codes=phone_codes)
        self.evidence = HealthCard(theme)
        self.mark = ProcedureBanner()
        self.send_line = SendLine(theme)
        self.stop = SendingStopCard()
        self.switch = SwitchCard(theme)
        self.action_cards = ActionCards(theme)
        self.picture = UptimeChart(theme)
        self.timeline = Timeline(theme)
        self.details = SupportDetails(theme)
        self.set_aside = SetAsideLines()
        self.number: NumberSection | None = None
        self.notes: NotesSection | None = None
        self._headings = {
            name: ScaledLabel(theme, TEXT_SMALL, QFont.Weight.DemiBold) for name in ("actions", "history", "details")
        }
        self._arrange()

        for part in (self.lead, self.handling):
            part.action_requested.connect(self.action_requested)
        self.pairing.cancel_requested.connect(lambda: self.action_requested.emit(ActionName.CANCEL))
        self.pairing.new_code_requested.connect(lambda: self.action_requested.emit(ActionName.NEW_CODE))
        self.action_cards.action_requested.connect(self.action_requested)
        self.switch.action_requested.connect(self.action_requested)
        self.stop.release_requested.connect(lambda: self.action_requested.emit(ActionName.RELEASE_SENDING))

    def show_view(self, view: MentoradoView) -> None:
        """Update the parts that *view* changes."""
        self._view = view
        mentorado, status, busy = view.mentorado, view.status, view.busy
        accepted = mentorado.link.accepted_account
        if self._differs("who", mentorado.id, mentorado.name, mentorado.phone, mentorado.cohort, accepted):
            self.who.show_mentorado(mentorado)
        if self._differs("stop", view.stop, busy and view.stop is not None):
            self.stop.show_stop(view.stop, self._clock.now(), busy=busy)
        self._show_staff(view)
        if self._differs("procedure", procedure := view.procedure and view.procedure_as_it_stands, busy):
            self.mark.show_procedure(procedure, busy=busy)
        if self._differs("switch", *_shown_of_switch(view)):
            self.switch.show_switch(view, self._clock.now())
        renewable = view.availability[ActionName.NEW_CODE] is None
        if self._differs("pairing", mentorado, status.state, status.reason, status.qr, view.turn, renewable):
            self._show_pairing(view, renewable=renewable)
        self._show_state(view)
        stage, offered = self._show_ages(view, self._clock.now())
        elsewhere = stage not in (Stage.NONE, Stage.EXPIRED)  # under the code
        if self._differs("actions", view.availability, busy, elsewhere, offered):
            self.action_cards.show_actions(view.availability, busy=busy, cancellable=not elsewhere, offered=offered)
        if self._differs("details", mentorado.link, status.state, status.reason, status.detail, status.since):
            self.details.show_details(mentorado.link, status)
        if self.number is not None and self._differs("number", mentorado):
            self.number.show_mentorado(mentorado)
        offers_test = offered is ActionName.SMOKE_TEST
        if self._differs("outcome", view.outcome, view.outcome and (busy, offers_test)):
            self.outcome.show_outcome(view.outcome, mentorado, busy=busy, offers_test=not offers_test)
        settled = status.state in (LinkState.BLOCKED, LinkState.CONNECTED) and status.reason is not Reason.NONE
        notable = settled and is_notable(status)
        if self._differs("snooze", view.snooze, notable):
            self.snooze.show_snooze(view.snooze, notable=notable)
        if self._differs("trouble", view.trouble):
            self.trouble.show_trouble(*view.trouble) if view.trouble else self.trouble.hide()

    def _show_staff(self, view: MentoradoView) -> None:
        """Who is on it, and what staff wrote."""
        now, why_not = self._clock.now(), view.availability[ActionName.HANDLE]
        self.handling.wanted = view.handling is not None or why_not is None
        shown = (view.handling, why_not, view.busy, now.astimezone().date())
        if self.handling.wanted and self._differs("handling", *shown):
            self.handling.show_handling(view.handling, why_not, now, busy=view.busy)
        if self.notes is not None and self._differs("notes", view.mentorado.id):
            self.notes.show_mentorado(view.mentorado.id)

    def show_ages(self, now: datetime) -> None:
        """Time has passed, and nothing else has changed."""
        if self._view is not None:
            self._show_ages(self._view, now)

    def forget(self) -> None:
        """Update every part with the next view: they look or read differently now."""
        self._last.clear()

    def _show_ages(self, view: MentoradoView, now: datetime) -> tuple[Stage, ActionName | None]:
        mentorado, status, stage = view.mentorado, view.status, self.pairing.stage
        seen = status.evidence.last_observation or status.since
        self.state.show_observed(
            texts("detail.observed", provider=provider(mentorado.link.provider), age=age(now - seen))
        )
        if self._differs("sending", sending := send_state(status, view.stop, now)):
            self.send_line.show_state(sending)
        self.pairing.setVisible(stage is not Stage.NONE)
        self.code_lives = stage in CODE_LIVES  # it is what is looked at then, and says itself what to do with it
        self.lead.setVisible(not self.code_lives)
        self._compact(self.code_lives)
        self.handling.setVisible(self.handling.wanted and not self.code_lives)
        offered = None if self.code_lives else self._show_lead(view, now)
        self.evidence.setVisible(stage is Stage.NONE and self.evidence.show_evidence(status, now))
        if stage is Stage.LAPSED:
            self.pairing.count_down()
        self.picture.show_live(status, mentorado.created_at, now)
        if self.number is not None and not self.number.isHidden():
            self.number.show_age()
        return stage, offered

    def _show_lead(self, view: MentoradoView, now: datetime) -> ActionName | None:
        lead = recommendation_for(view.mentorado, view.status, view.availability, now, stopped=view.stop is not None)
        if self._differs("lead", lead, view.busy):
            self.lead.show_lead(lead, busy=view.busy)
        return lead.button

    def _differs(self, part: str, *shown: object) -> bool:
        """Whether *part* shows something else than *shown* until now."""
        if self._last.get(part) == shown:
            return False
        self._last[part] = shown
        return True

    def add_number(self, section: NumberSection) -> None:
        """What providers tell of a number stands between what can be done and what happened."""
        self.number = section
        self._room_for_number.addWidget(section)
        section.retranslate()

    def add_notes(self, section: NotesSection) -> None:
        """What staff wrote stands below what can be done."""
        self.notes = section
        self._room_for_notes.addWidget(section)
        follow_reading_order(self._layout)

    def make_room_for_bar(self, width: int) -> None:
        """The scroll bar, *width* wide or 0, stands in the right margin, so that nothing moves when it appears."""
        self._bar_width = width
        above = SPACE_4 if self._is_compact else SPACE_6
        self._layout.setContentsMargins(SPACE_6, above, max(SPACE_2, SPACE_6 - width), SPACE_6)

    def _compact(self, wanted: bool) -> None:
        """Stand closer together, so that a code has its buttons in view in a low window, too."""
        if wanted is self._is_compact:
            return
        self._is_compact = wanted
        self._layout.setSpacing(SPACE_3 if wanted else SPACE_4)
        self._head.setSpacing(SPACE_2 if wanted else SPACE_4)
        self.make_room_for_bar(self._bar_width)

    def take_head(self) -> None:
        """Have the head here again."""
        self._layout.insertWidget(0, self.head)

    def show_set_aside(self, counts: Sequence[SetAsideCount]) -> None:
        self.set_aside.show_counts(counts, self._clock.now().astimezone().date())

    def retranslate(self) -> None:
        self.forget()
        for name, heading in self._headings.items():
            heading.setText(texts(f"detail.{name}"))
        for part in (self.who, self.trouble, self.pairing, self.evidence, self.action_cards):
            part.retranslate()
        for below in (self.picture, self.timeline, self.details, self.set_aside):
            below.retranslate()
        for section in (self.number, self.notes):
            if section is not None:
                section.retranslate()

    def _show_state(self, view: MentoradoView) -> None:
        word = mentorado_badge(view.mentorado, view.status, stopped=view.stop is not None)
        if self._differs("state", *(shown := (tone_of(view.status), badge_icon(view.status), word))):
            self.state.show_state(*shown)

    def _show_pairing(self, view: MentoradoView, *, renewable: bool) -> None:
        mentorado, status = view.mentorado, view.status
        if (status.state, status.reason) == (LinkState.BLOCKED, Reason.QR_EXPIRED):
            self.pairing.show_expired(mentorado.expected_account, renewable=renewable)
        else:
            self.pairing.show_status(mentorado, status, view.turn)

    def _arrange(self) -> None:
        layout, head = self._layout, self._head
        self.make_room_for_bar(0)
        layout.setSpacing(SPACE_4)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(SPACE_4)
        head.addWidget(self.who)
        head.addWidget(self.state)
        head.addWidget(self.send_line)
        self.take_head()
        for part in (
            self.mark,
            self.stop,
            self.switch,
            self.outcome,
            self.lead,
            self.handling,
            self.snooze,
            self.trouble,
            self.pairing,
            self.evidence,
        ):
            layout.addWidget(part)
        layout.addLayout(_section(self._headings["actions"], [self.action_cards], SPACE_2 + 2))
        self._room_for_notes, self._room_for_number = QVBoxLayout(), QVBoxLayout()
        layout.addLayout(self._room_for_notes)
        layout.addLayout(self._room_for_number)
        layout.addLayout(_section(self._headings["history"], [self.picture, self.timeline], SPACE_3))
        layout.addLayout(_section(self._headings["details"], [self.details, self.set_aside], SPACE_2))
        layout.addStretch(1)


def _shown_of_switch(view: MentoradoView) -> tuple[object, ...]:
    if view.switch is None:
        return ()
    return view.switch, view.procedure, view.busy, view.availability[ActionName.ROLL_BACK]


def _section(heading: QLabel, parts: Iterable[QWidget], spacing: int) -> QVBoxLayout:
    column = vbox(heading, margins=(0, SPACE_2, 0, 0), spacing=spacing)
    for part in parts:
        column.addWidget(part)
    return column
