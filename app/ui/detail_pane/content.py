"""The parts of the pane, one below the other, told what is true of one mentorado."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.links.phone_codes import PhoneCodes
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock
from app.domain.procedure import Procedure
from app.domain.set_aside import SetAsideCount
from app.ui.detail_pane.action_cards import ActionCards
from app.ui.detail_pane.details import Details, SetAsideLines
from app.ui.detail_pane.evidence import EvidenceCard
from app.ui.detail_pane.lead import lead_of
from app.ui.detail_pane.lead_card import LeadCard
from app.ui.detail_pane.pairing_panel import PairingPanel, Stage
from app.ui.detail_pane.procedure_mark import ProcedureMark
from app.ui.detail_pane.state_line import StateLine
from app.ui.detail_pane.timeline import Timeline
from app.ui.detail_pane.timeline_picture import TimelinePicture
from app.ui.detail_pane.trouble import Trouble
from app.ui.detail_pane.who import Who
from app.ui.providers.number_section import NumberSection
from app.ui.text import age, provider, state_badge, texts
from app.ui.theme import SPACE_2, SPACE_3, SPACE_4, SPACE_6, TEXT_SMALL, Theme, badge_icon, tone_of
from app.ui.words import Words


class PaneContent(QWidget):
    """Everything under the scroll bar. Holds no truth of its own: it is told again whenever something changes."""

    asked_for = Signal(object)  # an ActionName

    def __init__(self, theme: Theme, clock: Clock, phone_codes: PhoneCodes) -> None:
        super().__init__()
        self._clock = clock
        self.head = QWidget()
        """Who this is and how the link stands; whatever the pane shows below it, it may be lent to that."""
        self.who = Who(theme)
        self.state = StateLine(theme)
        self.lead = LeadCard(theme)
        self.trouble = Trouble(theme)
        self.pairing = PairingPanel(theme, clock, phone_codes=phone_codes)
        self.evidence = EvidenceCard(theme)
        self.mark = ProcedureMark()
        self.action_cards = ActionCards(theme)
        self.picture = TimelinePicture(theme)
        self.timeline = Timeline(theme)
        self.details = Details(theme)
        self.set_aside = SetAsideLines()
        self.number: NumberSection | None = None
        self._headings = {
            name: Words(theme, TEXT_SMALL, QFont.Weight.DemiBold) for name in ("actions", "history", "details")
        }
        self._arrange()

        self.lead.asked_for.connect(self.asked_for)
        self.pairing.cancel_requested.connect(lambda: self.asked_for.emit(ActionName.CANCEL))
        self.pairing.new_code_requested.connect(lambda: self.asked_for.emit(ActionName.NEW_CODE))
        self.action_cards.asked_for.connect(self.asked_for)

    def show_enrolment(
        self,
        enrolment: Enrolment,
        status: LinkStatus,
        actions: Actions,
        procedure: Procedure | None,
        *,
        busy: bool,
        turn: tuple[str, int],
    ) -> None:
        now = self._clock.now()
        self.who.show_mentorado(enrolment.mentorado)
        seen = status.evidence.last_observation or status.since
        observed = texts("detail.observed", provider=provider(enrolment.link.provider), age=age(now - seen))
        self.state.show_state(tone_of(status), badge_icon(status), state_badge(status), observed)
        lead = lead_of(enrolment, status, actions, now)
        self.lead.show_lead(lead, busy=busy)
        self._show_pairing(enrolment, status, actions, turn)
        anything = self.evidence.show_evidence(status, now)
        self.evidence.setVisible(anything and self.pairing.stage is Stage.NONE)
        self.mark.show_procedure(procedure, busy=busy)
        under_the_code = self.pairing.stage not in (Stage.NONE, Stage.EXPIRED)
        self.action_cards.show_actions(
            enrolment, actions, busy=busy, cancellable=not under_the_code, offered=lead.button
        )
        self.picture.show_live(status, enrolment.mentorado.created_at, now)
        self.details.show_details(enrolment.link, status)
        if self.number is not None:
            self.number.show_enrolment(enrolment)

    def add_number(self, section: NumberSection) -> None:
        """What providers tell of a number stands between what can be done and what happened."""
        self.number = section
        self._room_for_number.addWidget(section)
        section.retranslate()

    def make_room_for_bar(self, width: int) -> None:
        """The scroll bar, *width* wide or 0, stands in the right margin, so that nothing moves when it appears."""
        self._layout.setContentsMargins(SPACE_6, SPACE_6, max(SPACE_2, SPACE_6 - width), SPACE_6)

    def take_head(self) -> None:
        """Have the head here again."""
        self._layout.insertWidget(0, self.head)

    def show_trouble(self, words: tuple[str, str] | None) -> None:
        if words is None:
            self.trouble.hide()
        else:
            self.trouble.show_trouble(*words)

    def show_events(self, events: Iterable[tuple[datetime, LinkStatus]]) -> None:
        self.timeline.add(events, self._clock.now().astimezone().date())

    def show_set_aside(self, counts: Sequence[SetAsideCount]) -> None:
        self.set_aside.show_counts(counts, self._clock.now().astimezone().date())

    def retranslate(self) -> None:
        for name, heading in self._headings.items():
            heading.setText(texts(f"detail.{name}"))
        for part in (self.who, self.trouble, self.pairing, self.evidence, self.action_cards):
            part.retranslate()
        for below in (self.picture, self.timeline, self.details, self.set_aside):
            below.retranslate()
        if self.number is not None:
            self.number.retranslate()

    def _show_pairing(self, enrolment: Enrolment, status: LinkStatus, actions: Actions, turn: tuple[str, int]) -> None:
        if (status.state, status.reason) == (LinkState.BLOCKED, Reason.QR_EXPIRED):
            renewable = actions.refusal(ActionName.NEW_CODE, enrolment.mentorado.id) is None
            self.pairing.show_expired(enrolment.expected_account, renewable=renewable)
        else:
            self.pairing.show_status(enrolment, status, turn)
        self.pairing.setVisible(self.pairing.stage is not Stage.NONE)

    def _arrange(self) -> None:
        self._layout = layout = QVBoxLayout(self)
        self.make_room_for_bar(0)
        layout.setSpacing(SPACE_4)
        head = QVBoxLayout(self.head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(SPACE_4)
        head.addWidget(self.who)
        head.addWidget(self.state)
        self.take_head()
        for part in (self.mark, self.lead, self.trouble, self.pairing, self.evidence):
            layout.addWidget(part)
        layout.addLayout(_section(self._headings["actions"], [self.action_cards], SPACE_2 + 2))
        self._room_for_number = QVBoxLayout()
        layout.addLayout(self._room_for_number)
        layout.addLayout(_section(self._headings["history"], [self.picture, self.timeline], SPACE_3))
        layout.addLayout(_section(self._headings["details"], [self.details, self.set_aside], SPACE_2))
        layout.addStretch(1)


def _section(heading: QLabel, parts: Iterable[QWidget], spacing: int) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(0, SPACE_2, 0, 0)
    column.setSpacing(spacing)
    column.addWidget(heading)
    for part in parts:
        column.addWidget(part)
    return column
