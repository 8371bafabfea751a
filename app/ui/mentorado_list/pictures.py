"""The small pictures of a row, painted once for each look: initials in a circle, and the badge."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPixmap

from app.ui.badge import badge_size, paint_badge
from app.ui.icons import pixmap
from app.ui.theme import Theme
from app.ui.tokens import BadgeColours, Tone

MARK_SIZE = 20


def initials(name: str) -> str:
    """The first letters of the first and the last name."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()


@lru_cache(maxsize=2048)
def avatar(letters: str, colours: BadgeColours, size: int, font: QFont, ratio: float) -> QPixmap:
    """*letters* in a circle of *size* logical pixels."""
    picture = _blank(size, size, ratio)
    painter = _painter(picture)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.bg))
    painter.drawEllipse(QRectF(0, 0, size, size))
    painter.setFont(font)
    painter.setPen(QColor(colours.fg))
    painter.drawText(QRectF(0, 0, size, size), Qt.AlignmentFlag.AlignCenter, letters)
    painter.end()
    return picture


def badge(word: str, icon_name: str, tone: Tone, room: int, theme: Theme, ratio: float) -> QPixmap:
    """The badge as wide as *word* needs, or as wide as *room* allows."""
    return _badge(word, icon_name, tone, room, theme, theme.tokens.dark, theme.text_scale, ratio)


@lru_cache(maxsize=512)
def _badge(
    word: str, icon_name: str, tone: Tone, room: int, theme: Theme, _dark: bool, _text_scale: int, ratio: float
) -> QPixmap:
    size = badge_size(word, theme)
    width, height = min(size.width(), room), size.height()
    picture = _blank(width, height, ratio)
    painter = _painter(picture)
    paint_badge(painter, QRect(0, 0, width, height), tone, icon_name, word, theme)
    painter.end()
    return picture


@lru_cache(maxsize=32)
def mark(icon_name: str, colours: BadgeColours, size: int, ratio: float) -> QPixmap:
    """A small round mark beside a badge."""
    picture = _blank(size, size, ratio)
    painter = _painter(picture)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.bg))
    painter.drawEllipse(QRectF(0, 0, size, size))
    inner = round(size * 0.6)
    painter.drawPixmap(QPointF((size - inner) / 2, (size - inner) / 2), pixmap(icon_name, colours.fg, inner, ratio))
    painter.end()
    return picture


def _blank(width: int, height: int, ratio: float) -> QPixmap:
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def _painter(picture: QPixmap) -> QPainter:
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return painter
