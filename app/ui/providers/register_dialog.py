"""The dialog that registers a number with its PIN, with the remaining attempts."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from app.core.provider_setup.registration import LIMIT, AttemptQuota, NumberRegistrationService
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado
from app.domain.repositories import Clock
from app.text.signs import Tone
from app.text.status import date_time, texts, unbroken
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.theme import SPACE_1, SPACE_2, TEXT_NAME, Theme
from app.ui.widgets.labels import Badge, text_label
from app.ui.widgets.layouts import hbox

_FEW = 3
_DIGITS = 6


def tries_left(allowance: AttemptQuota, now: datetime) -> str:
    """Return how many attempts are left, and when the next one becomes available."""
    if allowance.left == LIMIT or allowance.until is None:
        return texts.plural("register.left", allowance.left, limit=LIMIT)
    local = allowance.until.astimezone()
    until = date_time(local, now.astimezone().date())
    return texts.plural("register.left_until", allowance.left, limit=LIMIT, until=until)


def tries_tone(allowance: AttemptQuota) -> Tone:
    if allowance.left == 0:
        return Tone.ERROR
    return Tone.WAITING if allowance.left <= _FEW else Tone.IDLE


class RegisterDialog(ScrollDialog):
    """The PIN is shown as dots, and is cleared once used."""

    def __init__(
        self, theme: Theme, over: QWidget, mentorado: Mentorado, registration: NumberRegistrationService, clock: Clock
    ) -> None:
        super().__init__(theme, over)
        self._mentorado = mentorado
        self._registration = registration
        self._clock = clock
        self._allowance: AttemptQuota | None = None
        self.set_title(texts("register.title", name=mentorado.name))
        about = text_label(texts("register.about", phone=unbroken(mentorado.expected_account)))
        label = text_label(texts("register.pin"), "secondary", wraps=False)
        self.pin = QLineEdit(echoMode=QLineEdit.EchoMode.Password, maxLength=_DIGITS)
        self.pin.setFont(theme.font(TEXT_NAME))
        self.pin.setAccessibleName(label.text())
        self.pin.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly | Qt.InputMethodHint.ImhSensitiveData)
        self.pin.setValidator(QRegularExpressionValidator(QRegularExpression(f"[0-9]{{0,{_DIGITS}}}"), self.pin))
        self.pin.textChanged.connect(self._update_buttons)
        label.setBuddy(self.pin)
        self.reveal = QPushButton(autoDefault=False)
        self.reveal.setCheckable(True)
        self.reveal.setProperty("role", "quiet")
        self.reveal.toggled.connect(self._show_pin)
        row = hbox((self.pin, 1), self.reveal, spacing=SPACE_1)
        hint = text_label(texts("register.pin_hint"), "caption")
        self.badge = Badge(theme)
        self._tries = text_label("", "secondary")
        self.trouble = text_label("", "danger")
        self.trouble.hide()
        self.inside.addWidget(about)
        self.inside.addSpacing(SPACE_1)
        self.inside.addWidget(label)
        self.inside.addLayout(row)
        self.inside.addWidget(hint)
        self.inside.addSpacing(SPACE_2)
        self.inside.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignLeft)
        for part in (self._tries, self.trouble):
            self.inside.addWidget(part)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.register = self.add_button(texts("register.confirm"), "primary")
        self.register.setDefault(True)
        self.register.clicked.connect(self._register)
        self._show_pin(False)
        self.pin.setFocus()
        self._update_buttons()

    def show_allowance(self, allowance: AttemptQuota) -> None:
        """Show how many attempts are left."""
        self._allowance = allowance
        icon = "triangle-alert" if allowance.left == 0 else "clock"
        self.badge.show_badge(tries_tone(allowance), icon, texts("register.badge", left=allowance.left, limit=LIMIT))
        self._tries.setText(tries_left(allowance, self._clock.now()))
        self._update_buttons()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.trouble.setText(f"{sentence} {next_step}")
        self.trouble.show()
        self.pin.setFocus()
        self.pin.selectAll()

    @async_slot
    async def _register(self, _checked: bool = False) -> None:
        if not self.register.isEnabled():
            return
        mentorado_id = self._mentorado.id
        self.trouble.hide()
        self.busy = True
        self._update_buttons()
        try:
            await self._registration.register(mentorado_id, self.pin.text())
        except Problem:
            self.show_allowance(await self._registration.allowance(mentorado_id))
            raise
        finally:
            self.busy = False
            if not self.over:
                self._update_buttons()
        self.pin.clear()
        self.accept()

    def _show_pin(self, on: bool) -> None:
        self.pin.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)
        self.reveal.setText(texts("credentials.hide" if on else "credentials.show"))
        which = "credentials.hide_field" if on else "credentials.show_field"
        self.reveal.setAccessibleName(texts(which, field=texts("register.pin")))

    def _update_buttons(self, _typed: str = "") -> None:
        may = self._allowance is not None and self._allowance.left > 0
        self.register.setEnabled(may and not self.busy and len(self.pin.text()) == _DIGITS)
        self.cancel.setEnabled(not self.busy)
        self.register.setText(texts("register.doing" if self.busy else "register.confirm"))
