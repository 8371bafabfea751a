"""The other way to pair: a code that is typed on the phone, in the place of the QR until somebody wants that back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3, Theme
from app.ui.words import Words

_SIZE = 32
_SPACING = 4.0


class TypedCode(QWidget):
    """Large enough to be read out on the telephone."""

    back_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._code = Words(theme, _SIZE, QFont.Weight.DemiBold)
        self._code.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._line = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter, textFormat=Qt.TextFormat.PlainText)
        self._line.setProperty("role", "secondary")
        self._back = QPushButton()
        self._back.setProperty("role", "quiet")
        self._back.clicked.connect(self.back_wanted)
        self.setFocusProxy(self._back)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_3, 0, 0)
        column.setSpacing(SPACE_3)
        column.addWidget(self._code)
        column.addWidget(self._line)
        column.addSpacing(SPACE_2)
        column.addWidget(self._back, 0, Qt.AlignmentFlag.AlignHCenter)

    def show_code(self, code: str) -> None:
        """Show *code*, a character at a time to a screen reader."""
        self._code.setText(code)
        self._code.setAccessibleName(" ".join(code))

    def forget(self) -> None:
        """A code is a credential: it is not kept where it is not shown."""
        self.show_code("")

    def retranslate(self) -> None:
        self._line.setText(texts("qr.type_line"))
        self._back.setText(texts("qr.type_back"))
