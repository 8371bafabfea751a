"""What can be done to a mentorado, as cards; the rarely needed ones are folded away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.action import ActionName, Refusal
from app.core.actions import Actions
from app.domain.mentorado import Enrolment
from app.ui.action_slots import CARDS, MORE, Fitting, Slot, fitting
from app.ui.detail_pane.action_card import ActionCard
from app.ui.icons import icon
from app.ui.text import action, texts
from app.ui.theme import SPACE_1, SPACE_2, Theme

_ICON = 14


class _Place(QWidget):
    """A card, and below it the way past the lock of an incident while there is one."""

    asked_for = Signal(object)  # an ActionName

    def __init__(self, theme: Theme, slot: Slot) -> None:
        super().__init__()
        self.slot = slot
        self.card = ActionCard(theme)
        self.past_the_lock = QPushButton()
        self.past_the_lock.setProperty("role", "link")
        self.past_the_lock.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.card)
        column.addWidget(self.past_the_lock)
        for button in (self.card, self.past_the_lock):
            button.clicked.connect(lambda _checked=False: self.asked_for.emit(self.card.name))

    def show_fitting(self, shown: Fitting | None, *, busy: bool, offered: ActionName | None) -> None:
        self.setVisible(shown is not None)
        if shown is None:
            return
        self.card.show_action(shown.name, shown.refused, busy=busy)
        locked = shown.refused is Refusal.INCIDENT and shown.name is not offered
        self.past_the_lock.setVisible(locked)
        if locked:
            say_past_the_lock(self.past_the_lock, shown.name)
            self.past_the_lock.setEnabled(not busy)


def say_past_the_lock(button: QPushButton, name: ActionName) -> None:
    """Let *button* offer to do *name* in spite of the incident."""
    words = texts("override.go_on")
    button.setText(words)
    button.setAccessibleName(f"{words} {action(name)[0]}")


class ActionCards(QWidget):
    """Told anew whenever something changes; says which card was pressed."""

    asked_for = Signal(object)  # an ActionName

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._first = [_Place(theme, slot) for slot in CARDS]
        self._rare = [_Place(theme, slot) for slot in MORE]
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.setCheckable(True)
        self.more.toggled.connect(self._fold)
        self._folded = QWidget()
        rare = QVBoxLayout(self._folded)
        column = QVBoxLayout(self)
        for layout in (rare, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(SPACE_2 + 2)
        for place in self._first:
            column.addWidget(place)
        for place in self._rare:
            rare.addWidget(place)
        column.addWidget(self.more)
        column.addWidget(self._folded)
        for place in (*self._first, *self._rare):
            place.asked_for.connect(self.asked_for)
        theme.changed.connect(self.retranslate)
        self._fold(False)

    @property
    def cards(self) -> list[ActionCard]:
        """All there are for this mentorado's provider, those that are folded away too."""
        return [place.card for place in (*self._first, *self._rare) if not place.isHidden()]

    def show_actions(
        self, enrolment: Enrolment, actions: Actions, *, busy: bool, cancellable: bool, offered: ActionName | None
    ) -> None:
        """*offered* is the recommended one; *cancellable* unless giving up a connection is offered elsewhere."""
        for place in (*self._first, *self._rare):
            slot = place.slot if cancellable else tuple(name for name in place.slot if name is not ActionName.CANCEL)
            place.show_fitting(fitting(slot, actions, enrolment.mentorado.id), busy=busy, offered=offered)

    def retranslate(self) -> None:
        self._fold(self.more.isChecked())

    def _fold(self, shown: bool) -> None:
        self._folded.setVisible(shown)
        words = texts("detail.less" if shown else "detail.more")
        self.more.setText(words)
        self.more.setAccessibleName(words)
        side = self._theme.px(_ICON)
        name = "chevron-down" if not shown else "chevron-right"
        self.more.setIcon(icon(name, self._theme.tokens.on_accent_soft, side))
        self.more.setIconSize(QSize(side, side))
        self.more.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
