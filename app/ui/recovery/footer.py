"""What stays in view below a procedure: what happens if the program is closed, and what else can be done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.recovery.offers import Control, Offer
from app.ui.theme import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from app.ui.words import plain_tip
from app.ui.wrapping import WrappingRow


class Footer(QFrame):
    """A locked button stays in its place, and the line above the row says why."""

    wanted = Signal(object)  # a Control

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "footer")
        self._closing, self._why = (QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for _ in range(2))
        for label in (self._closing, self._why):
            label.setProperty("role", "caption")
        self._row = QWidget()
        row = WrappingRow(self._row, spacing=SPACE_2)
        self._buttons = {control: QPushButton() for control in Control}
        for control, button in self._buttons.items():
            button.hide()
            button.clicked.connect(lambda _checked=False, control=control: self.wanted.emit(control))
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_3, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_2)
        for part in (self._closing, self._why, self._row):
            column.addWidget(part)

    def button(self, control: Control) -> QPushButton:
        return self._buttons[control]

    def show_offers(self, closing: str, offers: Sequence[Offer], *, busy: bool, strong: Control | None = None) -> None:
        """*strong* is the one that is recommended, if it is among *offers*."""
        by_control = {offer.control: offer for offer in offers}
        for control, button in self._buttons.items():
            offer = by_control.get(control)
            button.setVisible(offer is not None)
            if offer is None:
                continue
            role = "primary" if control is strong else ""
            if button.property("role") != role:
                button.setProperty("role", role)
                button.style().unpolish(button)
                button.style().polish(button)
            button.setText(offer.label)
            button.setAccessibleName(offer.label)
            button.setAccessibleDescription(offer.why)
            button.setToolTip(plain_tip(offer.why))
            button.setEnabled(not offer.why and not busy)
        reasons = [f"{offer.label}: {offer.why}." for offer in offers if offer.why]
        for label, said in ((self._closing, closing), (self._why, " ".join(dict.fromkeys(reasons)))):
            label.setText(said)
            label.setVisible(bool(said))
        self._row.setVisible(bool(offers))
        self.setVisible(bool(offers or closing))
