"""How something ended, as a card: a sign, a sentence, and what to do next."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame

from app.text.signs import Tone
from app.ui.theme.theme import SPACE_1, SPACE_3, TEXT_BODY, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_SIGN, _SIGN_ICON = 32, 16


class ResultCard(QFrame):
    """A sentence, the next step, and a code for support."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._sign = IconCircle(theme, "info", _SIGN, _SIGN_ICON, scales=True)
        self.sentence = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.step, self.code = (text_label() for _ in range(2))
        self.step.setProperty("role", "secondary")
        self.code.setProperty("role", "caption")
        words = vbox(self.sentence, self.step, self.code, spacing=SPACE_1)
        row = hbox(inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_result(self, look: tuple[Tone, str], sentence: str, step: str, code: str = "") -> None:
        self._sign.show_icon(look[1], look[0])
        self.sentence.setText(sentence)
        self.step.setText(step)
        self.code.setText(code)
        self.step.setVisible(bool(step))
        self.code.setVisible(bool(code))
        self.setAccessibleName(" ".join(filter(None, (sentence, step, code))))
