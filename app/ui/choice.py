"""A few options side by side, of which one is chosen: painted like the chips of the list, with a tick."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from app.ui import tokens as t
from app.ui.icons import pixmap
from app.ui.theme import Theme
from app.ui.wrapping import WrappingRow

_PADDING, _TICK, _GAP = 12, 14, 5


class _Option(QAbstractButton):
    """The one that is chosen has a tick: colour alone would not do."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.toggled.connect(lambda _on: self.updateGeometry())

    def say(self, words: str) -> None:
        self.setText(words)
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def _font(self) -> QFont:
        return self._theme.font(t.TEXT_SMALL, QFont.Weight.Medium)

    def sizeHint(self) -> QSize:
        width = 2 * _PADDING + QFontMetricsF(self._font()).horizontalAdvance(self.text())
        if self.isChecked():
            width += self._theme.px(_TICK) + _GAP
        return QSize(round(width) + 1, self._theme.px(t.CHIP_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, on = self._theme.tokens, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge, width = (
            (colours.focus, 2.0) if self.hasFocus() else (colours.accent if on else colours.border_strong, 1.0)
        )
        inset = width / 2
        frame = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(colours.accent_soft if on else colours.hover if self.underMouse() else colours.raised))
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        left = float(_PADDING)
        if on:
            side = self._theme.px(_TICK)
            sign = pixmap("check", colours.on_accent_soft, side, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, (self.height() - side) / 2), sign)
            left += side + _GAP
        painter.setFont(self._font())
        painter.setPen(QColor(colours.on_accent_soft if on else colours.text))
        painter.drawText(QRectF(left, 0, self.width(), self.height()), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


class Choice(QWidget):
    """Tab enters it once, arrows move within. `picked` is told only of what a person chose."""

    picked = Signal(object)

    def __init__(self, theme: Theme, options: Sequence[Hashable], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._by_option = {option: _Option(theme, self) for option in options}
        row = WrappingRow(self, spacing=6)
        for option, button in self._by_option.items():
            row.addWidget(button)
            self._buttons.addButton(button)
            button.clicked.connect(lambda _checked=False, option=option: self.picked.emit(option))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.updateGeometry)

    @property
    def chosen(self) -> Hashable:
        return next((option for option, button in self._by_option.items() if button.isChecked()), None)

    def button(self, option: Hashable) -> QAbstractButton:
        return self._by_option[option]

    def choose(self, option: Hashable) -> None:
        """Show *option* as the chosen one without telling anybody."""
        if option in self._by_option:
            self._by_option[option].setChecked(True)

    def say(self, name: str, words: Sequence[str]) -> None:
        """Go by *name*, with *words* for the options in their order."""
        self.setAccessibleName(name)
        for button, said in zip(self._by_option.values(), words, strict=True):
            button.say(said)
            button.setAccessibleName(f"{name}: {said}")
