"""Pictures of the page of cases, in every look, for people to judge.

python -m tests.ui.cases.gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.domain.cases import CaseKind
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.theme.theme import Mode, Theme
from tests.ui.cases.harness import CasesHarness, open_cases


async def take_all(app: QApplication, folder: Path) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            texts.set_language(language)
            theme.set_mode(mode)
            with tempfile.TemporaryDirectory() as home:
                async with open_cases(theme, Path(home)) as harness:
                    await take(harness, folder, f"{language}-{mode}")


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
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    run(application, lambda: take_all(application, Path(sys.argv[1])))
