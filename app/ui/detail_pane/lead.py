"""What the lead card says: one sentence, its age, and the one thing to do next. Qt-free; the rules are the core's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.action import BUTTON_FOR, ActionName, Refusal
from app.core.actions import Actions
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.guidance import Recommendation, recommend
from app.domain.mentorado import Enrolment, ProviderKind
from app.ui.text import age, date_time, next_step, sentence, texts

_SAID_BY_THE_BUTTON = frozenset(
    {
        Recommendation.NOTHING,
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
class Lead:
    """Either *button* or *next_step* tells what to do; where there is neither, the sentence says to wait."""

    sentence: str
    next_step: str = ""
    caption: str
    button: ActionName | None
    second: ActionName | None = None
    refused: Refusal | None = None


def lead_of(enrolment: Enrolment, status: LinkStatus, actions: Actions, now: datetime) -> Lead:
    """The lead for *status*. An expired code has its button on the plate, where one looks for it."""
    since = date_time(status.since.astimezone(), now.astimezone().date())
    caption = texts("detail.since", time=since, age=age(now - status.since))
    if enrolment.mentorado.archived:
        return Lead(sentence=texts("detail.archived"), caption=caption, button=ActionName.BRING_BACK)
    if left := _left(status, now):
        caption = f"{left} · {caption}"
    recommended = recommend(status.state, status.reason)
    button = BUTTON_FOR[recommended]
    suspension_over = recommended is Recommendation.WAIT and status.state is LinkState.BLOCKED
    if suspension_over and actions.refusal(ActionName.CONNECT, enrolment.mentorado.id) is None:
        button = ActionName.CONNECT
    if status.state is LinkState.BLOCKED and status.reason is Reason.QR_EXPIRED:
        button = None
    step = "" if recommended in _SAID_BY_THE_BUTTON else next_step(recommended)
    second = SECOND.get(button) if button else None
    if status.state is LinkState.BLOCKED and status.reason is Reason.SESSION_HELD_ELSEWHERE:
        second = ActionName.OVERRULE_LOCK
    if button is ActionName.REJECT_ACCOUNT and enrolment.link.provider is ProviderKind.META_CLOUD:
        # No phone scanned anything: the credentials are those of another number.
        button, step = ActionName.ENTER_CREDENTIALS, texts("detail.decide_credentials")
    return Lead(
        sentence=sentence(status, enrolment, now),
        next_step=step,
        caption=caption,
        button=button,
        second=second,
        refused=actions.refusal(button, enrolment.mentorado.id) if button else None,
    )


def _left(status: LinkStatus, now: datetime) -> str:
    """How long a suspension or a restriction still lasts."""
    if status.until is None or status.until <= now:
        return ""
    minutes = -(-int((status.until - now).total_seconds()) // 60)
    if minutes >= 48 * 60:
        return texts.plural("detail.left_days", minutes // (24 * 60))
    if minutes >= 120:
        return texts.plural("detail.left_hours", minutes // 60)
    return texts.plural("detail.left_minutes", minutes)
