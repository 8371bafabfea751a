"""Icons in any colour: one-colour SVG drawings, rendered once for each colour, size and screen."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPixmap

from app.text import translator
from app.ui.theme.tokens import BadgeColours


@cache
def _source(name: str) -> str:
    return (translator.resources_folder() / "icons" / f"{name}.svg").read_text("utf-8")


def read_all() -> None:
    """Read every drawing: after an update, or once the package was removed, one may be gone when it is needed."""
    for file in (translator.resources_folder() / "icons").glob("*.svg"):
        _source(file.stem)


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
def pixel_ratio(painter: QPainter) -> float:
    """Pixels per logical pixel of what *painter* paints on."""
    return float(painter.device().devicePixelRatioF())


def icon(name: str, colour: str, size: int) -> QIcon:
    """The drawing as an icon for buttons and menus, sharp on every screen that is plugged in."""
    drawn = QIcon()
    for ratio in sorted({1.0, 2.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}):
        drawn.addPixmap(pixmap(name, colour, size, ratio))
    return drawn


def paint_icon_circle(painter: QPainter, frame: QRectF, colours: BadgeColours, name: str, size: int) -> None:
    """Paint a circle into *frame*, with the icon *name*, *size* logical pixels wide, in its middle."""
    _paint_circle(painter, frame, colours)
    at = QPointF(frame.center().x() - size / 2, frame.center().y() - size / 2)
    painter.drawPixmap(at, pixmap(name, colours.fg, size, float(painter.device().devicePixelRatioF())))


def paint_letter_circle(painter: QPainter, frame: QRectF, colours: BadgeColours, letters: str, font: QFont) -> None:
    """Paint a circle into *frame*, with *letters* in its middle."""
    _paint_circle(painter, frame, colours)
    painter.setFont(font)
    painter.setPen(QColor(colours.fg))
    painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, letters)


def _paint_circle(painter: QPainter, frame: QRectF, colours: BadgeColours) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.bg))
    painter.drawEllipse(frame)
