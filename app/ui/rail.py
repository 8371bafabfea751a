"""The rail at the left edge: the places of the window, one icon each."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui import tokens as t
from app.ui.icons import pixmap
from app.ui.places import SHORTCUTS, Place
from app.ui.text import texts
from app.ui.theme import Theme
from app.ui.words import plain_tip

_BUTTON, _TALLEST, _ICON = 44, 68, 20


ICONS = {Place.HOME: "users", Place.AUDIT: "ledger", Place.SETTINGS: "sliders"}


class _Button(QAbstractButton):
    """An icon; the place one is in has a ground and a bar at the edge of the window, not a colour alone."""

    def __init__(self, place: Place, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._place = place
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
        sign = pixmap(ICONS[self._place], colours.on_accent_soft if here else colours.text2, side, self._ratio())
        painter.drawPixmap(QPointF((self.width() - side) / 2, (height - side) / 2), sign)
        painter.end()

    def _ratio(self) -> float:
        return self.devicePixelRatioF()


class Rail(QWidget):
    """Says which place is wanted; who shows it calls `mark`."""

    wanted = Signal(Place)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons = {place: _Button(place, theme, self) for place in Place}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, t.SPACE_4, 0, t.SPACE_4)
        layout.setSpacing(t.SPACE_1)
        for place, button in self._buttons.items():
            button.clicked.connect(partial(self._ask_for, place))
            if place is Place.SETTINGS:
                layout.addStretch(1)  # it is about the program, the others about the work
            layout.addWidget(button)
        self.mark(Place.HOME)
        theme.changed.connect(self.restyle)
        self.retranslate()

    def mark(self, place: Place) -> None:
        """This is where the window is now."""
        for each, button in self._buttons.items():
            button.setChecked(each is place)

    def restyle(self) -> None:
        for button in self._buttons.values():
            button.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("rail.name"))
        for place, button in self._buttons.items():
            button.setAccessibleName(texts(f"rail.{place}"))
            button.setToolTip(plain_tip(f"{texts(f'rail.{place}')} ({SHORTCUTS[place]})"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        buttons = list(self._buttons.values())
        at = next((place for place, button in enumerate(buttons) if button.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        buttons[(at + step) % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)

    def _ask_for(self, place: Place, _checked: bool = False) -> None:
        self.wanted.emit(place)
