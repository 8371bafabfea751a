"""The places of the window, one at a time, beside the rail that leads to them. Only home is there from the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.domain.errors import Problem
from app.text.status import texts
from app.ui.async_slots import until_destroyed
from app.ui.banners import Banners
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import click_focused_button
from app.ui.widgets.labels import plain_tip, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, set_beside, vbox

_RAIL_WIDTH, _WIDEST = 60, 84

HOME: Final = "home"
CONSENTS: Final = "consents"
SWITCHES: Final = "switches"
SETTINGS: Final = "settings"
DIAGNOSTICS: Final = "diagnostics"


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page beside home, a row of the table in `app.application`. Its label is `rail.<name>` in the catalogues."""

    name: str
    icon: str
    build: Callable[[], Page]


def shortcut(number: int) -> str:
    """The keys that lead to a page, counted from 1 for home."""
    return f"Ctrl+{number}"


class PageStack(QWidget):
    """The pages. Empty until `enable`; a page is built when it is first shown."""

    wanted = Signal(str)
    """Carries the name of a page."""

    def __init__(self, home: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.here = HOME
        self.icons = {HOME: "users"}
        """Of each page by its name, in the order of the shortcuts."""
        self._specs: dict[str, PageSpec] = {}
        self.rail: NavigationRail | None = None
        self._theme = theme
        self._home = home
        self._pages: dict[str, Page] = {}
        self._edge = QFrame()
        self._edge.setProperty("role", "rail")
        self._stack = QStackedLayout()
        layout = hbox(self._edge, inside=self)
        layout.addLayout(self._stack, 1)  # before it has parts: without a parent the first is a window of its own
        self._stack.addWidget(home)
        theme.changed.connect(self.restyle)
        self.restyle()

    @property
    def page(self) -> Page | None:
        """The current page; None on the home page."""
        return self._pages.get(self.here)

    def enable(self, specs: Sequence[PageSpec]) -> None:
        """Enable the pages of *specs*."""
        self._specs = {spec.name: spec for spec in specs}
        self.icons |= {spec.name: spec.icon for spec in specs}
        self.rail = NavigationRail(self._theme, self.icons)
        self.rail.wanted.connect(self.wanted)
        inside = QVBoxLayout(self._edge)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.rail)

    def show_page(self, name: str) -> bool:
        """Show a page; returns False before `enable`. Raises `KeyError` for a page that is not in the table."""
        if name != HOME:
            if self.rail is None:
                return False
            if name not in self._pages:
                self._build(self._specs[name])
        self.here = name
        self._stack.setCurrentWidget(self.page or self._home)
        if self.rail is not None:
            self.rail.select(name)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as the space bar does: Qt has that in dialogs only."""
        if not click_focused_button(self, event):
            super().keyPressEvent(event)

    def restyle(self) -> None:
        self._edge.setFixedWidth(min(self._theme.px(_RAIL_WIDTH), _WIDEST))

    def retranslate(self) -> None:
        if self.rail is not None:
            self.rail.retranslate()

    def _build(self, spec: PageSpec) -> None:
        self._pages[spec.name] = page = spec.build()
        self._stack.addWidget(page)


_BUTTON, _TALLEST, _ICON = 44, 68, 20
_TOOL_ICON = 18


class _Button(QAbstractButton):
    """An icon; the place one is in has a ground and a bar at the edge of the window, not a colour alone."""

    def __init__(self, icon: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = icon
        self._theme = theme
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def nextCheckState(self) -> None:  # noqa: N802 - Qt's name
        """Pressing asks for a place; only arriving there marks it."""

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(_BUTTON), min(self._theme.px(_BUTTON), _TALLEST))

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, here = self._theme.tokens, self.isChecked()
        height = self.height()
        ground = QRectF((self.width() - height) / 2, 0, height, height).adjusted(2, 2, -2, -2)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if here or self.underMouse():
            painter.setBrush(QColor(colours.accent_soft if here else colours.hover))
            painter.drawRoundedRect(ground, t.RADIUS_ROW, t.RADIUS_ROW)
        if here:
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(QRectF(-2, height / 2 - 12, 5, 24), 2, 2)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.focus), 2))
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), t.RADIUS_ROW - 1, t.RADIUS_ROW - 1)
        side = min(self._theme.px(_ICON), round(height * 0.6))
        sign = pixmap(self._icon, colours.on_accent_soft if here else colours.text2, side, self._ratio())
        painter.drawPixmap(QPointF((self.width() - side) / 2, (height - side) / 2), sign)
        painter.end()

    def _ratio(self) -> float:
        return self.devicePixelRatioF()


class NavigationRail(QWidget):
    """Says which place is wanted; who shows it calls `mark`."""

    wanted = Signal(str)

    def __init__(self, theme: Theme, icons: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons = {name: _Button(icon, theme, self) for name, icon in icons.items()}
        layout = vbox(inside=self, margins=(0, t.SPACE_4, 0, t.SPACE_4), spacing=t.SPACE_1)
        for name, button in self._buttons.items():
            button.clicked.connect(partial(self._ask_for, name))
            if name == SETTINGS:
                layout.addStretch(1)  # it is about the program, the others about the work
            layout.addWidget(button)
        self.select(HOME)
        theme.changed.connect(self.restyle)
        self.retranslate()

    def select(self, name: str) -> None:
        """This is where the window is now."""
        for each, button in self._buttons.items():
            button.setChecked(each == name)

    def restyle(self) -> None:
        for button in self._buttons.values():
            button.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("rail.name"))
        for number, (name, button) in enumerate(self._buttons.items(), 1):
            label = texts(f"rail.{name}")
            button.setAccessibleName(label)
            button.setToolTip(plain_tip(f"{label} ({shortcut(number)})"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        buttons = list(self._buttons.values())
        at = next((place for place, button in enumerate(buttons) if button.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        buttons[(at + step) % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)

    def _ask_for(self, name: str, _checked: bool = False) -> None:
        self.wanted.emit(name)


def _width_on_one_line(label: QLabel) -> int:
    label.ensurePolished()
    return label.fontMetrics().horizontalAdvance(label.text())


class Page(QWidget):
    """Add what is below the header to `column`, and buttons with `add_tool`. It follows language and text size.

    Below a width of `NARROW` it has other words, if it has a use for them: see `narrow`.
    """

    NARROW = 0

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = text_label(role="title", wraps=False)
        self._summary = text_label(role="secondary", wraps=False)
        for line in (self._title, self._summary):
            line.setMinimumWidth(1)  # a long one takes several lines instead of making the page wider
        words = vbox(spacing=1)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._summary)
        words.addStretch(1)
        self._beside: bool | None = None
        self._tools = QWidget()
        self.tools = FlowLayout(self._tools, spacing=t.SPACE_2)
        self._signs: dict[QPushButton, str] = {}
        self._timers: list[QTimer] = []
        self._header = QFrame()
        self._header.setProperty("role", "header")
        self._header.installEventFilter(self)
        self._head = hbox((words, 1), self._tools, inside=self._header, spacing=t.SPACE_4)
        self.banners = Banners(theme)
        self.column = vbox(self._header, self.banners, inside=self)
        until_destroyed(self, texts.on_change(self.retranslate))
        theme.changed.connect(self.restyle)

    @property
    def narrow(self) -> bool:
        """Whether there is room for the short words only."""
        return self.width() < self._theme.px(self.NARROW)

    def reveal(self, section: str) -> None:
        """Scroll to *section*, on a page that has several."""

    def add_tool(self, button: QPushButton, sign: str) -> None:
        """Put *button* into the header, with an icon."""
        self._signs[button] = sign
        self.tools.addWidget(button)

    def while_shown(self, milliseconds: int, act: Callable[[], object]) -> QTimer:
        """Have *act* called over and over as long as the page is on the screen."""
        timer = QTimer(self, interval=milliseconds)
        timer.timeout.connect(act)
        self._timers.append(timer)
        return timer

    @property
    def has_way_back(self) -> bool:
        """Whether something lies over the list of the page that Esc puts away."""
        return False

    def put_away(self) -> None:
        """Esc was pressed while there was a way back."""

    def set_title(self, title: str, summary: str) -> None:
        """Head the page with these words."""
        self._title.setText(title)
        self._summary.setText(summary)
        self.setAccessibleName(title)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # a button says something else
            self._fit_header()
        return super().eventFilter(watched, event)

    def _fit_header(self) -> None:
        """Where the buttons do not fit beside the title, they stand below it."""
        room, tools = self.width() - 2 * t.SPACE_6, self.tools.sizeHint().width()
        lines = (self._title, self._summary)
        words = max(_width_on_one_line(each) for each in lines)
        if words > room:  # it takes several lines anyway
            words = _width_on_one_line(self._title)
        beside, below = not tools or words + t.SPACE_4 + tools <= room, t.SPACE_4
        if beside is not self._beside:  # each change asks for a new layout, and so for another look
            self._beside = beside
            set_beside(self._head, beside)
            self._head.setSpacing(t.SPACE_4 if beside else 0)
            self._head.setAlignment(self._tools, Qt.AlignmentFlag.AlignVCenter if beside else Qt.AlignmentFlag(0))
            self._head.setContentsMargins(t.SPACE_6, 0, t.SPACE_6, 1 if beside else below + 1)
        height = self._theme.px(t.HEADER_HEIGHT)
        for_words = room - tools - t.SPACE_4 if beside and tools else room
        for each in lines:
            wraps = _width_on_one_line(each) > for_words
            if each.wordWrap() is not wraps:
                each.setWordWrap(wraps)
            if wraps:
                height += max(0, each.heightForWidth(for_words) - each.fontMetrics().height())
        self._header.setFixedHeight(height if beside else height + self.tools.heightForWidth(room) + below)

    def restyle(self) -> None:
        side, colours = self._theme.px(_TOOL_ICON), self._theme.tokens
        for button, sign in self._signs.items():
            colour = colours.on_accent if button.property("role") == "primary" else colours.text2
            button.setIcon(icon(sign, colour, side))
            button.setIconSize(QSize(side, side))
        self.retranslate()  # larger words may need shorter ones
        self._fit_header()

    def retranslate(self) -> None:
        self.banners.retranslate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_header()
        border = self._theme.px(self.NARROW)
        if self.NARROW and (event.size().width() < border) is not (event.oldSize().width() < border):
            self.retranslate()

    def take_focus(self) -> None:
        """Focus the main control of the page."""

    def begin_search(self) -> None:
        """Put the cursor where one searches, if one can."""

    def show_problem(self, problem: Problem) -> None:
        self.banners.show_problem(problem)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._leads_back(event):
            event.accept()  # else the window would use Esc for something else
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._leads_back(event):
            self.put_away()
        else:
            super().keyPressEvent(event)

    def _leads_back(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape and self.has_way_back

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for timer in self._timers:
            timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        for timer in self._timers:
            timer.stop()
