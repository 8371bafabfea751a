"""Pictures of the guided checks in every state, ``python -m tests.ui.troubleshooting.gallery OUT [PART]``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.ui.looks import run_gallery


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
    part_wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    run_gallery(lambda folder: take_all(folder, part_wanted))
