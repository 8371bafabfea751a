"""What went wrong with an action, in the place where it was asked for."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy

from app.text.status import texts
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import WrappingLabel, text_label
from app.ui.widgets.layouts import hbox, vbox

_ERROR_ICON = 16


class InlineError(QFrame):
    """The sentence and the next step, until dismissed."""

    dismissed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._theme = theme
        self._mark = text_label(wraps=False)
        self._sentence, self._next = (WrappingLabel() for _ in range(2))
        self._sentence.setProperty("role", "danger")
        self._next.setProperty("role", "secondary")
        self._dismiss = QPushButton()
        self._dismiss.setProperty("role", "quiet")
        self._dismiss.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._dismiss.clicked.connect(self.dismissed)
        words = vbox(self._sentence, self._next, spacing=SPACE_1 // 2)
        layout = hbox(inside=self, margins=(SPACE_3, SPACE_2, SPACE_1, SPACE_2), spacing=SPACE_2)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.retranslate()
        self.hide()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self._sentence.setText(sentence)
        self._next.setText(next_step)
        before = "" if self.isHidden() else self.accessibleName()
        self.setAccessibleName(f"{sentence} {next_step}")
        self.show()
        if self.accessibleName() != before:
            announce(self, self.accessibleName())

    def retranslate(self) -> None:
        tokens, side = self._theme.tokens, self._theme.px(_ERROR_ICON)
        self._mark.setPixmap(pixmap("triangle-alert", tokens.danger_text, side, self.devicePixelRatioF()))
        self._dismiss.setIcon(icon("x", tokens.text2, side))
        self._dismiss.setAccessibleName(texts("detail.dismiss"))
        self._dismiss.setToolTip(texts("detail.dismiss"))
