"""The icon in the tray: how many need somebody, who they are, and the way to the window and out of the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.domain.alert import Alert
from app.domain.mentorado import MentoradoId
from app.text.status import texts
from app.ui.theme.icons import pixmap
from app.ui.widgets.labels import plain_tip

LISTED: Final = 5
Named = tuple[MentoradoId, str]
"""Somebody, and what is said of them."""

_SIDES: Final = (16, 22, 24, 32, 48, 64)
_MOST: Final = 9
_RED, _WHITE = "#c81e1e", "#ffffff"  # a tray has no theme of ours; white on this red is read on any panel


def tray_icon(count: int) -> QIcon:
    """The program's icon, with *count* in a red disc unless it is 0."""
    icon = QIcon()
    for side in _SIDES:
        picture = QPixmap(pixmap("conecta", "", side))
        if count:
            _paint_count(picture, side, str(count) if count <= _MOST else f"{_MOST}+")
        icon.addPixmap(picture)
    return icon


def _paint_count(picture: QPixmap, side: int, words: str) -> None:
    disc = side * 0.66
    frame = QRectF(side - disc, side - disc, disc, disc)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(_RED))
    painter.drawEllipse(frame)
    font = QFont()
    font.setWeight(QFont.Weight.Bold)
    font.setPixelSize(max(8, round(disc * (0.8 if len(words) == 1 else 0.6))))
    painter.setFont(font)
    painter.setPen(QColor(_WHITE))
    painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, words)
    painter.end()


class TrayIcon(QObject):
    """The icon and its menu, where the desktop has a tray."""

    show_requested = Signal()
    quit_requested = Signal()
    person_requested = Signal(str)  # a MentoradoId
    everybody_requested = Signal()
    """All who need somebody are to be shown."""
    alert_requested = Signal(object)
    """What an `Alert` is about is to be shown."""
    mute_requested = Signal(bool)
    """No notifications for an hour, or again."""
    clicked = Signal()
    """A message of the tray was clicked."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.menu = QMenu()
        self._icon = QSystemTrayIcon(tray_icon(0), self)
        self._icon.setContextMenu(self.menu)
        self._icon.activated.connect(self._on_activated)
        self._icon.messageClicked.connect(self.clicked)
        self._shown: tuple[object, ...] = ()
        self._count = 0

    @staticmethod
    def available() -> bool:
        """Whether this desktop has a tray now."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    @property
    def tool_tip(self) -> str:
        return self._icon.toolTip()

    def look_for_tray(self) -> None:
        """Be in the tray as soon as there is one: after a login it may come later than this program."""
        if not self._icon.isVisible() and self.available():
            self._icon.show()

    def hide(self) -> None:
        self._icon.hide()

    def show_message(self, title: str, text: str) -> None:
        """Let the tray itself tell this, where nobody else shows notifications."""
        self._icon.showMessage(title, text, tray_icon(0))

    def show_state(
        self, people: Sequence[Named], alerts: Sequence[tuple[Alert, str]], quiet_until: str, *, muted: bool
    ) -> None:
        """Show who needs somebody, each with name and state, and the *alerts* beside them; *quiet_until* is empty
        unless nothing is told now, and *muted* whether a person asked for that quiet here."""
        shown = (tuple(people), tuple(alerts), quiet_until, muted, texts.language)
        if shown == self._shown or self.menu.isVisible():  # what a person points at stays
            return
        self._shown = shown
        count = len(people) + len(alerts)
        if count != self._count:
            self._count = count
            self._icon.setIcon(tray_icon(count))
        needing = texts.plural("tray.needing", len(people)) if people else texts("tray.nobody")
        alerting = texts.plural("tray.alerts", len(alerts)) if alerts else ""
        quiet = texts("tray.quiet_until", time=quiet_until) if quiet_until else ""
        parts = (texts("app.name"), needing, alerting, quiet)
        self._icon.setToolTip(plain_tip(" · ".join(filter(None, parts))))
        self._fill(people, alerts, quiet_until, muted=muted)

    def _fill(
        self, people: Sequence[Named], alerts: Sequence[tuple[Alert, str]], quiet_until: str, *, muted: bool
    ) -> None:
        menu = self.menu
        menu.clear()
        self._add(texts("tray.show"), self.show_requested.emit)
        menu.addSeparator()
        for mentorado_id, words in people[:LISTED]:
            self._add(words, partial(self.person_requested.emit, mentorado_id))
        if not people:
            menu.addAction(texts("tray.nobody")).setEnabled(False)
        elif (more := len(people) - LISTED) > 0:
            self._add(texts.plural("tray.more", more), self.everybody_requested.emit)
        if alerts:
            menu.addSeparator()
        for alert, words in alerts[:LISTED]:
            self._add(words, partial(self.alert_requested.emit, alert))
        menu.addSeparator()
        if muted:
            self._add(texts("tray.end_quiet", time=quiet_until), partial(self.mute_requested.emit, False))
        elif quiet_until:
            menu.addAction(texts("tray.quiet_hours", time=quiet_until)).setEnabled(False)
        else:
            self._add(texts("tray.quiet"), partial(self.mute_requested.emit, True))
        menu.addSeparator()
        self._add(texts("tray.quit"), self.quit_requested.emit)

    def _add(self, words: str, do: Callable[[], object]) -> None:
        self.menu.addAction(words.replace("&", "&&")).triggered.connect(lambda _checked=False: do())

    def _on_activated(self, how: QSystemTrayIcon.ActivationReason) -> None:
        if how in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.show_requested.emit()
