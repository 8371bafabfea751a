"""The commands about sending: a smoke test with a line per stage, and campaigns, how far each is and how it is held up.

A program that sends a campaign beside this one notices within a minute.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from app.cli.output import LinkOutput, iso, print_json
from app.core.background import BackgroundTasks
from app.core.mentorado_service import parse_phone
from app.domain.actions import ActionName
from app.domain.campaign import Campaign, Recipient
from app.domain.errors import Problem, ProblemCode
from app.domain.events import SmokeTestChanged
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.smoke_test import SmokeTest, SmokeTestTarget
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import campaigns as campaign_text
from app.text.outbound import recipient_line, result_lines, stage_name
from app.text.status import texts

CONNECT_SECONDS = 90.0
"""Seconds to wait for a link that is being connected: as long as a first sign-in takes on a slow phone."""

EXIT_CODES = {
    SmokeTestOutcome.PASSED: 0,
    SmokeTestOutcome.PARTLY: 3,  # what can be seen is well, and something cannot be seen
    SmokeTestOutcome.FAILED: 1,
}


async def smoke_test(core: Services, arguments: Namespace) -> int:
    """Connect the links that the test needs, run it, and return its result as an exit code. Raises `Problem`."""
    mentorado = core.mentorados.find(arguments.name)
    to = parse_phone(arguments.to) if arguments.to else None
    needed = [mentorado]
    chosen = core.smoke_tests.chosen
    if to is None and chosen.target is SmokeTestTarget.PARTNER and chosen.partner != mentorado.id:
        needed.append(core.mentorados.get(MentoradoId(chosen.partner)))
    async with BackgroundTasks(core.provider_log.run):
        for each in needed:
            await _connect(core, each, as_json=arguments.json)
        seen: list[SmokeTest] = []

        def on_changed(event: SmokeTestChanged) -> None:
            _print_progress(core, seen[-1] if seen else None, event.test, as_json=arguments.json)
            seen.append(event.test)

        leave = core.bus.subscribe(SmokeTestChanged, on_changed)
        try:
            test = await core.smoke_tests.run(mentorado.id, to)
        finally:
            leave()
    if not arguments.json:
        print("\n".join(result_lines(test, core.clock.now())))
        if test.code:
            print(texts("smoke.code", code=test.code))
    return EXIT_CODES[test.outcome or SmokeTestOutcome.FAILED]


async def _connect(core: Services, mentorado: Mentorado, *, as_json: bool) -> None:
    """Connect the link and wait until it is connected or needs a person; the test reports what is missing."""
    if await core.whatsapp_web.is_open(mentorado.link):
        raise Problem(ProblemCode.SESSION_IN_USE, name=mentorado.name)
    if core.actions.unavailable_reason(ActionName.CONNECT, mentorado.id) is not None:
        return
    with LinkOutput(core, mentorado.link.id, as_json=as_json) as output:
        await core.supervisor.connect(mentorado.id)
        with suppress(TimeoutError):  # without a network it is tried for ever; the test says what is missing
            async with asyncio.timeout(CONNECT_SECONDS):
                await output.settled.wait()


def _print_progress(core: Services, before: SmokeTest | None, test: SmokeTest, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": "smoke_test", **as_dict(test)})
        return
    if before is None:
        partner = "" if test.partner is None else core.mentorados.get(test.partner).name
        print(recipient_line(test, partner))
    for stage, at in test.stages.items():
        if before is None or stage not in before.stages:
            passed = texts("smoke.seconds", seconds=round((at - test.began_at).total_seconds()))
            print(f"{stage_name(stage)}: {passed}")


def as_dict(test: SmokeTest) -> dict[str, object]:
    """Return *test* as an object for JSON."""
    return {
        "mentorado": test.mentorado_id,
        "target": test.target,
        "stages": {stage: at.isoformat() for stage, at in test.stages.items()},
        "expected": list(test.expected),
        "outcome": test.outcome,
        "trouble": test.trouble if test.over else None,
        "code": test.code,
        "until": None if test.until is None else test.until.isoformat(),
    }


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
