"""Pictures of every step of every procedure, ``python -m tests.ui.procedures.gallery OUT [LOOK/][PART]``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.ui.looks import run_gallery

WIDTHS = {"wide": (1240, 860), "drawer": (700, 620)}


async def take_all(folder: Path, only: str) -> None:
    from app.text.status import texts
    from app.ui.theme.theme import Mode

    wanted, _, part = only.rpartition("/")
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            for scale in (100, 200):
                name = f"{language}-{mode}-{scale}"
                if not name.startswith(wanted):
                    continue
                with tempfile.TemporaryDirectory() as home:
                    await _take_views(Path(home), folder, name, mode, scale, part)


async def _take_views(home: Path, folder: Path, name: str, mode: object, scale: int, only: str) -> None:
    from app.ui.theme.theme import Mode, Theme
    from tests.ui.procedures.views import Views

    assert isinstance(mode, Mode)
    async with Views.opened(home, Theme(mode, scale)) as views:
        async for view in views.all():
            if only not in view:
                continue
            for _ in range(12):
                await asyncio.sleep(0.005)
            views.picture().save(str(folder / f"{name}-{view}.png"))


if __name__ == "__main__":
    part_wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    run_gallery(lambda folder: take_all(folder, part_wanted))
