"""A sheet for more than fits: what is in it scrolls, its title and its buttons stay."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.dialogs.sheet import SHEET_WIDTH, Sheet
from app.ui.theme import SPACE_2, SPACE_3, SPACE_4, SPACE_6, Theme

_LEAST = 120


class TallSheet(Sheet):
    """Add what scrolls to `inside`. The sheet follows its height by itself, and is never taller than the window."""

    def __init__(self, theme: Theme, over: QWidget, *, width: int = SHEET_WIDTH) -> None:
        super().__init__(theme, over, width=width)
        self.set_width(width)
        self._content = QWidget()
        self.inside = QVBoxLayout(self._content)
        self.inside.setContentsMargins(0, 0, 0, 0)
        self.inside.setSpacing(SPACE_3)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has the focus
        self.area.setWidget(self._content)
        self.area.verticalScrollBar().setSingleStep(24)
        self.body.addWidget(self.area)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        self._looked_at: QWidget | None = None
        self.over = False
        """Whether it was answered or given up: what comes back later has nothing to be shown on any more."""
        self.busy = False
        """While it is set the sheet stays: something is being done that cannot be taken back, and will be told."""
        self.finished.connect(self._end_for_good)
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
        self._arrange_buttons(width)
        self.area.setFixedHeight(0)
        outer.activate()
        room = max(_LEAST, window.height() - 2 * SPACE_6 - outer.totalHeightForWidth(self.width()))
        self.inside.setContentsMargins(0, 0, 0, 0)
        needed = self.inside.totalHeightForWidth(width)
        scrolls = needed > room
        if scrolls:
            self.inside.setContentsMargins(0, 0, SPACE_2, 0)
        # Left to itself, the area would keep a bar because of the height that words have beside a bar.
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.area.setVerticalScrollBarPolicy(policy)
        self.area.setFixedHeight(min(needed, room))
        super().fit()

    def reject(self) -> None:
        if not self.busy:
            super().reject()

    def _end_for_good(self, _result: int) -> None:
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

    def _arrange_buttons(self, width: int) -> None:
        """Side by side where there is room, else one below the other."""
        items = [self.buttons.itemAt(place) for place in range(self.buttons.count())]
        hints = [item.sizeHint().width() for item in items if item is not None and not item.isEmpty()]
        beside = sum(hints) + self.buttons.spacing() * len(hints) <= width
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if self.buttons.direction() is not direction:
            self.buttons.setDirection(direction)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self._later.start()  # its layout is only being told
        return super().eventFilter(watched, event)
