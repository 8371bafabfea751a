"""A pairing code that is typed on the phone: large, spelled out, with its time, and ready to be sent to who is away."""

from __future__ import annotations

import math
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QPushButton, QWidget

from app.domain.link_status import FOLLOWING_CODE, QrCode
from app.domain.phone import PhoneNumber, last_digits
from app.text.pairing import spelled, steps_to_send
from app.text.status import texts
from app.ui.detail_pane.code_clipboard import CodeClipboard
from app.ui.detail_pane.qr import QrCountdown
from app.ui.theme.theme import SPACE_2, SPACE_3, TEXT_NAME, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, vbox

_SIZE = 30
_APART = 120  # per cent of a letter's own room


class _SpacedLabel(ScaledLabel):
    """Letters apart from each other, so that each is read by itself; what is selected has no spaces."""

    def _rescale(self) -> None:
        font = self._theme.font(self._size, self._weight)
        font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, _APART)
        self.setFont(font)


class PairingCodeView(QWidget):
    """Large enough to be read out on the telephone."""

    back_requested = Signal()

    def __init__(self, theme: Theme, clipboard: CodeClipboard) -> None:
        super().__init__()
        self._clipboard = clipboard
        self._account: PhoneNumber | None = None
        self._until: datetime | None = None
        self._sentence = ScaledLabel(theme, TEXT_NAME)
        self._code = _SpacedLabel(theme, _SIZE, QFont.Weight.DemiBold, wraps=False)
        self._code.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._spelled, self._line = (text_label() for _ in range(2))
        self._spelled.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._spelled.setProperty("role", "caption")
        self._line.setProperty("role", "secondary")
        self._life = QrCountdown(theme)
        self._copy_steps, self._copy_code, self._back = QPushButton(), QPushButton(), QPushButton()
        self._copy_steps.clicked.connect(self._put_steps)
        self._copy_code.clicked.connect(self._put_code)
        self._back.setProperty("role", "quiet")
        self._back.clicked.connect(self.back_requested)
        self.setFocusProxy(self._copy_steps)
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=SPACE_2)
        for button in (self._copy_steps, self._copy_code, self._back):
            row.addWidget(button)
        vbox(self._sentence, self._code, self._spelled, self._life, self._line, buttons, inside=self, spacing=SPACE_3)

    @property
    def code(self) -> str:
        return self._code.text()

    def show_code(self, code: str, account: PhoneNumber | None) -> None:
        """Show *code* for the phone of *account*; a screen reader says it a character at a time."""
        self._account = account
        self._code.setText(code)
        self._code.setAccessibleName(" ".join(code))
        self._sentence.setText(texts("qr.typed_sentence", digits=last_digits(account)) if account else "")
        self._spelled.setText(spelled(code))

    def show_life(self, code: QrCode, now: datetime) -> None:
        """How long the pairing goes on that *code* is part of: what is typed expires with its last QR."""
        self._until = code.pairing_ends_at
        left = max(0.0, (self._until - now).total_seconds())
        whole = (code.expires_at - code.issued_at + (code.total - 1) * FOLLOWING_CODE).total_seconds()
        minutes, seconds = divmod(math.ceil(left), 60)
        copied = texts("qr.text_copied") if self._clipboard.holds_text else ""
        self._life.show_life(left / max(whole, 1.0), texts("qr.typed_expires", time=f"{minutes}:{seconds:02}"), copied)

    def clear(self) -> None:
        """A code is a credential: it is not kept where it is not shown."""
        self.show_code("", None)
        self._until = None

    def retranslate(self) -> None:
        self._line.setText(texts("qr.type_line"))
        self._back.setText(texts("qr.type_back"))
        self._copy_code.setText(texts("qr.copy_code"))
        self._copy_steps.setText(texts("qr.copy_steps"))
        self._copy_steps.setToolTip(texts("qr.copy_steps_tip"))
        self.show_code(self._code.text(), self._account)

    def _put_code(self) -> None:
        if self._until is not None:
            self._clipboard.put_text(self._code.text(), self._until)

    def _put_steps(self) -> None:
        if self._until is not None and self._account is not None:
            words = steps_to_send(self._code.text(), self._account, self._until)
            self._clipboard.put_text(words, self._until)
