"""Pictures of the page of cases, in every look, for people to judge.

python -m tests.ui.cases.gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.domain.cases import CaseKind
from tests.ui.cases.harness import CasesHarness, open_cases
from tests.ui.looks import run_in_every_look


async def take(h: CasesHarness, folder: Path, look: str) -> None:
    async def shot(name: str) -> None:
        await asyncio.sleep(0.15)
        h.page.grab().save(str(folder / f"{name}-{look}.png"))

    await shot("1-empty")
    await h.open(CaseKind.BAN, h.bruno, reason="temporary_ban", detail="402: 104")
    await h.s.later(hours=6)
    await h.open(CaseKind.SENDING_STOPPED, h.s.ana, trouble="policy_block", code="463", detail="reach-out time-lock")
    await h.open(CaseKind.UNCERTAIN_MESSAGE, h.s.ana, "0f3a9c1d2b4e", purpose="conversation")
    await h.open(CaseKind.SMOKE_TEST_FAILED, h.bruno, test="not_delivered")
    await shot("2-due")
    ban = h.service.open_cases[0]
    await h.service.take(ban.id)
    await h.service.add_note(ban.id, "Falei com o Bruno: ele pediu a análise pelo celular agora há pouco.")
    h.page.view.field.setPlainText("O WhatsApp respondeu: liberado.")
    await shot("3-taken")
    h.page.resize(760, 640)
    await shot("4-narrow")
    h.page.split.open_side_panel()
    await shot("5-narrow-open")
    h.page.split.close_side_panel()
    h.page.resize(1180, 720)


if __name__ == "__main__":
    run_in_every_look(open_cases, take)
