"""Pictures of what is told of whoever fell: ``python -m tests.ui.fallen_gallery OUT_DIR``."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.domain.link_status import LinkState, LinkStatus, Reason
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.fallen import FallenNotice
from app.ui.theme.theme import Mode, Theme
from tests.ui.window_harness import NOON, WindowHarness, person, status

LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)


async def take_all(folder: Path) -> None:
    """The window with one who fell, and from another page with many, in every look."""
    numbers = range(40)
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            with tempfile.TemporaryDirectory() as home:
                harness = WindowHarness(Path(home), [person(n) for n in numbers], Theme(mode))
                await harness.load(*(status(n) for n in numbers))
                FallenNotice(harness.window, harness.model, harness.theme)
                harness.window.resize(1280, 720)
                await harness.show()
                harness.window.choose(person(11).id)
                name = f"{language}-{mode}"
                harness.observe(person(7), LOGGED_OUT)
                await _take(harness, folder / f"fallen-{name}-one.png")
                harness.window.go("audit")
                for number in (10, 12, 14, 15):
                    harness.observe(person(number), replace(LOGGED_OUT, reason=Reason.TEMPORARY_BAN))
                await _take(harness, folder / f"fallen-{name}-many.png")
                await harness.close()


async def _take(harness: WindowHarness, file: Path) -> None:
    harness.model.flush()
    await asyncio.sleep(0.5)
    harness.window.grab().save(str(file))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    run(QApplication([]), lambda: take_all(target))
