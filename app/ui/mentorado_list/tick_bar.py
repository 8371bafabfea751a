"""In the place of the line above the list while boxes are shown: how many are ticked, and what can be done to them."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QScrollArea, QSizePolicy, QWidget

from app.text.status import texts
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import FlowLayout

_ICON = 14


class ForMany(StrEnum):
    """What can be done to all who are ticked."""

    CONNECT = "connect"
    HANDLE = "handle"
    BACK_UP = "back_up"
    COHORT = "cohort"
    SWITCH_PROVIDER = "switch_provider"
    ARCHIVE = "archive"


_SIGNS: Final = MappingProxyType(
    {
        ForMany.CONNECT: "zap",
        ForMany.HANDLE: "user-check",
        ForMany.BACK_UP: "download",
        ForMany.COHORT: "users",
        ForMany.SWITCH_PROVIDER: "swap",
        ForMany.ARCHIVE: "archive",
    }
)


class TickBar(QScrollArea):
    """Hidden until the boxes of *model* are open. It scrolls where large text leaves no room for all of it."""

    requested = Signal(ForMany)

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self.count = text_label(role="secondary", wraps=False)
        self.all, self.done = QPushButton(), QPushButton()
        self.buttons = {what: QPushButton() for what in ForMany}
        content = QWidget()
        self._row = row = FlowLayout(content, spacing=t.SPACE_1)
        row.addWidget(self.count)
        for button in (self.all, *self.buttons.values(), self.done):
            button.setProperty("role", "quiet")
            row.addWidget(button)
            button.installEventFilter(self)
        self.setWidgetResizable(True)
        self.setWidget(content)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its buttons have the focus
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.all.clicked.connect(lambda: model.ticks.add(model.shown_ids()))
        self.done.clicked.connect(model.ticks.end)
        for what, button in self.buttons.items():
            button.clicked.connect(partial(self._request, what))
        self._counting = QTimer(self, singleShot=True, interval=0)  # rows come and go one by one
        self._counting.timeout.connect(self._refresh)
        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._count_soon)
        model.ticks.changed.connect(self._refresh)
        theme.changed.connect(self.restyle)
        self.restyle()
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._row.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        """Room for one button and a half, which shows that there are more below."""
        return QSize(0, min(self.sizeHint().height(), self.all.sizeHint().height() * 3 // 2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Scroll to a button when the keyboard comes to it."""
        if event.type() is QEvent.Type.FocusIn and isinstance(watched, QPushButton):
            self.ensureWidgetVisible(watched, 0, t.SPACE_1)
        return super().eventFilter(watched, event)

    def restyle(self) -> None:
        """Take the theme's colours and sizes, once they can be seen."""
        self._dressed = self.isVisible()
        if self._dressed:
            self._dress()
        self.retranslate()

    def showEvent(self, event: QShowEvent) -> None:
        if not self._dressed:
            self._dressed = True
            self._dress()
        super().showEvent(event)

    def _dress(self) -> None:
        side, colours = self._theme.px(_ICON), self._theme.tokens
        for button, sign in (
            (self.all, "check-double"),
            *((self.buttons[what], sign) for what, sign in _SIGNS.items()),
            (self.done, "x"),
        ):
            button.setIcon(icon(sign, colours.text2, side))
            button.setIconSize(QSize(side, side))

    def retranslate(self) -> None:
        self.setAccessibleName(texts("ticks.name"))
        self.done.setText(texts("ticks.done"))
        self.done.setToolTip(texts("ticks.done_tip"))
        self.all.setToolTip(texts("ticks.all_tip"))
        for what, button in self.buttons.items():
            button.setText(texts(f"ticks.{what}"))
        self._refresh()

    def _count_soon(self, *_signal_args: object) -> None:
        if self._model.ticks.open:
            self._counting.start()

    def _refresh(self) -> None:
        ticks = self._model.ticks
        if not ticks.open:
            return
        ticked, shown = len(ticks), self._model.shown_ids()
        beyond = ticked - sum(each in ticks for each in shown)
        parts = [texts.plural("ticks.count", ticked)]
        if beyond:
            parts.append(texts.plural("ticks.beyond", beyond))
        self.count.setText(" · ".join(parts))
        self.count.setMinimumHeight(self.all.sizeHint().height())
        self.all.setText(texts("ticks.all", count=len(shown)))
        self.all.setEnabled(ticked - beyond < len(shown))
        for button in self.buttons.values():
            button.setEnabled(ticked > 0)
        self.updateGeometry()

    def _request(self, what: ForMany, _checked: bool = False) -> None:
        self.requested.emit(what)
