"""What the lead card says: one sentence, its age, and the one thing to do next. Qt-free; the rules are the core's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app.domain.actions import ActionName, UnavailableReason
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend_for
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.status import (
    action,
    age,
    date_time,
    is_limited,
    next_step,
    refusal,
    sentence,
    texts,
)
from app.ui.detail_pane.action_cards import show_override
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    TEXT_NAME,
    Theme,
)
from app.ui.widgets.action_menu import Availability
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import vbox

_ON_THE_BUTTON = frozenset(
    {
        Recommendation.NOTHING,
        Recommendation.SMOKE_TEST,
        Recommendation.WAIT,
        Recommendation.CONNECT,
        Recommendation.TRY_NOW,
        Recommendation.RECONNECT,
        Recommendation.SHOW_NEW_CODE,
        Recommendation.REAUTHENTICATE,
        Recommendation.CHECK_NOW,
        Recommendation.FIX_CREDENTIAL,
    }
)
"""Next steps that the button, or the sentence itself, already tells."""

SECOND = {ActionName.REJECT_ACCOUNT: ActionName.ACCEPT_ACCOUNT}
"""The other answer, where the recommended button is one of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationModel:
    """Either *button* or *next_step* tells what to do; where there is neither, the sentence says to wait."""

    sentence: str
    next_step: str = ""
    caption: str
    button: ActionName | None
    second: ActionName | None = None
    refused: UnavailableReason | None = None


def recommendation_for(
    mentorado: Mentorado, status: LinkStatus, availability: Availability, now: datetime, *, stopped: bool = False
) -> RecommendationModel:
    """The lead for *status*. An expired code has its button on the plate, where one looks for it, and sending that
    is *stopped* has its own card."""
    since = date_time(status.since.astimezone(), now.astimezone().date())
    caption = texts("detail.since", time=since, age=age(now - status.since))
    if availability[ActionName.BRING_BACK] is None:  # archived
        return RecommendationModel(sentence=texts("detail.archived"), caption=caption, button=ActionName.BRING_BACK)
    if left := _left(status, now):
        caption = f"{left} · {caption}"
    recommended = recommend_for(status)
    if stopped and recommended in (Recommendation.NOTHING, Recommendation.SMOKE_TEST):
        return RecommendationModel(sentence=texts("sentence.connected_stopped"), caption=caption, button=None)
    button = RECOMMENDED_ACTION[recommended]
    suspension_over = recommended is Recommendation.WAIT and status.state is LinkState.BLOCKED
    if suspension_over and availability[ActionName.CONNECT] is None:
        button = ActionName.CONNECT
    if status.state is LinkState.BLOCKED and status.reason is Reason.QR_EXPIRED:
        button = None
    step = "" if recommended in _ON_THE_BUTTON else next_step(recommended)
    second = SECOND.get(button) if button else None
    if status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE:
        second = ActionName.OVERRULE_LOCK
    if button is ActionName.REJECT_ACCOUNT and not DESCRIPTORS[mentorado.link.provider].pairs_by_code:
        # No phone scanned anything: the credentials are those of another number.
        button, step = ActionName.ENTER_CREDENTIALS, texts("detail.decide_credentials")
    return RecommendationModel(
        sentence=sentence(status, mentorado, now),
        next_step=step,
        caption=caption,
        button=button,
        second=second,
        refused=availability[button] if button else None,
    )


def _left(status: LinkStatus, now: datetime) -> str:
    """How long a suspension still lasts; how long a restriction does stands beside the state."""
    if status.until is None or status.until <= now or is_limited(status):
        return ""
    minutes = -(-int((status.until - now).total_seconds()) // 60)
    if minutes >= 48 * 60:
        return texts.plural("detail.left_days", minutes // (24 * 60))
    if minutes >= 120:
        return texts.plural("detail.left_hours", minutes // 60)
    return texts.plural("detail.left_minutes", minutes)


class RecommendationCard(QFrame):
    """Shows a `RecommendationModel` and emits which button was pressed."""

    action_requested = Signal(object)  # an ActionName

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._lead: RecommendationModel | None = None
        self._sentence = ScaledLabel(theme, TEXT_NAME)
        self._next, self._caption, self._why = (text_label() for _ in range(3))
        self._next.setProperty("role", "secondary")
        self._caption.setProperty("role", "caption")
        self._why.setProperty("role", "caption")
        self._button, self._second = QPushButton(), QPushButton()
        self._button.setProperty("role", "primary")
        self._button.clicked.connect(self._ask)
        self._second.clicked.connect(self._ask_second)
        self.override = QPushButton()
        self.override.setProperty("role", "link")
        self.override.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.override.clicked.connect(self._ask)

        layout = vbox(inside=self, margins=(SPACE_4, SPACE_4 - 2, SPACE_4, SPACE_4 - 2))
        self._next.setContentsMargins(0, SPACE_1, 0, 0)
        self._caption.setContentsMargins(0, SPACE_1 + 2, 0, 0)
        for label in (self._sentence, self._next, self._caption):
            layout.addWidget(label)
        self._choices = QWidget()
        choices = vbox(inside=self._choices, margins=(0, SPACE_3, 0, 0), spacing=SPACE_2)
        for choice in (self._button, self._second, self._why, self.override):
            choices.addWidget(choice)
        layout.addWidget(self._choices)

    @property
    def button(self) -> QPushButton:
        """The one recommended button; hidden when there is none."""
        return self._button

    def show_lead(self, lead: RecommendationModel, *, busy: bool) -> None:
        self._lead = lead
        for label, words in (
            (self._sentence, lead.sentence),
            (self._next, lead.next_step),
            (self._caption, lead.caption),
            (self._why, refusal(lead.refused) if lead.refused else ""),
        ):
            label.setText(words)
            label.setVisible(bool(words))
        for button, name in ((self._button, lead.button), (self._second, lead.second)):
            button.setVisible(name is not None)
            if name is not None:
                words, line = action(name)
                button.setText(words)
                button.setAccessibleName(words)
                button.setAccessibleDescription(line)
        self._button.setEnabled(lead.refused is None and not busy)
        self._second.setEnabled(not busy)
        self._choices.setVisible(lead.button is not None)
        locked = lead.refused is UnavailableReason.INCIDENT and lead.button is not None
        self.override.setVisible(locked)
        if locked and lead.button is not None:
            show_override(self.override, lead.button)
            self.override.setEnabled(not busy)
        self.setAccessibleName(lead.sentence)

    def _ask(self) -> None:
        if self._lead and self._lead.button:
            self.action_requested.emit(self._lead.button)

    def _ask_second(self) -> None:
        if self._lead and self._lead.second:
            self.action_requested.emit(self._lead.second)
