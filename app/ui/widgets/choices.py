"""Segmented choices and tabs: a few options side by side, of which one is selected."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QColor, QFont, QFontMetrics, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QMenu, QPushButton, QSizePolicy, QTabBar, QWidget

from app.ui.theme import tokens as t
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import SPACE_2, TEXT_BODY, Theme
from app.ui.widgets.layouts import FlowLayout

_PADDING, _TICK, _GAP = 12, 14, 5


class _Option(QAbstractButton):
    """An option; the selected one has a tick, as colour alone is not enough."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.toggled.connect(lambda _on: self.updateGeometry())

    def set_text(self, words: str) -> None:
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
        edge = colours.accent if on else colours.border_strong
        ground = colours.accent_soft if on else colours.hover if self.underMouse() else colours.raised
        words, width = colours.on_accent_soft if on else colours.text, 1.0
        if not self.isEnabled():
            edge, ground, words = colours.border, colours.bg, colours.text3
        elif self.hasFocus():
            edge, width = colours.focus, 2.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = width / 2
        frame = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        left = float(_PADDING)
        if on:
            side = self._theme.px(_TICK)
            sign = pixmap("check", words, side, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, (self.height() - side) / 2), sign)
            left += side + _GAP
        painter.setFont(self._font())
        painter.setPen(QColor(words))
        painter.drawText(QRectF(left, 0, self.width(), self.height()), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


class SegmentedControl(QWidget):
    """One Tab stop; arrows move within. `picked` is emitted for user input only."""

    picked = Signal(object)

    def __init__(self, theme: Theme, options: Sequence[Hashable], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._by_option = {option: _Option(theme, self) for option in options}
        row = FlowLayout(self, spacing=6)
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
        """Select *option* without emitting `picked`."""
        if option in self._by_option:
            self._by_option[option].setChecked(True)

    def take_focus(self) -> None:
        """Focus the selected option."""
        chosen = self._buttons.checkedButton()
        if chosen is not None:
            chosen.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_text(self, name: str, words: Sequence[str]) -> None:
        """Set the accessible name, and the labels of the options in their order."""
        self.setAccessibleName(name)
        for button, text in zip(self._by_option.values(), words, strict=True):
            button.set_text(text)
            button.setAccessibleName(f"{name}: {text}")


_ICON = 14
Option = tuple[Hashable, str]


class DropdownButton(QPushButton):
    """*options* is asked each time the menu opens. The words after the name say what is chosen now."""

    picked = Signal(object)

    def __init__(self, theme: Theme, options: Callable[[], Sequence[Option]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._options = options
        self._name = ""
        self._room: int | None = None
        self.chosen: Hashable = None
        self.setProperty("role", "pick")
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow stands behind the words
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._open)
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        side = self._theme.px(_ICON)
        self.setIcon(icon("chevron-down", self._theme.tokens.text2, side))
        self.setIconSize(QSize(side, side))
        if self._room is not None:
            self._refresh()
        self.updateGeometry()

    def set_text(self, name: str) -> None:
        """Set the accessible name, which the selected option follows."""
        self._name = name
        self._refresh()

    def choose(self, option: Hashable) -> None:
        """Select *option* without emitting `picked`."""
        self.chosen = option
        self._refresh()

    def fit(self, room: int) -> None:
        """Take no more than *room* pixels: first the name gives way, then the end of what is chosen."""
        if room != self._room:
            self._room = room
            self._refresh()

    def menu_of_options(self) -> QMenu:
        menu = QMenu(self)
        menu.setStyleSheet("QMenu { menu-scrollable: 1; }")  # otherwise a long one covers the screen in columns
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        group = QActionGroup(menu)
        for option, words in self._options():
            entry = menu.addAction(words.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(option == self.chosen)
            entry.triggered.connect(partial(self._select, option))
            group.addAction(entry)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _open(self) -> None:
        self.menu_of_options().popup(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def _select(self, option: Hashable, _checked: bool = False) -> None:
        if option != self.chosen:
            self.choose(option)
            self.picked.emit(option)

    def _refresh(self) -> None:
        words = next((words for option, words in self._options() if option == self.chosen), "—")
        metrics = self.fontMetrics()
        room = self._theme.px(200)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        whole = f"{self._name}: {shown}" if self._name else shown
        if self._room is not None:
            taken = self.sizeHint().width() - metrics.horizontalAdvance(self.text().replace("&&", "&")) + 2
            if metrics.horizontalAdvance(whole) > self._room - taken:
                whole = metrics.elidedText(words, Qt.TextElideMode.ElideRight, self._room - taken)
        self.setText(whole.replace("&", "&&"))
        self.setAccessibleName(f"{self._name}: {words}" if self._name else words)


_BOX, _BOX_TICK = 18, 14
_WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
_WIDTH = 320


class CheckBox(QAbstractButton):
    """A check box whose label wraps. Space or a click toggles it."""

    def __init__(self, theme: Theme, words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.updateGeometry)
        self.set_text(words)

    def set_text(self, words: str) -> None:
        self.setText(words)
        self.setAccessibleName(words)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(self._theme.px(_BOX) + 4, self._text_rect(width).height() + 4)

    def sizeHint(self) -> QSize:
        words = QFontMetrics(self._theme.font(TEXT_BODY)).horizontalAdvance(self.text())
        width = min(self._theme.px(_WIDTH), words + self._text_left + 2)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._text_left + self._theme.px(60), self._theme.px(_BOX) + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, side, on = self._theme.tokens, self._theme.px(_BOX), self.isChecked()
        edge, ground, sign, words = colours.border_strong, colours.bg, colours.on_accent, colours.text
        if not self.isEnabled():
            edge, sign, words = colours.border, colours.text3, colours.text3
        elif on:
            ground = colours.accent
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2.0 if self.hasFocus() else 1.0
        painter.setPen(QPen(QColor(colours.focus if self.hasFocus() else edge), width))
        painter.setBrush(QColor(ground))
        inset = width / 2 + 1
        painter.drawRoundedRect(QRectF(0, 1, side + 2, side + 2).adjusted(inset, inset, -inset, -inset), 5, 5)
        if on:
            tick = self._theme.px(_BOX_TICK)
            at = (side + 2 - tick) // 2
            painter.drawPixmap(at, at + 1, pixmap("check", sign, tick, self.devicePixelRatioF()))
        painter.setFont(self._theme.font(TEXT_BODY))
        painter.setPen(QColor(words))
        painter.drawText(self._text_rect(self.width()), _WRAPPED, self.text())
        painter.end()

    @property
    def _text_left(self) -> int:
        return self._theme.px(_BOX) + 2 + SPACE_2

    def _text_rect(self, width: int) -> QRect:
        room = QRect(self._text_left, 2, max(1, width - self._text_left), 10_000)
        return QFontMetrics(self._theme.font(TEXT_BODY)).boundingRect(room, _WRAPPED, self.text())


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
