"""What floats over a conversation: the day that is shown, and the button to its end."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QWidget,
)

from app.text.status import texts
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import (
    TEXT_CAPTION,
    TEXT_SMALL,
    Theme,
)


class JumpButton(QAbstractButton):
    """Round while there is nothing new, a pill with words when there is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._new: int | None = 0  # None when it is not known how many
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.retranslate()

    def add_new(self, count: int | None) -> None:
        """Add *count* to the new messages; None when the number is unknown."""
        self._new = None if self._new is None or count is None else self._new + count
        self.retranslate()

    def forget_new(self) -> None:
        """Nothing is new any more."""
        self._new = 0
        self.retranslate()

    def place(self, width: int, height: int) -> None:
        """Stand over the lower edge of a view of this size: in the corner, or in the middle with words."""
        size = self.sizeHint()
        left = (width - size.width()) // 2 if self.text() else width - size.width() - _BUTTON_EDGE
        self.setGeometry(left, height - size.height() - _BUTTON_EDGE, size.width(), size.height())

    def retranslate(self) -> None:
        if self._new == 0:
            self.setText("")
            self.setAccessibleName(texts("conversation.to_end"))
        else:
            new = texts("conversation.new") if self._new is None else texts.plural("conversation.new_count", self._new)
            self.setText(new)
            self.setAccessibleName(new)
        self.setToolTip(texts("conversation.to_end"))
        self.resize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        high = self._theme.px(_HEIGHT)
        if not self.text():
            return QSize(high, high)
        wide = QFontMetricsF(self._font()).horizontalAdvance(self.text())
        return QSize(round(wide) + 2 * self._theme.px(_PADDING) + self._theme.px(_JUMP_ICON) + _GAP, high)

    def _font(self) -> QFont:
        return self._theme.font(TEXT_SMALL, QFont.Weight.DemiBold)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, new = self._theme.tokens, bool(self.text())
        ground = colours.accent if new else colours.raised
        ink = colours.on_accent if new else colours.text2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = colours.text if self.hasFocus() else ground if new else colours.border_strong
        width = 2 if self.hasFocus() else 1
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(colours.hover if self.underMouse() and not new else ground))
        frame = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        side = self._theme.px(_JUMP_ICON)
        left = self._theme.px(_PADDING) if new else (self.width() - side) / 2
        sign = pixmap("chevron-down", ink, side, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(left, (self.height() - side) / 2), sign)
        if new:
            painter.setFont(self._font())
            painter.setPen(QColor(ink))
            words = QRectF(left + side + _GAP, 0, self.width(), self.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()


_HEIGHT, _JUMP_ICON, _PADDING, _GAP, _BUTTON_EDGE = 36, 16, 14, 6, 16
_SHOWN_MILLISECONDS = 1200


_TOP = 8


class DayPill(QWidget):
    """Shows the day while scrolling. Ignores clicks, and is hidden from screen readers: rows have their own day."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MILLISECONDS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_day(self, words: str, width: int) -> None:
        """Show *words* in the middle of what is *width* wide, for a moment."""
        self._words = words
        metrics = QFontMetricsF(self._font())
        px = self._theme.px
        wide, high = round(metrics.horizontalAdvance(words)) + px(22), round(metrics.height()) + px(9)
        self.setGeometry((width - wide) // 2, _TOP, wide, high)
        self.show()
        self.raise_()
        self.update()
        self._timer.start()

    def _font(self) -> QFont:
        return self._theme.font(TEXT_CAPTION, QFont.Weight.Medium)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.setBrush(QColor(colours.raised))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        painter.setFont(self._font())
        painter.setPen(QColor(colours.text))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()
