"""The commands about campaigns: how far each is, what became of its recipients, and how it is held up.

A program that sends it beside this one notices within a minute.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from app.cli.output import iso, print_json
from app.domain.campaign import Campaign, Recipient
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import campaigns as campaign_text
from app.text.status import texts

DONE = 0
SHORT = 8
"""So many letters of a campaign's id are shown, and enough to name it."""


async def run_campaign_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    if arguments.campaign_command == "list":
        campaigns = core.campaigns.campaigns
        if arguments.json:
            print_json({"campaigns": [_as_json(each) for each in campaigns]})
            return DONE
        for each in campaigns:
            print(_line(each))
        if not campaigns:
            print(texts("campaign.empty"))
        return DONE
    campaign = find(core, arguments.campaign)
    if arguments.campaign_command == "pause":
        await core.campaigns.pause(campaign.id)
    elif arguments.campaign_command == "stop":
        await core.campaigns.stop(campaign.id)
    campaign = find(core, campaign.id)
    recipients = await core.campaigns.recipients(campaign.id)
    if arguments.json:
        shown = [_recipient_as_json(core, campaign, each) for each in recipients]
        print_json({**_as_json(campaign), "recipients": shown})
    else:
        _print_one(core, campaign, recipients)
    return DONE


def find(core: Services, typed: str) -> Campaign:
    """The campaign whose id begins like this. Raises `Problem(CAMPAIGN_UNKNOWN)` unless it is exactly one."""
    found = [each for each in core.campaigns.campaigns if typed and each.id.startswith(typed)]
    if len(found) != 1:
        raise Problem(ProblemCode.CAMPAIGN_UNKNOWN, campaign=typed)
    return found[0]


def _print_one(core: Services, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
    now = core.clock.now()
    print(_line(campaign))
    print(campaign_text.approved(campaign, now))
    print(campaign_text.sentence(campaign))
    print(campaign_text.content(campaign.draft))
    for each in recipients:
        sentence, step = campaign_text.recipient_reason(each, now)
        state = campaign_text.recipient_state(each, campaign, now)
        words = (each.name, campaign_text.contact(each.address), _name(core, each.mentorado_id), state, sentence, step)
        print("  ".join(filter(None, words)))


def _line(campaign: Campaign) -> str:
    words = (campaign.id[:SHORT], campaign.draft.name, campaign_text.state(campaign), campaign_text.progress(campaign))
    return "  ".join(words)


def _name(core: Services, mentorado_id: MentoradoId) -> str:
    known = {each.id: each.name for each in core.mentorados.all()}
    return known.get(mentorado_id, mentorado_id)


def _as_json(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.draft.name,
        "cohort": campaign.draft.cohort,
        "state": campaign.state.value,
        "pause_reason": None if campaign.pause_reason is None else campaign.pause_reason.value,
        "approved_at": iso(campaign.approved_at),
        "approved_by": campaign.approved_by,
        "ended_at": None if campaign.ended_at is None else iso(campaign.ended_at),
        "counts": {each.value: campaign.counts.get(each, 0) for each in campaign_text.ORDER},
    }


def _recipient_as_json(core: Services, campaign: Campaign, each: Recipient) -> dict[str, Any]:
    return {
        "number": each.number,
        "mentorado": _name(core, each.mentorado_id),
        "name": each.name,
        "contact": each.address.value,
        "state": each.state.value,
        "reason": each.reason,
        "sentence": campaign_text.recipient_reason(each, campaign.approved_at)[0],
        "code": each.code,
        "at": None if each.at is None else iso(each.at),
    }
