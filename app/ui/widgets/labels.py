"""Words as they are: labels whose weight can be relied on, and tips that are no HTML.

A style sheet picks a weight by name, and a variable typeface has only its regular one by name on some platforms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.text.signs import Tone
from app.ui.theme.icons import icon
from app.ui.theme.theme import BADGE_HEIGHT, TEXT_BODY, TEXT_SMALL, Theme


def plain_tip(words: str) -> str:
    """*words* for a tool tip, which Qt would render, images and all, when there is a tag in them."""
    if not GuiQt.mightBeRichText(words):
        return words
    from html import escape  # knows every character of HTML by its name, which takes the first picture a millisecond

    return f"<p>{escape(words)}</p>"


_LONGEST = 16


def breakable(words: str, longest: int = _LONGEST) -> str:
    """*words* with places where a line may end inside of what is longer than *longest*: an address, a path, a code."""
    return re.sub(rf"[^\s\u200b]{{{longest + 1},}}", lambda found: "\u200b".join(_pieces(found[0], longest)), words)


def _pieces(word: str, longest: int) -> Iterator[str]:
    """Of an address or a path, its parts; of a part that is still too long, as much as fits."""
    for part in re.findall(r"[^/\\@:,]*[/\\@:,]|[^/\\@:,]+", word):
        yield from [part] if len(part) <= longest else re.findall(rf"[^._-]{{0,{longest - 1}}}.", part)


class WrappingLabel(QLabel):
    """Plain text that wraps, also inside of a word that is too long, and so never asks for more room than there is."""

    def __init__(self, words: str = "") -> None:
        super().__init__(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.setText(words)

    def setText(self, words: str) -> None:  # noqa: N802 - Qt's name
        super().setText(breakable(words))

    def text(self) -> str:
        return super().text().replace("\u200b", "")


def text_label(words: str = "", role: str = "", *, wraps: bool = True, selectable: bool = False) -> QLabel:
    """Plain text in the colours that the style sheet has for *role*."""
    label = QLabel(words, wordWrap=wraps, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    if selectable:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def set_role(widget: QWidget, role: str) -> None:
    """Give *widget* the look of *role* while it is shown: a style sheet reads properties only when it is applied."""
    if (widget.property("role") or "") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ScaledLabel(QLabel):
    """Plain text in the theme's typeface; it wraps, and follows the person's text size."""

    def __init__(
        self,
        theme: Theme,
        size: int = TEXT_BODY,
        weight: QFont.Weight = QFont.Weight.Normal,
        *,
        wraps: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, wordWrap=wraps, textFormat=Qt.TextFormat.PlainText)
        self._theme = theme
        self._size = size
        self._weight = weight
        theme.changed.connect(self.rescale)
        self.rescale()

    def rescale(self) -> None:
        """Set the font again; a style sheet forgets it when the label gets another parent."""
        self.setFont(self._theme.font(self._size, self._weight))


_HEIGHT = 4
_STEP_MILLISECONDS, _STEPS = 33, 45


class IndeterminateBar(QWidget):
    """Stands still where the person asked their system for less motion."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._at = _STEPS // 3
        self._timer = QTimer(self, interval=_STEP_MILLISECONDS)
        self._timer.timeout.connect(self._move)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def showEvent(self, event: QShowEvent) -> None:
        from PySide6.QtWidgets import QStyle  # its enumerations take long, and the first picture needs none

        super().showEvent(event)
        if self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self) > 0:
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, width, height = self._theme.tokens, self.width(), self.height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 0))
        painter.setBrush(QColor(colours.border))
        painter.drawRoundedRect(QRectF(0, 0, width, height), height / 2, height / 2)
        painter.setBrush(QColor(colours.accent))
        piece = width / 4
        left = -piece + (width + piece) * self._at / _STEPS
        painter.setClipRect(self.rect())
        painter.drawRoundedRect(QRectF(left, 0, piece, height), height / 2, height / 2)
        painter.end()

    def _move(self) -> None:
        self._at = (self._at + 1) % _STEPS
        self.update()


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
