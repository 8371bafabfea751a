"""Buttons as large as cards, with room for a line of explanation, and one kind to choose among a few."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui.theme.icons import icon
from app.ui.theme.theme import RADIUS_ROW, SPACE_2, SPACE_3, TEXT_BODY, TEXT_SMALL, Theme

WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
_WIDTH, _DOT, _MARK = 316, 18, 14


class CardButton(QAbstractButton):
    """A button with a name and a line below it, both of which wrap. Enter presses it, as the space bar does."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._line = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.changed.connect(self.updateGeometry)

    def hasHeightForWidth(self) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, self.heightForWidth(_WIDTH))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    @property
    def _name_font(self) -> QFont:
        return self._theme.font(TEXT_BODY, QFont.Weight.DemiBold)

    @property
    def _line_font(self) -> QFont:
        return self._theme.font(TEXT_SMALL)

    @staticmethod
    def _height(font: QFont, words: str, room: int) -> int:
        return QFontMetrics(font).boundingRect(QRect(0, 0, room, 1000), WRAPPED, words).height()


class RadioCard(CardButton):
    """A card to select like a radio button."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_words(self, name: str, line: str) -> None:
        self.setText(name)
        self._line = line
        self.setAccessibleName(f"{name}. {line}")
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        room = width - self._text_left - SPACE_3
        return sum(self._height(font, words, room) for font, words in self._text_parts()) + 2 * SPACE_3

    def minimumSizeHint(self) -> QSize:
        return QSize(self._text_left + self._theme.px(90), 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens, on = self._theme.tokens, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge, width = (tokens.focus, 2.0) if self.hasFocus() else (tokens.accent if on else tokens.border, 1.0)
        ground, colours = tokens.selected if on else tokens.raised, (tokens.text, tokens.text2)
        if not self.isEnabled():
            edge, ground, colours = tokens.border, tokens.bg, (tokens.text3, tokens.text3)
        elif self.underMouse() and not on:
            ground = tokens.hover
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(ground))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS_ROW, RADIUS_ROW)
        self._paint_dot(painter)
        room, top = self.width() - self._text_left - SPACE_3, SPACE_3
        for (font, words), colour in zip(self._text_parts(), colours, strict=True):
            height = self._height(font, words, room)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(QRect(self._text_left, top, room, height), WRAPPED, words)
            top += height
        painter.end()

    def _paint_dot(self, painter: QPainter) -> None:
        tokens, side = self._theme.tokens, self._theme.px(_DOT)
        circle = QRectF(SPACE_3 + 1, (self.height() - side) / 2, side, side).adjusted(1, 1, -1, -1)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent if self.isEnabled() else tokens.text3))
            painter.drawEllipse(circle)
            inner, at = self._theme.px(_MARK) - 2, circle.center().toPoint()
            drawing = icon("check", tokens.on_accent, inner)
            drawing.paint(painter, QRect(at.x() - inner // 2, at.y() - inner // 2, inner, inner))
        else:
            painter.setPen(QPen(QColor(tokens.border_strong if self.isEnabled() else tokens.border), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)

    @property
    def _text_left(self) -> int:
        return SPACE_3 + self._theme.px(_DOT) + SPACE_2 + 4

    def _text_parts(self) -> tuple[tuple[QFont, str], tuple[QFont, str]]:
        return (self._name_font, self.text()), (self._line_font, self._line)
