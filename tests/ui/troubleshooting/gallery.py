"""Pictures of the guided checks in every state, ``python -m tests.ui.troubleshooting.gallery OUT [PART]``."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path


def main(folder: Path, only: str) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder.mkdir(parents=True, exist_ok=True)
    from PySide6.QtWidgets import QApplication

    from app.ui.async_slots import run

    app = QApplication([])
    run(app, lambda: take_all(folder, only))


async def take_all(folder: Path, only: str) -> None:
    from app.text.status import texts
    from app.ui.theme.theme import Mode, Theme
    from tests.ui.smoke_test.views import picture
    from tests.ui.troubleshooting.views import Dialogs
    from tests.ui.window_harness import WindowHarness, person, status

    people = [person(number) for number in range(8)]
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            with tempfile.TemporaryDirectory() as home:
                harness = WindowHarness(Path(home), people, Theme(mode))
                await harness.load(*(status(number) for number in range(8)))
                harness.window.resize(1280, 720)
                await harness.show()
                harness.window.choose(person(0).id)
                for _ in range(12):
                    await asyncio.sleep(0.005)
                for name, dialog in Dialogs(harness).all():
                    for _ in range(6):
                        await asyncio.sleep(0.005)
                    if only in name:
                        picture(harness.window, dialog).save(str(folder / f"{language}-{mode}-{name}.png"))
                await harness.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
