"""An action as a card: what it does, or, when it does not fit now, a lock and why."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.core.action import ActionName, Refusal
from app.ui.action_slots import ICON_OF
from app.ui.icons import icon
from app.ui.text import action, refusal, texts
from app.ui.theme import (
    ACTION_CARD_HEIGHT,
    RADIUS_CONTROL,
    RADIUS_ROW,
    SPACE_2,
    SPACE_3,
    TEXT_BODY,
    TEXT_SMALL,
    Theme,
)

_TILE = 36
_ICON = 18
_MARK = 16
_WIDTH = 316
_WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


class ActionCard(QAbstractButton):
    """Clickable when the action fits; `refused` otherwise. It is told which, it does not know the rules."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = ActionName.CONNECT
        self._line = ""
        self._told: tuple[ActionName, str, str, bool] | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.changed.connect(self.updateGeometry)
        theme.changed.connect(self.update)

    @property
    def name(self) -> ActionName:
        return self._name

    def show_action(self, name: ActionName, refused: Refusal | None, *, busy: bool = False) -> None:
        label, line = action(name)
        told = (name, label, refusal(refused) if refused else line, refused is None and not busy)
        if told == self._told:
            return  # asked every second, and measuring words is what costs
        self._told = told
        self._name = name
        self._line = told[2]
        self.setText(label)
        self.setEnabled(refused is None and not busy)
        self.setCursor(Qt.CursorShape.ArrowCursor if refused else Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(label)
        self.setAccessibleDescription(texts("detail.locked", why=self._line) if refused else line)
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        room = width - self._around_words
        words = self._height(self._name_font, self.text(), room) + self._height(self._line_font, self._line, room)
        return max(ACTION_CARD_HEIGHT, words + 2 * SPACE_3)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, self.heightForWidth(_WIDTH))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._around_words + self._theme.px(80), ACTION_CARD_HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        locked, warm = not self.isEnabled(), self.isEnabled() and self.underMouse()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QPen(QColor(tokens.focus), 2) if self.hasFocus() else QPen(QColor(tokens.border), 1)
        painter.setPen(edge)
        painter.setBrush(QColor(tokens.bg if locked else tokens.hover if warm else tokens.raised))
        inset = edge.widthF() / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS_ROW, RADIUS_ROW)

        side, drawn, small = (self._theme.px(size) for size in (_TILE, _ICON, _MARK))
        tile = QRect(SPACE_3, (self.height() - side) // 2, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.border if locked else tokens.accent_soft))
        painter.drawRoundedRect(tile, RADIUS_CONTROL, RADIUS_CONTROL)
        drawing = icon(ICON_OF[self._name], tokens.text3 if locked else tokens.on_accent_soft, drawn)
        drawing.paint(painter, _middle(tile, drawn))
        edge_of_card = QRect(self.width() - SPACE_3 - small, 0, small, self.height())
        mark = icon("lock" if locked else "chevron-right", tokens.text3 if locked else tokens.text2, small)
        mark.paint(painter, _middle(edge_of_card, small))
        self._paint_words(painter, tokens.text2 if locked else tokens.text, tokens.text3)
        painter.end()

    def _paint_words(self, painter: QPainter, strong: str, soft: str) -> None:
        left, room = 2 * SPACE_3 + self._theme.px(_TILE), self.width() - self._around_words
        upper = self._height(self._name_font, self.text(), room)
        lower = self._height(self._line_font, self._line, room)
        top = (self.height() - upper - lower) // 2
        for font, words, colour, at in (
            (self._name_font, self.text(), strong, QRect(left, top, room, upper)),
            (self._line_font, self._line, soft, QRect(left, top + upper, room, lower)),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(at, _WRAPPED, words)

    @property
    def _around_words(self) -> int:
        """What the width spends on the picture, the mark and the gaps."""
        return 3 * SPACE_3 + self._theme.px(_TILE) + SPACE_2 + self._theme.px(_MARK)

    @property
    def _name_font(self) -> QFont:
        return self._theme.font(TEXT_BODY, QFont.Weight.DemiBold)

    @property
    def _line_font(self) -> QFont:
        return self._theme.font(TEXT_SMALL)

    @staticmethod
    def _height(font: QFont, words: str, room: int) -> int:
        return QFontMetrics(font).boundingRect(QRect(0, 0, room, 1000), _WRAPPED, words).height()


def _middle(rect: QRect, side: int) -> QRect:
    return QRect(rect.left() + (rect.width() - side) // 2, rect.top() + (rect.height() - side) // 2, side, side)
