"""Below the line above the list while several are connected in turn: whose turn it is, and in the end how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import hbox

if TYPE_CHECKING:
    from app.ui.connect_in_turn import ConnectInTurn

_NAMES = 5


class TurnBar(QFrame):
    """Hidden until it follows somebody's turn, and again once it is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._turn: ConnectInTurn | None = None
        self.setProperty("role", "card")
        self.words = text_label()
        self.next, self.stop = QPushButton(), QPushButton()
        row = hbox(inside=self, margins=(t.SPACE_3, t.SPACE_1, t.SPACE_2, t.SPACE_1), spacing=t.SPACE_2)
        row.addWidget(self.words, 1)
        for button in (self.next, self.stop):
            button.setProperty("role", "quiet")
            row.addWidget(button)
        self.next.clicked.connect(self._go_on)
        self.stop.clicked.connect(self._stop)
        self.hide()

    def follow(self, turn: ConnectInTurn) -> None:
        """Show how *turn* stands from now on."""
        if turn is not self._turn:
            self._turn = turn
            turn.changed.connect(self.refresh)
        self.show()
        self.refresh()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("turn.name"))
        self.next.setText(texts("turn.next"))
        self.next.setToolTip(texts("turn.next_tip"))
        self.refresh()

    def refresh(self) -> None:
        turn = self._turn
        if turn is None:
            return
        self.next.setVisible(turn.running)
        self.stop.setText(texts("turn.stop" if turn.running else "turn.close"))
        self.stop.setToolTip(texts("turn.stop_tip" if turn.running else "turn.close_tip"))
        if turn.current is not None:
            key = "turn.waits" if turn.waits_for_you else "turn.running"
            self.words.setText(texts(key, place=turn.place, count=turn.count, name=turn.current.name))
        elif not turn.running:
            self.words.setText(self._result(turn))
        if self.words.text() != self.words.accessibleName():
            self.words.setAccessibleName(self.words.text())
            announce(self.words, self.words.text())

    def _result(self, turn: ConnectInTurn) -> str:
        parts = [texts.plural("turn.connected", len(turn.done))]
        if turn.left:
            names = ", ".join(each.name for each in turn.left[:_NAMES])
            more = "…" if len(turn.left) > _NAMES else ""
            parts.append(texts.plural("turn.left", len(turn.left), names=names + more))
        return " ".join(parts)

    def _go_on(self) -> None:
        if self._turn is not None:
            self._turn.skip()

    def _stop(self) -> None:
        if self._turn is not None and self._turn.running:
            self._turn.stop()
        else:
            self.hide()
