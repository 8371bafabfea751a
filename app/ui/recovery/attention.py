"""The block at the top of a procedure: what is going on, and what is wanted of the person now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.backup import BackupProgress
from app.ui.recovery.ledger import Entry, LedgerView
from app.ui.recovery.moving import Moving
from app.ui.recovery.offers import Control, Offer
from app.ui.recovery.sign import StateSign
from app.ui.recovery.words import Said
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_NAME, Theme, Tone
from app.ui.words import Words
from app.ui.wrapping import WrappingRow


class Attention(QFrame):
    """A sign and a sentence, a line below it, and either a bar, a button, or a question with its ledger."""

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
        self._controls: dict[QPushButton, Control] = {}
        self._row = WrappingRow(self._choices, spacing=SPACE_2)
        self.not_now, self.main, self.second = QPushButton(), QPushButton(), QPushButton()
        self.main.setProperty("role", "primary")
        for button in (self.not_now, self.main, self.second):
            button.clicked.connect(lambda _checked=False, button=button: self.wanted.emit(self._controls[button]))
            self._row.addWidget(button)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(SPACE_4, SPACE_4 - 2, SPACE_4, SPACE_4)
        self.column.setSpacing(0)
        self.sign = StateSign(theme)
        told = QVBoxLayout()
        told.setSpacing(SPACE_1)
        told.addWidget(self.sentence)
        told.addWidget(self.line)
        head = QHBoxLayout()
        head.setSpacing(SPACE_3)
        head.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(told, 1)
        self.column.addLayout(head)
        self.ledger.setContentsMargins(0, SPACE_4, 0, 0)
        self._choices.setContentsMargins(0, SPACE_3, 0, 0)
        for part in (self.moving, self.ledger, self._choices):
            self.column.addWidget(part)

    def show_said(self, said: Said, look: tuple[Tone, str]) -> None:
        self.sign.show_look(look)
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
        for button in (self.not_now, self.main):
            button.setAccessibleDescription(self.ledger.spoken if entries else "")

    def show_offers(self, main: Offer | None, *, before: Offer | None = None, second: Offer | None = None) -> None:
        """The recommended button, one *before* it that puts it off, and a *second* answer where there are two."""
        for button, offer in ((self.not_now, before), (self.main, main), (self.second, second)):
            button.setVisible(offer is not None)
            if offer is not None:
                self._controls[button] = offer.control
                button.setText(offer.label)
                button.setAccessibleName(offer.label)
        self._choices.setVisible(main is not None)

    def set_busy(self, busy: bool) -> None:
        for button in (self.not_now, self.main, self.second):
            button.setEnabled(not busy)
