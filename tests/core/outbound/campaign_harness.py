"""Campaigns over the real database and outbound service; the provider and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import (
    Campaign,
    CampaignDraft,
    CampaignState,
    DryRun,
    RecipientState,
)
from app.domain.consent import Purpose
from app.domain.errors import Problem
from app.domain.messages import Address
from app.domain.outbound import HoldReason, OutboundLimits
from app.storage.campaigns import SqlCampaigns
from tests.core.outbound.harness import Sending, phone, sending
from tests.waiting import until

OPEN = OutboundLimits(
    per_minute=500,
    per_hour=5000,
    per_day=5000,
    warm_up_first=5000,
    per_business_day=5000,
    new_contacts_per_day=5000,
    similar_texts_per_day=5000,
)
DRAFT = CampaignDraft(name="Aula", text="Oi, amanhã tem aula com {mentorado}")
R, S = HoldReason, RecipientState


class Campaigns:
    """Campaigns of one connected mentorado, Ana."""

    def __init__(self, s: Sending) -> None:
        self.s = s
        self.untested: Problem | None = None  # why the smoke test does not allow bulk use
        self.repository = SqlCampaigns(s.database)
        self.start()

    def start(self) -> None:
        """As a program that starts does."""
        self.planner = CampaignPlanner(
            mentorados=self.s.core.mentorados,
            outbound=self.s.service,
            repository=self.repository,
            bulk_hold=lambda _mentorado: self.untested,
            clock=self.s.clock,
        )
        self.service = CampaignService(
            bus=self.s.core.bus,
            mentorados=self.s.core.mentorados,
            outbound=self.s.service,
            planner=self.planner,
            repository=self.repository,
            bulk_hold=lambda _mentorado: self.untested,
            audit_service=self.s.core.audit_service,
            clock=self.s.clock,
        )

    async def restart(self) -> None:
        """Another program over the same database, after this one died."""
        await self.s.again()
        self.start()
        await self.service.load()

    async def agree(self, *people: Address) -> None:
        for each in people:
            await self.s.grant(each, Purpose.CAMPAIGN)

    async def plan(self, draft: CampaignDraft = DRAFT) -> DryRun:
        return await self.planner.dry_run(draft)

    async def approved(self, draft: CampaignDraft = DRAFT) -> Campaign:
        made = await self.plan(draft)
        return await self.service.approve(made, str(len(made.included)))

    @property
    def campaign(self) -> Campaign:
        return self.service.campaigns[0]

    async def ended(self, *, passing: float = 61.0, within: float = 20) -> CampaignState:
        """Let time pass until nothing is sent any more."""
        async with asyncio.timeout(within):
            while self.service._runs:
                await asyncio.sleep(0.004)
                await self.s.clock.advance(passing)
        await self.s.core.write_queue.flush()
        return self.campaign.state

    async def when(self, condition: Callable[[], object], *, passing: float = 1.0) -> None:
        """Let time pass until *condition* is true."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.004)
                await self.s.clock.advance(passing)

    async def waits_for(self, reason: HoldReason) -> None:
        await until(lambda: [each.reason for each in self.service.waits(self.campaign.id).values()] == [reason])

    async def outcomes(self) -> list[tuple[RecipientState, str]]:
        return [(each.state, each.reason) for each in await self.service.recipients(self.campaign.id)]

    @property
    def reached(self) -> list[str]:
        return [each.to.value for each in self.s.provider.sent]


@asynccontextmanager
async def campaigns(
    folder: Path, people: int = 3, *, limits: OutboundLimits = OPEN, gap: Callable[[float, float], float] | None = None
) -> AsyncIterator[Campaigns]:
    async with sending(folder, limits=limits, gap=gap or (lambda _low, _high: 0.0)) as s:
        made = Campaigns(s)
        await made.service.load()
        await made.agree(*PEOPLE[:people])
        yield made
        for campaign_id in list(made.service._runs):
            await made.service._runs[campaign_id].halt()


PEOPLE = [phone(number) for number in range(1, 41)]
