"""The page of campaigns over the real services and database; the provider and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import Campaign, CampaignDraft
from app.domain.consent import Purpose
from app.domain.mentorado import Mentorado
from app.domain.outbound import OutboundLimits
from app.storage.campaigns import SqlCampaigns
from app.storage.mentorados import SqlMentoradoRepository
from app.ui.async_slots import cancel_slots
from app.ui.campaigns.page import CampaignsPage
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import Sending, phone, sending

DRAFT = CampaignDraft(name="Aviso de aula", cohort="Turma A", text="A aula de {mentorado} começa às 19 h.")
SLOW = OutboundLimits(similar_texts_per_day=1000, per_minute=3)


@dataclass
class CampaignsHarness:
    """A page that is on the screen. The service runs as in the program."""

    s: Sending
    service: CampaignService
    planner: CampaignPlanner
    page: CampaignsPage
    cases_asked: list[bool] = field(default_factory=list)

    async def consenting(self, count: int, *, first: int = 1) -> None:
        """So many contacts of Ana who consented to campaigns."""
        for number in range(first, first + count):
            await self.s.grant(phone(number), Purpose.CAMPAIGN)

    async def begin(self, draft: CampaignDraft = DRAFT) -> Campaign:
        """A campaign that was approved, as far as it goes without the clock."""
        made = await self.planner.dry_run(draft)
        return await self.service.approve(made, str(len(made.included)))

    async def has(self, name: str, cohort: str) -> Mentorado:
        """Another mentorado, in *cohort*, whose link is off."""
        added = await self.s.core.mentorados.add(name, "21 98765-4321", cohort)
        await SqlMentoradoRepository(self.s.database).add(added)
        return added


def services(s: Sending) -> tuple[CampaignPlanner, CampaignService]:
    """The two services of campaigns, over what *s* sends through."""
    repository = SqlCampaigns(s.database)
    core = s.core
    planner = CampaignPlanner(
        mentorados=core.mentorados,
        outbound=s.service,
        repository=repository,
        bulk_hold=lambda _mentorado_id: None,
        clock=s.clock,
    )
    service = CampaignService(
        bus=core.bus,
        mentorados=core.mentorados,
        outbound=s.service,
        planner=planner,
        repository=repository,
        bulk_hold=lambda _mentorado_id: None,
        audit_service=core.audit_service,
        clock=s.clock,
    )
    return planner, service


@asynccontextmanager
async def open_campaigns(
    theme: Theme, folder: Path, *, limits: OutboundLimits = SLOW
) -> AsyncIterator[CampaignsHarness]:
    """Ana of "Turma A" is connected, with no contacts yet."""
    async with sending(folder, limits=limits) as s:
        await s.core.mentorados.edit(s.ana.id, s.ana.name, s.ana.phone, "Turma A")
        planner, service = services(s)
        await service.load()
        asked: list[bool] = []
        page = CampaignsPage(
            theme=theme,
            bus=s.core.bus,
            campaigns=service,
            planner=planner,
            details=s.core.provider_setup.details,
            audit_service=s.core.audit_service,
            mentorados=s.core.mentorados,
            clock=s.clock,
            show_cases=lambda: asked.append(True),
        )
        page.resize(1220, 720)
        page.show()
        running = asyncio.get_running_loop().create_task(service.run())
        try:
            yield CampaignsHarness(s, service, planner, page, asked)
        finally:
            await cancel_slots()
            running.cancel()
            await asyncio.wait({running})
            page.hide()
            page.deleteLater()
