"""The pill that says how a link is doing, in a colour, an icon and a word. The list and the pane paint the same one."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.icons import icon
from app.ui.theme import BADGE_HEIGHT, TEXT_SMALL, Theme, Tone

ICON_LEFT = 9
ICON_SIZE = 14
TEXT_LEFT = 27
TEXT_RIGHT = 10


def badge_font(theme: Theme) -> QFont:
    return theme.font(TEXT_SMALL, QFont.Weight.Medium)


def badge_size(text: str, theme: Theme) -> QSize:
    """How large the pill with *text* wants to be."""
    words = QFontMetrics(badge_font(theme)).horizontalAdvance(text)
    return QSize(theme.px(TEXT_LEFT) + words + theme.px(TEXT_RIGHT), theme.px(BADGE_HEIGHT))


def paint_badge(painter: QPainter, rect: QRect, tone: Tone, icon_name: str, text: str, theme: Theme) -> None:
    """Fill *rect* with the pill; a text that does not fit is elided, the icon never is."""
    colours = theme.tokens.badge[tone]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.bg))
    radius = rect.height() / 2
    painter.drawRoundedRect(QRectF(rect), radius, radius)

    side = theme.px(ICON_SIZE)
    at = QRect(rect.left() + theme.px(ICON_LEFT), rect.top() + (rect.height() - side) // 2, side, side)
    icon(icon_name, colours.fg, side).paint(painter, at)

    painter.setFont(badge_font(theme))
    painter.setPen(QColor(colours.fg))
    room = rect.adjusted(theme.px(TEXT_LEFT), 0, -theme.px(TEXT_RIGHT) + 1, 0)
    words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
    painter.restore()


class Badge(QWidget):
    """The pill as a widget; give it a tone, an icon and a word."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone, self._icon, self._text = Tone.IDLE, "wifi-off", ""
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    def show_badge(self, tone: Tone, icon_name: str, text: str) -> None:
        if (tone, icon_name, text) == (self._tone, self._icon, self._text):
            return
        self._tone, self._icon, self._text = tone, icon_name, text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return badge_size(self._text, self._theme)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(TEXT_LEFT + TEXT_RIGHT), self._theme.px(BADGE_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_badge(painter, self.rect(), self._tone, self._icon, self._text, self._theme)
        painter.end()
