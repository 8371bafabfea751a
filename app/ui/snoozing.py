"""How a person leaves a link alone for a while, or ends that: the same choices in the row's menu, the palette and the
pane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.domain.link_status import LinkStatus
from app.domain.mentorado import MentoradoId
from app.domain.notifications import Snooze, SnoozeLength, can_snooze
from app.domain.repositories import Clock
from app.text.notification import snooze_length, snooze_state
from app.text.signs import Tone
from app.text.status import texts
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_2, Theme
from app.ui.widgets.action_menu import pop_up
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox
from app.ui.widgets.placeholders import IconCircle

if TYPE_CHECKING:
    from app.core.notifications.snooze_service import SnoozeService

_CIRCLE, _SIGN, _ICON = 22, 13, 16

Choose = Callable[[SnoozeLength | None], object]
"""Leave it alone for so long; None ends that."""


async def change_snooze(snoozes: SnoozeService, mentorado_id: MentoradoId, length: SnoozeLength | None) -> None:
    """Do what was chosen. Raises `Problem`."""
    await (snoozes.end(mentorado_id) if length is None else snoozes.begin(mentorado_id, length))


def snooze_choices(snooze: Snooze | None, status: LinkStatus) -> Sequence[tuple[str, SnoozeLength | None]]:
    """What can be chosen for a link, as the palette says it: nothing for one that has nothing to tell."""
    if snooze is not None:
        return [(texts("snooze.end"), None)]
    if not can_snooze(status):
        return []
    return [(texts("snooze.action", length=snooze_length(each)), each) for each in SnoozeLength]


def add_snooze_menu(
    menu: QMenu, theme: Theme, snooze: Snooze | None, status: LinkStatus, clock: Clock, choose: Choose
) -> None:
    """Add the choices to the menu of a row; a link that is left alone says until when."""
    sign = icon("bell-off" if snooze is None else "bell", theme.tokens.text2, theme.px(_ICON))
    if snooze is not None:
        entry = menu.addAction(sign, f"{texts('snooze.end')} · {snooze_state(snooze, clock.now())}")
        entry.triggered.connect(lambda _checked=False: choose(None))
    elif can_snooze(status):
        lengths = menu.addMenu(sign, texts("snooze.menu"))
        _add_lengths(lengths, choose)


def _add_lengths(menu: QMenu, choose: Choose) -> None:
    for length in SnoozeLength:
        menu.addAction(snooze_length(length)).triggered.connect(partial(_choose, choose, length))


def _choose(choose: Choose, length: SnoozeLength, _checked: bool = False) -> None:
    choose(length)


class SnoozeLine(QWidget):
    """In the pane: until when this link is left alone, and the button that ends it; or the one that begins it, where
    somebody is needed."""

    chosen = Signal(object)  # a SnoozeLength, or None

    def __init__(self, theme: Theme, clock: Clock) -> None:
        super().__init__()
        self._theme = theme
        self._clock = clock
        self._snooze: Snooze | None = None
        self._sign = IconCircle(theme, "bell", _CIRCLE, _SIGN, scales=True)
        self.words = text_label(role="secondary")
        self.button = QPushButton()
        self.button.setProperty("role", "link")
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.button.clicked.connect(lambda _checked=False: self._on_button())
        row = hbox(self._sign, (self.words, 1), self.button, inside=self, spacing=SPACE_2)
        row.addStretch(0)
        self.hide()

    def show_snooze(self, snooze: Snooze | None, *, notable: bool) -> None:
        """Show until when a link is left alone, or offer that where there is something *notable* to be told of."""
        self._snooze = snooze
        self.setVisible(snooze is not None or notable)
        if self.isHidden():
            return
        self._sign.show_icon("bell" if snooze is None else "bell-off", Tone.IDLE)
        self.words.setVisible(snooze is not None)
        self.words.setText("" if snooze is None else snooze_state(snooze, self._clock.now()))
        self.button.setText(texts("snooze.menu" if snooze is None else "snooze.end"))
        self.button.setAccessibleName(self.button.text())
        self.button.setAccessibleDescription(self.words.text())

    def menu(self) -> QMenu:
        """For how long it can be left alone."""
        menu = QMenu(self)
        _add_lengths(menu, self.chosen.emit)
        return menu

    def _on_button(self) -> None:
        if self._snooze is not None:
            self.chosen.emit(None)
        else:
            pop_up(self.menu(), self.button.mapToGlobal(QPoint(0, self.button.height() + 4)))
