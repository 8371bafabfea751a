"""Pictures of the page Diagnostics, in every look, for people to judge.

python -m tests.ui.diagnostics.gallery OUT_DIR
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.text.status import texts
from app.ui.async_slots import run
from app.ui.theme.theme import Mode, Theme
from tests.ui.diagnostics.views import TROUBLE, Findings, open_page


async def take_all(app: QApplication, folder: Path) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            texts.set_language(language)
            theme.set_mode(mode)
            await take(theme, folder, f"{language}-{mode}")


async def take(theme: Theme, folder: Path, look: str) -> None:
    findings = Findings()
    findings.may_end.clear()
    async with open_page(theme, findings) as page:

        async def shot(name: str) -> None:
            await asyncio.sleep(0.2)
            page.grab().save(str(folder / f"{name}-{look}.png"))

        await shot("1-checking")
        findings.may_end.set()
        await shot("2-fine")
        findings.found |= TROUBLE
        page.check()
        await shot("3-trouble")
        page.resize(620, 720)
        await shot("4-narrow")


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    run(application, lambda: take_all(application, Path(sys.argv[1])))
