"""A quiet row of words of which one is chosen, drawn as a line below it. Arrows move between them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QTabBar, QWidget

from app.ui.theme.theme import TEXT_BODY, Theme

_HEIGHT, _BETWEEN, _LINE = 38, 22, 2


class Tabs(QTabBar):
    """Qt's own tabs for keyboard and screen readers; painted by hand, so that no word is cut off or jumps."""

    def __init__(self, theme: Theme, *, height: int = _HEIGHT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._height = height
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_words(self, *words: str) -> None:
        """One tab for each, in order; the chosen one stays."""
        for place, word in enumerate(words):
            if place == self.count():
                self.addTab(word)
            self.setTabText(place, word)

    def tabSizeHint(self, place: int) -> QSize:  # noqa: N802 - Qt
        wide = QFontMetricsF(self._bold).horizontalAdvance(self.tabText(place))
        return QSize(round(wide) + 1 + self._theme.px(_BETWEEN), self._theme.px(self._height))

    def minimumTabSizeHint(self, place: int) -> QSize:  # noqa: N802 - Qt
        return QSize(self._theme.px(_BETWEEN) * 2, self.tabSizeHint(place).height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place in range(self.count()):
            chosen = place == self.currentIndex()
            frame = QRectF(self.tabRect(place)).adjusted(0, 0, -self._theme.px(_BETWEEN), 0)
            painter.setFont(self._bold if chosen else self._plain)
            painter.setPen(QColor(colours.text if chosen else colours.text2))
            shown = QFontMetricsF(painter.font()).elidedText(
                self.tabText(place), Qt.TextElideMode.ElideRight, frame.width() + 1
            )
            painter.drawText(frame.adjusted(0, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter, shown)
            if chosen:
                line = QRectF(frame.left(), frame.bottom() - _LINE, frame.width(), _LINE)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(colours.accent))
                painter.drawRoundedRect(line, 1, 1)
                if self.hasFocus():
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(QColor(colours.focus), 1.5))
                    painter.drawRoundedRect(frame.adjusted(0.75, 3, -0.75, -5), 5, 5)
        painter.end()

    def _restyle(self) -> None:
        self._plain = self._theme.font(TEXT_BODY, QFont.Weight.Medium)
        self._bold = self._theme.font(TEXT_BODY, QFont.Weight.DemiBold)
        self.setFont(self._bold)  # tells Qt to measure again
        self.updateGeometry()
        self.update()
