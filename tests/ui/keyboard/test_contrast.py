"""Whatever is written can be read: measured in the picture of every form, sheet, dialog and page, in both themes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QWidget

from app.ui.theme.theme import Mode, Theme
from tests.ui.keyboard.surfaces import SURFACES
from tests.ui.keyboard.test_pages import WITH_CONTENT, Opener
from tests.ui.procedures.test_program import program
from tests.ui.test_theme import READABLE

pytestmark = [pytest.mark.usefixtures("on_qt"), pytest.mark.within(60)]

Pixels = npt.NDArray[np.uint8]
_ALL: Mapping[str, Opener] = {**SURFACES, **WITH_CONTENT}
_EDGE = 3
_LEAST = 8
_LAID_OUT_SECONDS = 0.1
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def faint(window: QWidget) -> list[str]:
    """What is written in *window* with too little contrast to what it is written on."""
    return [f"“{words}” {found:.1f}" for words, found in _contrasts(window) if found < READABLE]


def _contrasts(window: QWidget) -> Iterator[tuple[str, float]]:
    picture = _pixels(window.grab().toImage())
    for part in window.findChildren(QWidget):
        words = _words(part)
        if not words.strip() or part.visibleRegion().isEmpty():
            continue
        room = part.visibleRegion().boundingRect()
        if room.height() < part.height() or room.width() < min(part.width(), _LEAST):
            continue  # scrolled half out of sight
        room = room.translated(part.mapTo(window, QPoint(0, 0))).adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        inside = picture[room.top() : room.bottom(), room.left() : room.right()].reshape(-1, 3)
        if len(inside):
            yield words, _contrast(inside)


def _words(part: QWidget) -> str:
    if isinstance(part, QLineEdit):
        return part.text() or part.placeholderText()
    return part.text() if isinstance(part, (QLabel, QAbstractButton)) else ""


def _contrast(inside: Pixels) -> float:
    """Of the ground, which is most of it, and the colour in it that stands out most: the core of the letters."""
    packed = inside.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    colours, counts = np.unique(packed, return_counts=True)
    light = _luminance(np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=-1).astype(np.uint8))
    ground = light[counts.argmax()]
    return float(np.max((np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)))


def _luminance(colours: Pixels) -> npt.NDArray[np.float64]:
    share = colours.astype(np.float64) / 255
    linear = np.where(share <= 0.03928, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ _WEIGHTS, dtype=np.float64)


def _pixels(image: QImage) -> Pixels:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()  # the image goes


@pytest.mark.parametrize("name", _ALL)
async def test_whatever_is_written_can_be_read(theme: Theme, fast_dir: Path, name: str) -> None:
    async with _ALL[name](theme, fast_dir) as form:
        for mode in (Mode.LIGHT, Mode.DARK):
            theme.set_mode(mode)
            await asyncio.sleep(0)
            assert faint(form.window()) == [], mode


async def test_every_page_can_be_read(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as started:
        window = started.window
        ana = await started.core.mentorados.add("Ana Prates", "11 98765-4321")
        window.choose(ana.id)
        found: dict[str, list[str]] = {}
        for mode in (Mode.LIGHT, Mode.DARK):
            window._theme.set_mode(mode)
            for name in window.places.icons:
                window.go(name)
                await asyncio.sleep(_LAID_OUT_SECONDS)
                found[f"{name} {mode}"] = faint(window)
        window._theme.set_mode(Mode.LIGHT)
        window.close()
        assert {name: words for name, words in found.items() if words} == {}


def test_faint_words_are_found(theme: Theme) -> None:
    window = QWidget()
    label = QLabel("quase invisível", window)
    label.setStyleSheet(f"color: {theme.tokens.border_strong};")
    label.resize(200, 40)
    assert faint(window) == []  # nothing is shown yet
    window.show()
    assert len(faint(window)) == 1
    label.setStyleSheet(f"color: {theme.tokens.text3};")
    assert faint(window) == []
    window.hide()
    window.deleteLater()
