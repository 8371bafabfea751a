"""Where each provider is to send its webhooks: addresses to copy, their secret part hidden until it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.hosted.webhooks import WayIn
from app.domain.mentorado import LinkId
from app.domain.webhooks import Outcome, Tally
from app.ui import tokens as t
from app.ui.icons import icon
from app.ui.text import age, texts
from app.ui.theme import Theme
from app.ui.words import Words
from app.ui.wrapping import WrappingRow

HIDDEN = "••••••••"
SHOWN = 4
_ICON = 14


class _Way(QWidget):
    """One address: whose, the address, what came there, and buttons that show and copy it."""

    def __init__(self, theme: Theme, name: str, links: Sequence[LinkId]) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self.links = links
        self.heading = Words(theme, t.TEXT_BODY)
        self.address = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.counts = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        for label in (self.address, self.counts):
            label.setProperty("role", "secondary")
        self.heading.setText(name)
        self._buttons = QWidget()
        self._row = WrappingRow(self._buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for part in (self.heading, self.address, self.counts):
            column.addWidget(part)
        column.addSpacing(t.SPACE_1)
        column.addWidget(self._buttons)

    def add_button(self, key: str, icon_name: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(texts(key))
        button.setAccessibleName(f"{texts(key)}: {self._name}")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        side = self._theme.px(_ICON)
        button.setIcon(icon(icon_name, self._theme.tokens.text2, side))
        button.setIconSize(QSize(side, side))
        button.clicked.connect(lambda _checked=False: do())
        self._row.addWidget(button)
        return button


class WaysIn(QWidget):
    """One for all numbers at Meta, with its token, and one per Z-API link: the first few, until all are wanted."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._all = False
        self.ways: list[_Way] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(t.SPACE_4)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.hide()  # until there is more than is shown
        self.more.clicked.connect(lambda _checked=False: self._show_all())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(t.SPACE_4)
        column.addLayout(self._column)
        column.addWidget(self.more)

    def show_ways(self, ways: Sequence[WayIn], verify_token: str) -> None:
        """Show them anew, secrets hidden again."""
        for way in self.ways:
            self._column.removeWidget(way)
            way.deleteLater()
        at_meta = [way for way in ways if not way.secret]
        self.ways = [self._meta(at_meta, verify_token)] if at_meta else []
        self.ways += [self._zapi(way) for way in ways if way.secret]
        for each in self.ways:
            self._column.addWidget(each)
        self._fold()

    def _show_all(self) -> None:
        self._all = True
        self._fold()

    def _fold(self) -> None:
        for place, way in enumerate(self.ways):
            way.setVisible(self._all or place < SHOWN)
        left = 0 if self._all else max(0, len(self.ways) - SHOWN)
        self.more.setVisible(left > 0)
        self.more.setText(texts.plural("settings.webhooks.more", left))

    def show_counts(self, tallies: Sequence[Tally], waiting: Mapping[LinkId, int], now: datetime) -> None:
        """How much came to each address, when last, and what waits."""
        for way in self.ways:
            theirs = [each for each in tallies if each.link_id in way.links and each.outcome is Outcome.ACCEPTED]
            said = texts("settings.webhooks.nothing_yet")
            if theirs:
                last = age(now - max(tally.last for tally in theirs))
                said = texts.plural("settings.webhooks.came", sum(tally.count for tally in theirs), age=last)
            if held := sum(waiting.get(link_id, 0) for link_id in way.links):
                said = f"{said} · {texts.plural('settings.webhooks.waiting', held)}"
            way.counts.setText(said)

    def _zapi(self, way: WayIn) -> _Way:
        shown = _Way(self._theme, f"Z-API · {way.enrolment.mentorado.name}", [way.enrolment.link.id])
        masked = way.url.removesuffix(way.secret) + HIDDEN
        _show(shown.address, masked)

        def toggle() -> None:
            hidden = HIDDEN in shown.address.text()
            _show(shown.address, way.url if hidden else masked)
            words = texts("settings.webhooks.hide" if hidden else "settings.webhooks.show")
            button.setText(words)
            button.setAccessibleName(f"{words}: {shown.heading.text()}")

        button = shown.add_button("settings.webhooks.show", "key", toggle)
        shown.add_button("settings.webhooks.copy", "copy", lambda: _copy(way.url))
        return shown

    def _meta(self, ways: Sequence[WayIn], verify_token: str) -> _Way:
        shown = _Way(self._theme, texts("settings.webhooks.meta"), [way.enrolment.link.id for way in ways])
        _show(shown.address, ways[0].url)
        for name in (way.enrolment.mentorado.name for way in ways if not way.believed):
            _show(shown.address, f"{shown.address.text()}\n{texts('settings.webhooks.no_secret', name=name)}")
        shown.add_button("settings.webhooks.copy", "copy", lambda: _copy(ways[0].url))
        shown.add_button("settings.webhooks.copy_token", "key", lambda: _copy(verify_token))
        return shown


def _show(label: QLabel, words: str) -> None:
    label.setText(words.replace("/", "/\u200b"))  # an address has no spaces to break at


def _copy(words: str) -> None:
    QGuiApplication.clipboard().setText(words)
