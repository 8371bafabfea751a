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
    from tests.ui.conversations.scene import Scene

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
    from tests.ui.conversations.scene import scene

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
                    async with scene(theme, Path(home) / "conecta.db") as stage:
                        for name, act in SHOTS.items():
                            title = f"{name}-{language}-{mode}-{scale}{suffix}"
                            if only in title:
                                width, height = WIDE if name.startswith("wide") else PANE
                                stage.panel.resize(theme.px(width), height)  # as the window gives room
                                await act(stage)
                                await asyncio.sleep(0.1)
                                stage.panel.grab().save(str(folder / f"{title}.png"))


async def listed(stage: Scene) -> None:
    stage.panel.home.search.field.clear()
    stage.panel.leave_thread()
    await stage.settle()


async def opened(stage: Scene) -> None:
    await listed(stage)
    await stage.open("Beatriz")


async def earlier(stage: Scene) -> None:
    await opened(stage)
    bar = stage.panel.page.view.verticalScrollBar()
    bar.setValue(bar.maximum() * 2 // 5)


async def start(stage: Scene) -> None:
    await opened(stage)
    stage.panel.page.view.verticalScrollBar().setValue(0)


async def in_group(stage: Scene) -> None:
    await listed(stage)
    await stage.open("Gr")


async def searched(stage: Scene) -> None:
    await listed(stage)
    await stage.search("mentoria")


async def searched_all(stage: Scene) -> None:
    await listed(stage)
    stage.panel.home.search.set_everywhere(True)
    await stage.search("encontro")
    await asyncio.sleep(0.05)


async def not_found(stage: Scene) -> None:
    await listed(stage)
    stage.panel.home.search.set_everywhere(False)
    await stage.search("xilofone")


async def found(stage: Scene) -> None:
    await listed(stage)
    await stage.search("mentoria")
    stage.panel.home.results.list.opened.emit(1)
    await stage.settle()


async def hostile(stage: Scene) -> None:
    await listed(stage)
    await stage.open("Estranho")


async def nobody(stage: Scene) -> None:
    await listed(stage)
    stage.panel.show_mentorado(stage.lonely.id)
    await stage.settle()


SHOTS: dict[str, Callable[[Scene], Awaitable[None]]] = {
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
