"""That a procedure of this mentorado is open, wherever one looks in the pane."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.procedure import Procedure, ProcedureState
from app.ui.recovery.words import mark
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3
from app.ui.wrapping import WrappingRow


class ProcedureMark(QFrame):
    """One sentence, *see* to look at it, and *continue* where it only waits for that word."""

    see_wanted = Signal()
    continue_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self._words = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._words.setProperty("role", "banner")
        self.go_on, self.see = QPushButton(), QPushButton()
        self.go_on.clicked.connect(lambda _checked=False: self.continue_wanted.emit())
        self.see.clicked.connect(lambda _checked=False: self.see_wanted.emit())
        buttons = QWidget()
        row = WrappingRow(buttons, spacing=SPACE_2)
        row.addWidget(self.go_on)
        row.addWidget(self.see)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        column.setSpacing(SPACE_2)
        column.addWidget(self._words)
        column.addWidget(buttons)
        self.hide()

    def show_procedure(self, procedure: Procedure | None, *, busy: bool) -> None:
        """None where there is none."""
        self.setVisible(procedure is not None)
        if procedure is None:
            return
        self._words.setText(mark(procedure))
        self.setAccessibleName(self._words.text())
        self.go_on.setVisible(procedure.state is ProcedureState.PAUSED)
        self.go_on.setEnabled(not busy)
        for button, key in ((self.go_on, "procedure.continue"), (self.see, "procedure.see")):
            button.setText(texts(key))
            button.setAccessibleName(texts(key))
            button.setAccessibleDescription(self._words.text())
