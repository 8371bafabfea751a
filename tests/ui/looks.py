"""What galleries have in common: a program that takes pictures, in every look."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from app.ui.theme.theme import Theme

H = TypeVar("H")


def run_gallery(take_all: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
    """Have *take_all* put its pictures into the folder that the command line names."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    from PySide6.QtWidgets import QApplication

    from app.ui.async_slots import run

    run(QApplication([]), lambda: take_all(folder))


def run_in_every_look(
    open_harness: Callable[[Theme, Path], AbstractAsyncContextManager[H]],
    take: Callable[[H, Path, str], Coroutine[Any, Any, None]],
) -> None:
    """Have *take* use a harness for each language and theme; it is given the folder, and the name of the look."""

    async def take_all(folder: Path) -> None:
        from PySide6.QtWidgets import QApplication

        from app.text.status import texts
        from app.ui.theme.theme import Mode, Theme

        app, theme = QApplication.instance(), Theme(Mode.LIGHT)
        assert isinstance(app, QApplication)
        theme.apply(app)
        for language in ("pt-BR", "en"):
            for mode in (Mode.LIGHT, Mode.DARK):
                texts.set_language(language)
                theme.set_mode(mode)
                with tempfile.TemporaryDirectory() as home:
                    async with open_harness(theme, Path(home)) as harness:
                        await take(harness, folder, f"{language}-{mode}")

    run_gallery(take_all)
