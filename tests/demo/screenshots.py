"""The pictures that the demo leaves: which are kept, under which names, in which looks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.text.status import texts
from app.ui.dialogs.base import BaseDialog
from app.ui.theme.theme import Mode
from tests.demo.session import Session
from tests.ui.detail_pane.codes import decode


def photograph(window: QWidget) -> QImage:
    """The window's pixels, and those of a sheet that lies over it."""
    picture = window.grab()
    painter = QPainter(picture)
    for sheet in window.findChildren(BaseDialog):
        if sheet.isVisible():
            painter.drawPixmap(window.mapFromGlobal(sheet.pos()), sheet.grab())
    painter.end()
    return picture.toImage()


def read_codes(window: QWidget) -> list[str]:
    """What a phone's camera reads from the window's pixels."""
    return decode(photograph(window))


_SETTLE_TURNS = 8
_COLOURS = 256
_LARGEST_ERROR = 12
"""How far a colour may be from the true one, of 255, in a picture with few colours."""


class Look(NamedTuple):
    language: str
    mode: Mode

    def __str__(self) -> str:
        return f"{self.language}-{self.mode}"


PLAIN: Final = Look("pt-BR", Mode.LIGHT)
LOOKS: Final = tuple(Look(language, mode) for language in ("pt-BR", "en") for mode in (Mode.LIGHT, Mode.DARK))

README: Final[Mapping[tuple[str, Look], str]] = MappingProxyType(
    {
        ("everybody", Look("en", Mode.LIGHT)): "overview.png",
        ("code-among-all", Look("en", Mode.LIGHT)): "connect.png",
        ("logged-out", Look("en", Mode.LIGHT)): "recover.png",
        ("question", Look("en", Mode.LIGHT)): "question.png",
        ("everybody", Look("pt-BR", Mode.DARK)): "overview-dark-pt.png",
    }
)
"""By the name of a view and its look, the file it becomes in docs/pictures."""


class WrongPicture(Exception):
    """A picture does not show what is true."""


@dataclass
class Screenshots:
    """Takes a view in every look that is wanted, and looks at each picture before it is kept."""

    session: Session
    folder: Path
    chosen: Mapping[tuple[str, Look], str] | None = None  # None: every view in every look, numbered
    views: int = 0
    pictures: int = 0

    async def take(self, view: str, *, code: str | None = None, looks: tuple[Look, ...] = LOOKS) -> None:
        """Take *view*; each picture must show *code*, or no code that a phone could read."""
        self.views += 1
        for look in self.wanted(view, looks) or (PLAIN,):
            await self.wear(look)
            self.keep(view, look, code)
        await self.wear(PLAIN)

    def wanted(self, view: str, looks: tuple[Look, ...]) -> tuple[Look, ...]:
        """The looks that *view* is kept in."""
        if self.chosen is None:
            return looks
        return tuple(look for name, look in self.chosen if name == view)

    async def wear(self, look: Look) -> None:
        """Switch the running window to *look*."""
        texts.set_language(look.language)
        self.session.theme.set_mode(look.mode)
        await settle()

    def keep(self, view: str, look: Look, code: str | None) -> None:
        """Take one picture as the window stands, and keep it if it is wanted and true."""
        picture = photograph(self.session.window)
        expected = [] if code is None else [code]
        if (read := decode(picture)) != expected:
            raise WrongPicture(f"the picture {view} ({look}) shows {len(read)} codes, or not the one that is true")
        name = f"{self.views:02}-{view}-{look}.png" if self.chosen is None else self.chosen.get((view, look))
        if name is None:
            return
        file = self.folder / name
        if self.chosen is None:
            if not picture.save(str(file)):
                raise OSError(f"{file} could not be written")
        else:
            save_small(picture, file)
        self.pictures += 1


async def settle() -> None:
    """Let the window lay itself out and paint."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0.01)


def save_small(picture: QImage, file: Path) -> None:
    """Save with a palette where nobody could tell the difference, else as it is."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), dtype=np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    true = Image.fromarray(rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy())
    few = true.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(few.convert("RGB"), dtype=np.int16) - np.asarray(true, dtype=np.int16)).max()
    (few if error <= _LARGEST_ERROR else true).save(file, optimize=True)
