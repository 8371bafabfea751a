"""Campaigns in words: their state, how far they are, and what their links wait for. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_UP, Decimal
from types import MappingProxyType
from typing import Final

from app.domain.campaign import Campaign, CampaignDraft, CampaignState, PauseReason, Price, Recipient, RecipientState
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.outbound import WAITS, Hold, HoldReason
from app.domain.phone import PhoneNumber, readable
from app.domain.sending import SendErrorKind
from app.text import outbound as outbound_text
from app.text.signs import Tone
from app.text.status import date_time, texts
from app.text.uptime import length

LOOKS: Final[Mapping[CampaignState, tuple[Tone, str]]] = MappingProxyType(
    {
        CampaignState.RUNNING: (Tone.PROGRESS, "send"),
        CampaignState.PAUSED: (Tone.WAITING, "clock"),
        CampaignState.STOPPED: (Tone.IDLE, "x-circle"),
        CampaignState.FINISHED: (Tone.CONNECTED, "check-circle"),
    }
)

ORDER: Final = (RecipientState.ACCEPTED, RecipientState.WAITING, RecipientState.NOT_SENT, RecipientState.UNCERTAIN)


def look(campaign: Campaign) -> tuple[Tone, str]:
    """The tone and the icon of its badge."""
    if campaign.pause_reason is PauseReason.FAILURES:
        return Tone.ERROR, "triangle-alert"
    return LOOKS[campaign.state]


def state(campaign: Campaign) -> str:
    return texts(f"campaign.state.{campaign.state}")


def sentence(campaign: Campaign) -> str:
    """What its state means, and why it is paused."""
    return texts(f"campaign.sentence.{campaign.pause_reason or campaign.state}")


def count_key(campaign: Campaign, counted: RecipientState) -> str:
    """Whoever waits in a campaign that was stopped is left out for good."""
    return "left" if counted is RecipientState.WAITING and campaign.state is CampaignState.STOPPED else counted.value


def counts(campaign: Campaign) -> list[tuple[RecipientState, str, int]]:
    """How many recipients are in each state, with its name."""
    return [
        (each, texts(f"campaign.count.{count_key(campaign, each)}"), campaign.counts.get(each, 0)) for each in ORDER
    ]


def progress(campaign: Campaign) -> str:
    """How far it is, on one line; what there is none of is not named."""
    accepted = campaign.counts.get(RecipientState.ACCEPTED, 0)
    parts = [texts("campaign.progress", accepted=accepted, total=campaign.total)]
    for each in (RecipientState.WAITING, RecipientState.NOT_SENT, RecipientState.UNCERTAIN):
        if count := campaign.counts.get(each, 0):
            parts.append(texts.plural(f"campaign.short.{count_key(campaign, each)}", count))
    return " · ".join(parts)


def approved(campaign: Campaign, now: datetime) -> str:
    """Who approved it and when, and when it ended."""
    today = now.astimezone().date()
    at = date_time(campaign.approved_at.astimezone(), today)
    parts = [
        cohort(campaign.draft.cohort),
        texts("campaign.approved", when=at, who=campaign.approved_by),
    ]
    if campaign.ended_at is not None:
        parts.append(texts("campaign.ended", when=date_time(campaign.ended_at.astimezone(), today)))
    return " · ".join(parts)


def cohort(name: str) -> str:
    return name or texts("campaign.no_cohort")


def content(draft: CampaignDraft) -> str:
    """The text, the template, or both, as they were written."""
    parts = [draft.text.strip()] if draft.text.strip() else []
    if draft.template is not None:
        named = texts("campaign.template_named", name=draft.template.name, language=draft.template.language)
        parts.append("\n".join((named, *draft.template.parameters)))
    return "\n\n".join(parts)


def wait(held: Hold, now: datetime) -> str:
    """What a link waits for, and in how long it goes on."""
    sentence_, step = outbound_text.hold(held, now)
    lines = [sentence_] if held.reason in WAITS else [sentence_, step]
    return " ".join((*lines, _goes_on(held, now)))


def waits_line(holds: Mapping[MentoradoId, Hold], now: datetime) -> str:
    """How many links wait and when the first goes on; empty when none does."""
    if not holds:
        return ""
    waiting = texts.plural("campaign.waiting", len(holds))
    timed = [held for held in holds.values() if held.until is not None]
    first = min(timed, key=lambda held: held.until or now) if timed else next(iter(holds.values()))
    return f"{waiting}. {_goes_on(first, now)}"


def _goes_on(held: Hold, now: datetime) -> str:
    if held.until is None:
        return texts("campaign.wait_retry")
    if held.until <= now:
        return texts("campaign.wait_now")
    return texts("campaign.wait_in", time=length(held.until - now))


def excluded(reason: HoldReason, now: datetime) -> tuple[str, str]:
    """Why a contact gets nothing from a campaign, and what can be done."""
    if texts.has(f"campaign.excluded.{reason}.sentence"):
        return texts(f"campaign.excluded.{reason}.sentence"), texts(f"campaign.excluded.{reason}.next")
    return outbound_text.hold(Hold(reason), now)


def recipient_state(recipient: Recipient, campaign: Campaign, now: datetime) -> str:
    """What became of it, in a few words."""
    when = "" if recipient.at is None else date_time(recipient.at.astimezone(), now.astimezone().date())
    return texts(f"campaign.people.state.{count_key(campaign, recipient.state)}", when=when)


def recipient_reason(recipient: Recipient, now: datetime) -> tuple[str, str]:
    """Why they did not get it, and the next step; both empty where nothing is to be explained."""
    if recipient.state is RecipientState.UNCERTAIN:
        return texts("campaign.people.uncertain"), ""
    reason = recipient.reason
    if reason in {*SendErrorKind} and (recipient.code or reason not in {*HoldReason}):
        return outbound_text.send_error(SendErrorKind(reason))
    return excluded(HoldReason(reason), now) if reason in {*HoldReason} else ("", "")


def contact(address: Address) -> str:
    """The number, where it is known."""
    if not address.value:
        return texts("campaign.people.erased")
    if address.kind is AddressKind.PHONE:
        return readable(PhoneNumber(address.value))
    return texts("campaign.people.hidden")


def price(listed: Price) -> str:
    """Rounded up to the cent, so that it is never less than the bill."""
    cents = listed.amount.quantize(Decimal("0.01"), rounding=ROUND_UP)
    whole, _, fraction = f"{cents}".partition(".")
    amount = f"{texts.number(int(whole))}{texts('campaign.report.decimal')}{fraction}"
    return texts("campaign.report.dollars", amount=amount)


def list_date(listed: Price) -> str:
    """When the list came into force: a day, the same in every time zone."""
    day = listed.listed_at
    return texts("campaign.report.date", day=day.day, month=day.month, year=day.year)
