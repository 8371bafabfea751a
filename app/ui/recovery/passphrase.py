"""A passphrase on one line, or typed twice where nobody could correct a slip."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from app.core.backup.cipher import LEAST_LETTERS
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_2


class PassphraseField(QWidget):
    """Dots; what is typed leaves it only as `phrase`."""

    changed = Signal()
    submitted = Signal()
    """Enter, once there is a passphrase and nothing is wrong with it."""

    def __init__(self, *, twice: bool = False) -> None:
        super().__init__()
        self.first = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.again = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self._labels = (
            QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText),
            QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText),
        )
        self._twice = twice
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        for label, line in zip(self._labels, (self.first, self.again), strict=True):
            label.setProperty("role", "secondary")
            label.setBuddy(line)
            line.textChanged.connect(self._on_typed)
            column.addWidget(label)
            column.addWidget(line)
            column.addSpacing(SPACE_2)
        self.first.returnPressed.connect(self._on_enter)
        self.again.returnPressed.connect(self._on_enter)
        self._on_typed()

    @property
    def fields(self) -> Sequence[QWidget]:
        """In the order of reading."""
        return self.first, self.again

    @property
    def phrase(self) -> str:
        return self.first.text()

    @property
    def why_not(self) -> str:
        """What is wrong with what was typed twice; an empty one is nobody's mistake."""
        if not self.first.text() or not self._twice:
            return ""
        if len(self.first.text()) < LEAST_LETTERS:
            return texts("begin.phrase_short", least=LEAST_LETTERS)
        return "" if self.first.text() == self.again.text() else texts("begin.phrase_differs")

    def clear(self) -> None:
        """Forget what was typed."""
        self.first.clear()
        self.again.clear()

    def say(self, first: str, again: str = "") -> None:
        for label, line, words in zip(self._labels, (self.first, self.again), (first, again), strict=True):
            label.setText(words)
            line.setAccessibleName(words)

    def _on_enter(self) -> None:
        if self._twice and self.first.text() and not self.again.text():
            self.again.setFocus()
        elif self.first.text() and not self.why_not:
            self.submitted.emit()

    def _on_typed(self, _words: str = "") -> None:
        wants_again = self._twice and bool(self.first.text())
        for part in (self._labels[1], self.again):
            part.setVisible(wants_again)
        if not wants_again:
            self.again.clear()
        self.changed.emit()
