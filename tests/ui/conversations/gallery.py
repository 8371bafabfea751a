"""Pictures of the conversations in every look, for people to judge.

python -m tests.ui.conversations.gallery OUT_DIR [NAME_PART]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.ui.conversations.harness import PanelHarness

PANE, WIDE = (364, 760), (876, 760)


def main(folder: Path, only: str) -> None:
    """Take the pictures at both pixel ratios; the ratio is fixed once a process has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    if "QT_SCALE_FACTOR" not in os.environ:
        for factor in ("1", "2"):
            environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": factor}
            command = [sys.executable, "-m", "tests.ui.conversations.gallery", str(folder), only]
            subprocess.run(command, env=environment, check=True)
        return

    from PySide6.QtWidgets import QApplication

    from app.ui.async_slots import run

    app = QApplication([])
    run(app, lambda: take_all(app, folder, only))


async def take_all(app: object, folder: Path, only: str) -> None:
    from PySide6.QtWidgets import QApplication

    from app.text.status import texts
    from app.ui.theme.theme import Mode, Theme
    from tests.ui.conversations.harness import open_panel

    assert isinstance(app, QApplication)
    suffix = "" if os.environ["QT_SCALE_FACTOR"] == "1" else "@2x"
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            for scale in (100, 200):
                if scale == 200 and (mode is Mode.DARK or language == "en"):
                    continue
                texts.set_language(language)
                theme.set_mode(mode)
                theme.set_text_scale(scale)
                with tempfile.TemporaryDirectory() as home:
                    async with open_panel(theme, Path(home) / "conecta.db") as harness:
                        for name, act in SHOTS.items():
                            title = f"{name}-{language}-{mode}-{scale}{suffix}"
                            if only in title:
                                width, height = WIDE if name.startswith("wide") else PANE
                                harness.panel.resize(theme.px(width), height)  # as the window gives room
                                await act(harness)
                                await asyncio.sleep(0.1)
                                harness.panel.grab().save(str(folder / f"{title}.png"))


async def listed(harness: PanelHarness) -> None:
    harness.panel.home.search.field.clear()
    harness.panel.leave_thread()
    await harness.settle()


async def opened(harness: PanelHarness) -> None:
    await listed(harness)
    await harness.open("Beatriz")


async def earlier(harness: PanelHarness) -> None:
    await opened(harness)
    bar = harness.panel.page.view.verticalScrollBar()
    bar.setValue(bar.maximum() * 2 // 5)


async def start(harness: PanelHarness) -> None:
    await opened(harness)
    harness.panel.page.view.verticalScrollBar().setValue(0)


async def in_group(harness: PanelHarness) -> None:
    await listed(harness)
    await harness.open("Gr")


async def searched(harness: PanelHarness) -> None:
    await listed(harness)
    await harness.search("mentoria")


async def searched_all(harness: PanelHarness) -> None:
    await listed(harness)
    harness.panel.home.search.set_everywhere(True)
    await harness.search("encontro")
    await asyncio.sleep(0.05)


async def not_found(harness: PanelHarness) -> None:
    await listed(harness)
    harness.panel.home.search.set_everywhere(False)
    await harness.search("xilofone")


async def found(harness: PanelHarness) -> None:
    await listed(harness)
    await harness.search("mentoria")
    harness.panel.home.results.list.opened.emit(1)
    await harness.settle()


async def hostile(harness: PanelHarness) -> None:
    await listed(harness)
    await harness.open("Estranho")


async def nobody(harness: PanelHarness) -> None:
    await listed(harness)
    harness.panel.show_mentorado(harness.lonely.id)
    await harness.settle()


SHOTS: dict[str, Callable[[PanelHarness], Awaitable[None]]] = {
    "list": listed,
    "open": opened,
    "earlier": earlier,
    "start": start,
    "group": in_group,
    "search": searched,
    "search-all": searched_all,
    "not-found": not_found,
    "found": found,
    "hostile": hostile,
    "wide-open": opened,
    "wide-start": start,
    "nobody": nobody,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
