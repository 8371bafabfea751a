"""A sheet over the window: what lies behind is dimmed, and a newcomer takes the place of whatever was open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFont,
    QHideEvent,
    QKeyEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QDialog, QPushButton, QScrollArea, QWidget

from app.ui.theme.theme import (
    RADIUS_SHEET,
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    SPACE_6,
    TEXT_HEADING,
    Theme,
)
from app.ui.widgets.accessibility import click_focused_button, follow_reading_order
from app.ui.widgets.labels import ScaledLabel
from app.ui.widgets.layouts import hbox, laid_out, set_beside, vbox

SHEET_WIDTH = 440
_AFTER_PICTURE_MILLISECONDS = 40
_DIM = QColor(8, 10, 13, 140)


class _Dim(QWidget):
    """Darkens its window, and grows with it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(window.rect())
        window.installEventFilter(self)

    def eventFilter(self, window: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and isinstance(window, QWidget):
            self.setGeometry(window.rect())
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), _DIM)
        painter.end()


class BaseDialog(QDialog):
    """Holds a title, a body and a row of buttons. Show it with `await ask(sheet)`, never with a second event loop."""

    def __init__(self, theme: Theme, over: QWidget, *, width: int = SHEET_WIDTH) -> None:
        super().__init__(over.window(), Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("sheet")
        self.setStyleSheet("#sheet { background: transparent; }")  # the corners are round: see `paintEvent`
        self._theme = theme
        self._dim: _Dim | None = None
        self._lists: list[tuple[QWidget, int, int]] = []
        self._corners: dict[Qt.Corner, QPixmap] = {}  # what lies behind them
        self._take_corners = QTimer(self, singleShot=True, interval=_AFTER_PICTURE_MILLISECONDS)
        self._take_corners.timeout.connect(self._on_corners)
        theme.changed.connect(self._take_corners.start)
        self.setFixedWidth(min(theme.px(width), max(over.window().width() - 2 * SPACE_4, width)))

        self.title = ScaledLabel(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self.body = self._list_column = vbox(spacing=SPACE_3)
        self.buttons = hbox(spacing=SPACE_2)
        self.buttons.addStretch(1)
        layout = vbox(self.title, inside=self, margins=(SPACE_6, SPACE_6, SPACE_6, SPACE_6 - 4))
        layout.addSpacing(SPACE_3)
        layout.addLayout(self.body)
        layout.addSpacing(SPACE_6 - 4)
        layout.addLayout(self.buttons)

    def set_title(self, title: str) -> None:
        self.title.setText(title)
        self.setWindowTitle(title)
        self.setAccessibleName(title)

    def add_button(self, words: str, role: str = "") -> QPushButton:
        """A button at the end of the row; it takes Enter only while it has the focus."""
        button = QPushButton(words, autoDefault=False)
        button.setProperty("role", role)
        self.buttons.addWidget(button)
        return button

    def add_list(self, part: QWidget, height: int, least: int) -> None:
        """Add *part*, which scrolls by itself: *height* high, in a window too low for that lower, down to *least*."""
        part.setFixedHeight(height)
        self._lists.append((part, height, least))
        self._list_column.addWidget(part)

    def fit(self) -> None:
        """As tall as the words need, in the middle of the window; Tab goes through it as it is read."""
        layout = self.layout()
        if layout is not None:
            follow_reading_order(layout)
            self._arrange_buttons()
            self._shorten_lists()
            # not `adjustSize`, which keeps to two thirds of the screen and would clip large text
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))
        if window := self.parentWidget():
            centre = window.mapToGlobal(window.rect().center())
            self.move(centre - self.rect().center())

    def _arrange_buttons(self) -> None:
        """Side by side where there is room, else one below the other."""
        layout = self.layout()
        margins = self.contentsMargins() if layout is None else layout.contentsMargins()
        shown = [part for part in laid_out(self.buttons) if isinstance(part, QWidget) and not part.isHidden()]
        hints = [part.sizeHint().width() for part in shown]
        room = self.width() - margins.left() - margins.right()
        beside = sum(hints) + SPACE_2 * len(hints) <= room
        set_beside(self.buttons, beside)
        if self.buttons.spacing() != (spacing := SPACE_2 if beside else SPACE_1):
            self.buttons.setSpacing(spacing)

    def _shorten_lists(self) -> None:
        window, layout = self.parentWidget(), self.layout()
        if window is not None and layout is not None and self._lists:
            layout.activate()
            self._take_from_lists(layout.totalHeightForWidth(self.width()), window.height() - 2 * SPACE_6)

    def _take_from_lists(self, needed: int, room: int) -> int:
        """Take what *room* is too low for from the lists, from the last one first; returns what is needed then."""
        shown = [each for each in self._lists if not each[0].isHidden()]
        needed += sum(height - part.maximumHeight() for part, height, _ in shown)
        for part, height, least in reversed(shown):
            less = min(max(0, needed - room), max(0, height - least))
            part.setFixedHeight(height - less)
            needed -= less
        return needed

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not click_focused_button(self, event):  # else the default button would answer, whichever has the focus
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if window := self.parentWidget():
            for other in window.findChildren(BaseDialog, options=Qt.FindChildOption.FindDirectChildrenOnly):
                if other is not self and other.isVisible():
                    other.reject()  # to give up is always safe; a sheet on a sheet is not
            self._dim = _Dim(window)
            self._dim.show()
        self.fit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._dim is not None:
            self._dim.hide()
            self._dim.deleteLater()
            self._dim = None

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._take_corners.start()  # something else is behind them

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._take_corners.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        self._paint_corners(painter, event.region())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.border_strong if tokens.dark else tokens.border), 1))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_SHEET, RADIUS_SHEET)
        painter.end()

    def _paint_corners(self, painter: QPainter, exposed: QRegion) -> None:
        """Paint what lies behind them: a window that lets it through has black corners where nothing composes them."""
        for corner, area in self._corner_areas().items():
            if exposed.intersects(area):
                painter.fillRect(area, QColor(self._theme.tokens.bg).darker())  # where a sheet is wider than its window
                if corner in self._corners:
                    painter.drawPixmap(area.topLeft(), self._corners[corner])

    def _corner_areas(self) -> dict[Qt.Corner, QRect]:
        right, bottom = self.width() - RADIUS_SHEET, self.height() - RADIUS_SHEET
        places = {
            Qt.Corner.TopLeftCorner: (0, 0),
            Qt.Corner.TopRightCorner: (right, 0),
            Qt.Corner.BottomLeftCorner: (0, bottom),
            Qt.Corner.BottomRightCorner: (right, bottom),
        }
        return {corner: QRect(x, y, RADIUS_SHEET, RADIUS_SHEET) for corner, (x, y) in places.items()}

    def _on_corners(self) -> None:
        """Look what is behind once the sheet is on the screen: to look takes as long as half of its first picture."""
        window = self.parentWidget()
        if window is None or not self.isVisible():
            return
        for corner, area in self._corner_areas().items():
            behind = QRect(window.mapFromGlobal(self.mapToGlobal(area.topLeft())), area.size())
            self._corners[corner] = window.grab(behind)
            self.update(area)


_LEAST = 56


class ScrollDialog(BaseDialog):
    """Add what scrolls to `inside`. The sheet follows its height by itself, and is never taller than the window: first
    its lists get lower, then all of it scrolls above the buttons.
    """

    def __init__(self, theme: Theme, over: QWidget, *, width: int = SHEET_WIDTH) -> None:
        super().__init__(theme, over, width=width)
        self.set_width(width)
        self._content = QWidget()
        self.inside = self._list_column = vbox(inside=self._content, spacing=SPACE_3)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has the focus
        self.area.setWidget(self._content)
        self.area.setFixedHeight(0)
        self.area.verticalScrollBar().setSingleStep(24)
        self.body.addWidget(self.area)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        self._looked_at: QWidget | None = None
        self.over = False
        """Whether it was answered or given up: what comes back later has nothing to be shown on any more."""
        self.busy = False
        """While it is set the sheet stays: something is being done that cannot be taken back, and will be told."""
        self.finished.connect(self._on_finished)
        self._content.installEventFilter(self)

    def set_width(self, width: int) -> None:
        """As wide as *width* at the person's text size, as far as the window goes."""
        window = self.parentWidget()
        room = window.width() - 2 * SPACE_4 if window else width
        self.setFixedWidth(max(min(self._theme.px(width), room), min(width, SHEET_WIDTH)))

    def fit(self) -> None:
        """As tall as the words need, as far as the window goes. The scroll bar, when it comes, gets room of its own."""
        outer, window = self.layout(), self.parentWidget()
        if outer is None or window is None:
            return
        margins = outer.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        self._arrange_buttons()
        outer.activate()
        around = outer.totalHeightForWidth(self.width()) - self.area.maximumHeight()
        room = max(_LEAST, window.height() - 2 * SPACE_6 - around)
        # Whatever is only tried, and taken back, asks for a new layout, and that for another look, without an end.
        width += self.inside.contentsMargins().right()
        folds = self.inside.hasHeightForWidth()
        needed = self.inside.totalHeightForWidth(width) if folds else self.inside.totalSizeHint().height()
        needed = self._take_from_lists(needed, room)
        scrolls = needed > room
        self.inside.setContentsMargins(0, 0, SPACE_2 if scrolls else 0, 0)
        # Left to itself, the area would keep a bar because of the height that words have beside a bar.
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.area.setVerticalScrollBarPolicy(policy)
        self.area.setFixedHeight(min(needed, room))
        super().fit()

    def _shorten_lists(self) -> None:
        """What they give was taken by then."""

    def reject(self) -> None:
        if not self.busy:
            super().reject()

    def _on_finished(self, _result: int) -> None:
        self.over = True

    def bring_into_view(self, part: QWidget) -> None:
        """Scroll to *part*, once everything has its height."""
        self._looked_at = part
        self._later.start()

    def _settle(self) -> None:
        self.fit()
        if self._looked_at is not None:
            self.area.ensureWidgetVisible(self._looked_at, 0, SPACE_2)
            self._looked_at = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self._later.start()  # its layout is only being told
        return super().eventFilter(watched, event)
