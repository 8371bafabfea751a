"""One backup to choose: when it was made and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from app.domain.backup import BackupInfo
from app.ui.conversations.words import size
from app.ui.icons import icon
from app.ui.recovery.sizes import counted
from app.ui.text import age, date_time, texts
from app.ui.theme import RADIUS_ROW, SPACE_2, SPACE_3, TEXT_BODY, TEXT_SMALL, Theme
from app.ui.words import plain_tip

_WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
_WIDTH, _DOT, _LOCK = 316, 18, 14


def contents(info: BackupInfo) -> str:
    """What is in it: messages, a session or none, protected or not, how large."""
    said = [
        counted("settings.history.messages", info.messages),
        texts("archive.session" if info.account else "archive.no_session"),
        texts("archive.protected" if info.encrypted else "archive.unprotected"),
        size(info.size),
    ]
    return " · ".join(filter(None, said))


class ArchiveButton(QAbstractButton):
    """Chosen or not, like a radio button: a dot and an edge say which."""

    def __init__(self, theme: Theme, info: BackupInfo, now: Callable[[], datetime]) -> None:
        super().__init__(checkable=True, autoExclusive=True)
        self.info = info
        self._theme = theme
        self._now = now
        self._line = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self.updateGeometry)
        self.retranslate()

    def retranslate(self) -> None:
        now = self._now()
        when = date_time(self.info.at.astimezone(), now.astimezone().date())
        self.setText(f"{when} · {age(now - self.info.at)}")
        self._line = contents(self.info)
        self.setAccessibleName(f"{self.text()}. {self._line}")
        self.setToolTip(plain_tip(str(self.info.path)))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        room = width - self._left - SPACE_3
        return sum(self._height(font, words, room) for font, words in self._words()) + 2 * SPACE_3

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, self.heightForWidth(_WIDTH))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._left + self._theme.px(90), 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens, on = self._theme.tokens, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge, width = (tokens.focus, 2.0) if self.hasFocus() else (tokens.accent if on else tokens.border, 1.0)
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(tokens.selected if on else tokens.hover if self.underMouse() else tokens.raised))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS_ROW, RADIUS_ROW)
        self._paint_dot(painter)
        room, top = self.width() - self._left - SPACE_3, SPACE_3
        for (font, words), colour in zip(self._words(), (tokens.text, tokens.text2), strict=True):
            height = self._height(font, words, room)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(QRect(self._left, top, room, height), _WRAPPED, words)
            top += height
        painter.end()

    def _paint_dot(self, painter: QPainter) -> None:
        tokens, side = self._theme.tokens, self._theme.px(_DOT)
        circle = QRectF(SPACE_3 + 1, (self.height() - side) / 2, side, side).adjusted(1, 1, -1, -1)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(circle)
            inner, at = self._theme.px(_LOCK) - 2, circle.center().toPoint()
            drawing = icon("check", tokens.on_accent, inner)
            drawing.paint(painter, QRect(at.x() - inner // 2, at.y() - inner // 2, inner, inner))
        else:
            painter.setPen(QPen(QColor(tokens.border_strong), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)

    @property
    def _left(self) -> int:
        return SPACE_3 + self._theme.px(_DOT) + SPACE_2 + 4

    def _words(self) -> tuple[tuple[QFont, str], tuple[QFont, str]]:
        return (
            (self._theme.font(TEXT_BODY, QFont.Weight.DemiBold), self.text()),
            (self._theme.font(TEXT_SMALL), self._line),
        )

    @staticmethod
    def _height(font: QFont, words: str, room: int) -> int:
        return QFontMetrics(font).boundingRect(QRect(0, 0, room, 1000), _WRAPPED, words).height()
