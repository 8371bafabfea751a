"""Icons in any colour: one-colour SVG drawings, rendered once for each colour, size and screen."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap

from app.text import translator


@cache
def _source(name: str) -> str:
    return (translator.resources_folder() / "icons" / f"{name}.svg").read_text("utf-8")


@cache
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """The drawing called *name*, *size* logical pixels wide, sharp on a screen with that device pixel *ratio*."""
    from PySide6.QtSvg import QSvgRenderer  # not needed before the first picture is drawn

    image = QPixmap(round(size * ratio), round(size * ratio))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(_source(name).replace("currentColor", colour).encode()).render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


@cache
def icon(name: str, colour: str, size: int) -> QIcon:
    """The drawing as an icon for buttons and menus, sharp on every screen that is plugged in."""
    drawn = QIcon()
    for ratio in sorted({1.0, 2.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}):
        drawn.addPixmap(pixmap(name, colour, size, ratio))
    return drawn
