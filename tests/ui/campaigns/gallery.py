"""Pictures of the page of campaigns, in every look, for people to judge.

python -m tests.ui.campaigns.gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.domain.campaign import CampaignState
from app.domain.sending import NotSent, SendErrorKind, Uncertain
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.theme.theme import Mode, Theme
from tests.ui.campaigns.harness import CampaignsHarness, open_campaigns
from tests.waiting import until


async def take_all(app: QApplication, folder: Path) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            texts.set_language(language)
            theme.set_mode(mode)
            with tempfile.TemporaryDirectory() as home:
                async with open_campaigns(theme, Path(home)) as harness:
                    await take(harness, folder, f"{language}-{mode}")


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
    h.page.take_focus()
    await shot("2-list")


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    run(application, lambda: take_all(application, Path(sys.argv[1])))
