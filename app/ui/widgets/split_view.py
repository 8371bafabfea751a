"""A list with a pane beside it, or over it as a side panel where the window is narrow."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme

NARROW = 820
_SHADE = QColor(8, 10, 13, 110)


class _Scrim(QWidget):
    """Dims the list behind an open drawer; a click on it closes the drawer."""

    pressed = Signal()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), _SHADE)
        painter.end()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.pressed.emit()


def scrolled(content: QLayout | QWidget | None = None) -> QScrollArea:
    """*content* in an area that scrolls up and down; what is in it has the focus, never the area."""
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if isinstance(content, QLayout):
        inside = QWidget()
        inside.setLayout(content)
        area.setWidget(inside)
    elif content is not None:
        area.setWidget(content)
    return area


class SidePane(QWidget):
    """The ground of what stands beside a list, and the line at its edge. What is in it scrolls."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.area = scrolled()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 0, 0)
        layout.addWidget(self.area)

    def fill(self, content: QLayout) -> None:
        """Show *content* instead of what was there before."""
        inside = QWidget()
        inside.setLayout(content)
        self.area.setWidget(inside)  # the one before is deleted

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, colours = QPainter(self), self._theme.tokens
        painter.fillRect(self.rect(), QColor(colours.surface))
        painter.fillRect(0, 0, 1, self.height(), QColor(colours.border))
        painter.end()


class SplitView(QWidget):
    """Places both sides itself: a splitter would offer what nobody needs, and no drawer."""

    side_panel_changed = Signal(bool)
    """Whether the pane is an open drawer now, and so needs a way back."""

    side_panel_left = Signal()
    """The drawer was open and is not any more: the list has the room again."""
    painted = Signal()
    """It is on the screen for the first time: what can wait may begin now."""

    def __init__(self, left: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left = left
        self._open = False
        self._wanted = True
        left.setParent(self)
        self._shade = _Scrim(self)
        self._shade.pressed.connect(self.close_side_panel)
        self._side = QFrame(self)
        self._side.setProperty("role", "side")
        self._inside = QVBoxLayout(self._side)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._seen = False
        theme.changed.connect(self._arrange)

    def set_pane(self, pane: QWidget) -> None:
        """Put *pane* on the right-hand side."""
        self._side.setProperty("role", "")  # the pane draws the line at its edge itself
        self._side.style().unpolish(self._side)
        self._inside.addWidget(pane)

    def set_pane_needed(self, wanted: bool) -> None:
        """Whether there is anything the pane could show."""
        self._wanted = wanted
        self._arrange()

    @property
    def narrow(self) -> bool:
        """Whether both sides do not fit beside each other."""
        return self.width() < self._theme.px(NARROW)

    @property
    def side_panel_open(self) -> bool:
        return self._wanted and self.narrow and self._open

    def dims(self, widget: QWidget | None) -> bool:
        """Whether *widget* lies behind the open drawer."""
        return widget is not None and self.side_panel_open and self._left.isAncestorOf(widget)

    def open_side_panel(self) -> None:
        """Bring the pane into view where it is not."""
        self._open = True
        self._arrange()
        if self.narrow:
            self._side.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_side_panel(self) -> None:
        was_open, self._open = self.side_panel_open, False
        self._arrange()
        if was_open:
            self.side_panel_left.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._seen:
            self._seen = True
            QTimer.singleShot(0, self.painted.emit)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        width, height, narrow = self.width(), self.height(), self.narrow
        pane = min(self._theme.px(t.PANE_WIDTH), width) if self._wanted else 0
        left = width if narrow else width - pane
        self._left.setGeometry(0, 0, left, height)
        self._side.setGeometry(width - pane, 0, pane, height)
        self._side.setVisible(self._wanted and (not narrow or self._open))
        self._shade.setGeometry(0, 0, width - pane, height)
        self._shade.setVisible(self.side_panel_open)
        self.side_panel_changed.emit(self.side_panel_open)
