"""The card that changes: one sentence, its age, and the one recommended button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.action import Refusal
from app.ui.detail_pane.action_cards import say_past_the_lock
from app.ui.detail_pane.lead import Lead
from app.ui.text import action, refusal
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_NAME, Theme
from app.ui.words import Words


class LeadCard(QFrame):
    """Shows a `Lead`; says which button was pressed."""

    asked_for = Signal(object)  # an ActionName

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._lead: Lead | None = None
        self._sentence = Words(theme, TEXT_NAME)
        self._next, self._caption, self._why = (
            QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for _ in range(3)
        )
        self._next.setProperty("role", "secondary")
        self._caption.setProperty("role", "caption")
        self._why.setProperty("role", "caption")
        self._button, self._second = QPushButton(), QPushButton()
        self._button.setProperty("role", "primary")
        self._button.clicked.connect(self._ask)
        self._second.clicked.connect(self._ask_second)
        self.past_the_lock = QPushButton()
        self.past_the_lock.setProperty("role", "link")
        self.past_the_lock.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.past_the_lock.clicked.connect(self._ask)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_4, SPACE_4 - 2, SPACE_4, SPACE_4 - 2)
        layout.setSpacing(0)
        self._next.setContentsMargins(0, SPACE_1, 0, 0)
        self._caption.setContentsMargins(0, SPACE_1 + 2, 0, 0)
        for label in (self._sentence, self._next, self._caption):
            layout.addWidget(label)
        self._choices = QWidget()
        choices = QVBoxLayout(self._choices)
        choices.setContentsMargins(0, SPACE_3, 0, 0)
        choices.setSpacing(SPACE_2)
        for choice in (self._button, self._second, self._why, self.past_the_lock):
            choices.addWidget(choice)
        layout.addWidget(self._choices)

    @property
    def button(self) -> QPushButton:
        """The one recommended button; hidden when there is none."""
        return self._button

    def show_lead(self, lead: Lead, *, busy: bool) -> None:
        self._lead = lead
        for label, words in (
            (self._sentence, lead.sentence),
            (self._next, lead.next_step),
            (self._caption, lead.caption),
            (self._why, refusal(lead.refused) if lead.refused else ""),
        ):
            label.setText(words)
            label.setVisible(bool(words))
        for button, name in ((self._button, lead.button), (self._second, lead.second)):
            button.setVisible(name is not None)
            if name is not None:
                words, line = action(name)
                button.setText(words)
                button.setAccessibleName(words)
                button.setAccessibleDescription(line)
        self._button.setEnabled(lead.refused is None and not busy)
        self._second.setEnabled(not busy)
        self._choices.setVisible(lead.button is not None)
        locked = lead.refused is Refusal.INCIDENT and lead.button is not None
        self.past_the_lock.setVisible(locked)
        if locked and lead.button is not None:
            say_past_the_lock(self.past_the_lock, lead.button)
            self.past_the_lock.setEnabled(not busy)
        self.setAccessibleName(lead.sentence)

    def _ask(self) -> None:
        if self._lead and self._lead.button:
            self.asked_for.emit(self._lead.button)

    def _ask_second(self) -> None:
        if self._lead and self._lead.second:
            self.asked_for.emit(self._lead.second)
