"""A program that sends a campaign and may be killed at any moment: ``python -m … DATA_DIR META_URL RECIPIENTS``.

It imports the program once and makes a copy of itself for each line of its standard input, which is how many minutes
the copy's clock is ahead; it prints the copy's process id, and what became of it. The copy prints a line when it
begins to send, and the campaign's state at its end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.bootstrap import build_services
from app.domain.campaign import Campaign, CampaignDraft, CampaignState
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.link_status import LinkState, SmokeTestOutcome
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.outbound import OutboundLimits
from app.domain.provider_descriptor import CredentialField
from app.domain.sending import TemplateMessage
from app.domain.smoke_test import SmokeTest, SmokeTestTarget
from app.services import Services
from app.settings import Settings
from app.storage.consents import SqlConsents
from app.storage.smoke_tests import SqlSmokeTests
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID
from tests.waiting import until

NOON = datetime(2026, 1, 5, 15, tzinfo=UTC)  # in São Paulo
NO_LIMITS = OutboundLimits(
    per_minute=10**6,
    per_hour=10**6,
    per_day=10**6,
    warm_up_first=10**6,
    per_business_day=10**6,
    new_contacts_per_day=10**6,
)
CREDENTIALS = {
    CredentialField.ACCESS_TOKEN: TOKEN,
    CredentialField.PHONE_NUMBER_ID: NUMBER_ID,
    CredentialField.WABA_ID: WABA_ID,
}
DRAFT = CampaignDraft(name="Aula", template=TemplateMessage(name="oi", language="pt_BR"))


class AheadClock:
    """The real clock's pace, from noon on a working day and some minutes on."""

    def __init__(self, minutes: int) -> None:
        self._ahead = NOON + timedelta(minutes=minutes) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def checked_now(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.5))  # nobody waits a minute


def number(place: int) -> Address:
    return Address(AddressKind.PHONE, f"+55119{80_000_000 + place}")


async def send(settings: Settings, recipients: int, minutes: int) -> None:
    services = build_services(settings, clock=AheadClock(minutes))
    services.outbound._limits = lambda: NO_LIMITS
    services.outbound._gap = lambda _low, _high: 0.0
    await services.secrets.use_memory()
    await services.open()
    async with services.running():
        ana = await _connected(services)
        campaign = await _campaign(services, ana, recipients)
        _say("sending")
        await until(lambda: _find(services, campaign).state is not CampaignState.RUNNING, within=300)
        await services.write_queue.flush()
        _say(_find(services, campaign).state.value)


async def _connected(services: Services) -> Mentorado:
    (ana,) = services.mentorados.all() or [await services.mentorados.add("Ana", "+5511987654321")]
    await services.hosted.choice.choose(ana.id, ProviderKind.META_CLOUD)
    await services.hosted.credentials.save(ana.id, CREDENTIALS)
    await services.supervisor.connect(ana.id)
    await until(lambda: services.supervisor.status(ana.link.id).state is LinkState.CONNECTED)
    return ana


async def _campaign(services: Services, ana: Mentorado, recipients: int) -> Campaign:
    now = services.clock.now()
    test = SmokeTest(
        mentorado_id=ana.id,
        link_id=ana.link.id,
        target=SmokeTestTarget.NUMBER,
        began_at=now,
        ended_at=now,
        word="banana",
        to=ana.phone,
        expected=(),
        outcome=SmokeTestOutcome.PASSED,
    )
    await SqlSmokeTests(services.database).add(test)
    await services.smoke_tests.load()
    if services.campaigns.campaigns:
        (campaign,) = services.campaigns.campaigns
        await until(lambda: _find(services, campaign).state is not CampaignState.RUNNING)  # what was left is paused
        await services.campaigns.resume(campaign.id)
        return campaign
    consents = [
        ConsentEntry(
            mentorado_id=ana.id,
            contact=number(place),
            change=ConsentChange.GRANTED,
            purpose=Purpose.CAMPAIGN,
            source=ConsentSource.TYPED,
            at=now,
        )
        for place in range(recipients)
    ]
    await SqlConsents(services.database).append(consents)
    return await services.campaigns.approve(await services.campaign_planner.dry_run(DRAFT), str(recipients))


def _find(services: Services, campaign: Campaign) -> Campaign:
    return next(each for each in services.campaigns.campaigns if each.id == campaign.id)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    data_dir, url, recipients = sys.argv[1:]
    settings = Settings(data_dir=Path(data_dir), session_dir=Path(data_dir) / "sessions", meta_url=url)
    for line in sys.stdin:
        copy = os.fork()
        if copy == 0:
            asyncio.run(send(settings, int(recipients), int(line)))
            os._exit(0)
        _say(str(copy))
        _, status = os.waitpid(copy, 0)
        _say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
