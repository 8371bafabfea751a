"""Pictures of the page of campaigns, in every look, for people to judge.

python -m tests.ui.campaigns.gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from app.domain.campaign import CampaignState
from app.domain.mentorado import Link
from app.domain.sending import NotSent, NumberDetails, SendErrorKind, Template, Uncertain
from app.ui.campaigns.report import ReportPart
from tests.core.outbound.harness import phone
from tests.ui.campaigns.harness import CampaignsHarness, open_campaigns
from tests.ui.looks import run_in_every_look
from tests.waiting import until


async def take(h: CampaignsHarness, folder: Path, look: str) -> None:
    async def shot(name: str) -> None:
        await asyncio.sleep(0.15)
        h.page.grab().save(str(folder / f"{name}-{look}.png"))

    await shot("1-empty")
    await h.consenting(4)
    h.s.provider.answers = [Uncertain(), NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, code="131026")]
    await h.begin()
    while h.service.campaigns[0].state is not CampaignState.FINISHED:
        await h.s.later(seconds=30)
    await h.consenting(9, first=5)
    campaign = await h.begin()
    await until(lambda: h.service.waits(campaign.id))
    h.page.show_campaign(campaign.id)
    h.page.take_focus()
    await shot("2-list")
    h.page.show_campaign(h.service.campaigns[1].id)
    h.page.view.recipients.click()
    await until(lambda: h.page.recipients.shown)
    await shot("3-recipients")
    await h.has("Bruno Tavares", "Turma A")
    for number in (90, 91):
        await h.s.receive(phone(number))
    h.page.compose()
    await shot("4-new")
    composer = h.page.composer
    composer.name.setText("Convite para a aula aberta")
    composer.cohort._select("Turma A")
    composer.text.setPlainText("Oi! A aula aberta de {mentorado} é na quinta às 19 h. Quer um lugar?")
    await shot("5-written")
    h.s.provider.window = timedelta(hours=24)
    h.s.provider.details = _details  # type: ignore[attr-defined]
    composer.ask.click()
    composer.refresh()
    await asyncio.sleep(0.1)
    composer.template._select("typed")
    composer.template_name.setText("aula_aberta")
    composer.template_language.setText("pt_BR")
    composer.parameters.setPlainText("{mentorado}\nquinta às 19 h")
    await shot("6-template")
    composer.template._select(None)
    h.s.provider.window = None
    await h.consenting(55, first=100)
    composer.run.click()
    await until(lambda: h.page.report.made)
    h.page.report.field.setText("68")
    await shot("7-report")
    h.page.report.part.button(ReportPart.EXCLUDED).click()
    await shot("8-excluded")
    h.page.report.part.button(ReportPart.SUMMARY).click()
    await h.consenting(1, first=300)
    h.page.report.field.setText(str(len(h.page.report.made.included if h.page.report.made else ())))
    h.page.report.approve.click()
    await until(lambda: h.page.report.problem)
    await shot("9-changed")
    h.page.report.show_running()
    h.page.report.show_progress(1, 3)
    await shot("10-running")
    h.page.resize(760, 560)
    h.page.compose()
    await shot("11-narrow")
    h.page.resize(1220, 720)


async def _details(_link: Link) -> NumberDetails:
    template = Template(name="aviso", language="pt_BR", category="UTILITY", status="APPROVED", usable=True)
    return NumberDetails(facts={}, templates=(template,))


if __name__ == "__main__":
    run_in_every_look(open_campaigns, take)
