"""Pictures of the window in every look, for people to judge: ``python -m tests.ui.gallery OUT_DIR [NAME_PART]``."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = {"wide": (1240, 860), "narrow": (900, 620), "drawer": (700, 620)}


def main(folder: Path, only: str) -> None:
    """Take the pictures at both pixel ratios; the ratio is fixed once a process has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    if "QT_SCALE_FACTOR" not in os.environ:
        for factor in ("1", "2"):
            environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": factor}
            subprocess.run([sys.executable, "-m", "tests.ui.gallery", str(folder), only], env=environment, check=True)
        return

    from PySide6.QtWidgets import QApplication

    from app.ui.async_slots import run

    app = QApplication([])
    run(app, lambda: take_all(folder, only))


async def take_all(folder: Path, only: str) -> None:
    from app.text.status import texts
    from app.ui.theme.theme import Mode, Theme
    from tests.ui.window_harness import WindowHarness, person, status

    suffix = "" if os.environ["QT_SCALE_FACTOR"] == "1" else "@2x"
    numbers = range(128)
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            with tempfile.TemporaryDirectory() as home:
                harness = WindowHarness(Path(home), [person(n) for n in numbers], Theme(mode))
                await harness.load(*(status(n) for n in numbers))
                await _take_views(harness, folder, f"{language}-{mode}", suffix, only)
                await harness.close()
                harness = WindowHarness(Path(home), theme=harness.theme)
                await harness.load()
                harness.window.resize(*WIDTHS["wide"])
                await harness.show()
                await _take(harness, folder, f"{language}-{mode}-nobody{suffix}", only)
                await harness.close()


async def _take_views(harness: object, folder: Path, name: str, suffix: str, only: str) -> None:
    from app.domain.errors import Problem, ProblemCode
    from app.domain.events import StorageFailed
    from app.text.status import texts
    from tests.ui.window_harness import WindowHarness, person

    assert isinstance(harness, WindowHarness)
    window = harness.window
    window.resize(*WIDTHS["wide"])
    await harness.show()
    await _take(harness, folder, f"{name}-wide-none{suffix}", only)
    for size, (width, height) in WIDTHS.items():
        window.resize(width, height)
        window.list.table.choose(person(4).id)
        window.body.close_side_panel()
        await _take(harness, folder, f"{name}-{size}{suffix}", only)
    window.choose(person(4).id)
    await _take(harness, folder, f"{name}-drawer-open{suffix}", only)
    window.body.close_side_panel()
    window.resize(*WIDTHS["wide"])
    window.list.table.choose(person(22).id)
    await _take(harness, folder, f"{name}-wide-limited{suffix}", only)
    window.on_storage_failed(StorageFailed(Problem(ProblemCode.DATABASE_DISK_FULL)))
    window.toast.show_message(texts("window.archived", name="Ana Clara Almeida"), texts("window.undo"), lambda: None)
    await _take(harness, folder, f"{name}-banner{suffix}", only)
    window.banners.clear("storage")
    window.toast.hide()
    window.controller.show_menu(person(22).id, window.list.mapToGlobal(window.list.rect().center()))
    await asyncio.sleep(0.05)
    await _take_menu(harness, folder, f"{name}-menu{suffix}", only)
    window.header.search.setText("zzz")
    await _take(harness, folder, f"{name}-not-found{suffix}", only)
    window.header.search.setText("joao")
    await _take(harness, folder, f"{name}-found{suffix}", only)
    window.header.search.clear()
    harness.theme.set_text_scale(200)
    window.resize(1240, 860)
    await _take(harness, folder, f"{name}-text200{suffix}", only)
    harness.theme.set_text_scale(100)


async def _take(harness: object, folder: Path, name: str, only: str) -> None:
    from tests.ui.window_harness import WindowHarness

    assert isinstance(harness, WindowHarness)
    if only in name:
        for _ in range(8):
            await asyncio.sleep(0.01)
        harness.window.grab().save(str(folder / f"{name}.png"))


async def _take_menu(harness: object, folder: Path, name: str, only: str) -> None:
    from PySide6.QtWidgets import QApplication, QMenu

    menu = QApplication.activePopupWidget()
    if isinstance(menu, QMenu):
        if only in name:
            menu.grab().save(str(folder / f"{name}.png"))
        menu.close()
    await asyncio.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
