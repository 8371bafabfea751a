"""The block at the top of a procedure: what is going on, and what is wanted of the person now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.backup import BackupProgress
from app.ui.recovery.ledger import Entry, LedgerView
from app.ui.recovery.moving import Moving
from app.ui.recovery.offers import Control, Offer
from app.ui.recovery.words import Said
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_NAME, Theme
from app.ui.words import Words
from app.ui.wrapping import WrappingRow


class Attention(QFrame):
    """One sentence, a line below it, and either a bar, a button, or a question with its ledger."""

    wanted = Signal(object)  # a Control

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.sentence = Words(theme, TEXT_NAME, QFont.Weight.DemiBold)
        self.line = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.line.setProperty("role", "secondary")
        self.moving = Moving()
        self.ledger = LedgerView(theme)
        self.ledger.hide()
        self._choices = QWidget()
        self._row = WrappingRow(self._choices, spacing=SPACE_2)
        self.not_now, self.main = QPushButton(), QPushButton()
        self.main.setProperty("role", "primary")
        self._control = Control.CLOSE
        self.not_now.clicked.connect(lambda _checked=False: self.wanted.emit(Control.NOT_NOW))
        self.main.clicked.connect(lambda _checked=False: self.wanted.emit(self._control))
        for button in (self.not_now, self.main):
            button.setAutoDefault(True)
            self._row.addWidget(button)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(SPACE_4, SPACE_4 - 2, SPACE_4, SPACE_4)
        self.column.setSpacing(0)
        self.line.setContentsMargins(0, SPACE_1, 0, 0)
        self.ledger.setContentsMargins(0, SPACE_4, 0, 0)
        self._choices.setContentsMargins(0, SPACE_3, 0, 0)
        for part in (self.sentence, self.line, self.moving, self.ledger, self._choices):
            self.column.addWidget(part)

    def show_said(self, said: Said) -> None:
        for label, words in ((self.sentence, said.sentence), (self.line, said.line)):
            label.setText(words)
            label.setVisible(bool(words))
        self.setAccessibleName(f"{said.sentence} {said.line}".strip())

    def show_progress(self, progress: BackupProgress | None) -> None:
        self.moving.show_progress(progress)

    def show_ledger(self, entries: Sequence[Entry]) -> None:
        """Tell *entries* before the question; none hides them."""
        self.ledger.show_entries(entries)
        self.ledger.setVisible(bool(entries))

    def show_offer(self, offer: Offer | None, not_now: str = "", *, busy: bool) -> None:
        """The one button, and beside it a way to put it off where there is one."""
        self._choices.setVisible(offer is not None)
        self.not_now.setVisible(bool(not_now))
        self.not_now.setText(not_now)
        self.not_now.setEnabled(not busy)
        if offer is not None:
            self._control = offer.control
            self.main.setText(offer.label)
            self.main.setAccessibleName(offer.label)
            self.main.setAccessibleDescription(self.ledger.spoken if self.ledger.isVisibleTo(self) else "")
            self.main.setEnabled(not offer.why and not busy)
