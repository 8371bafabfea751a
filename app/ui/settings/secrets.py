"""Where secrets are now, what that means, and what else can be chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from app.core.secret_service import SecretService
from app.domain.settings import SecretBackendKind
from app.text.signs import Tone
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.settings.section import Section, SettingRow
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import Badge, breakable
from app.ui.widgets.layouts import FlowLayout, vbox

_P = SecretBackendKind
_LOOKS: Final = MappingProxyType(
    {
        _P.KEYRING: (Tone.CONNECTED, "shield-check"),
        _P.ENCRYPTED_FILE: (Tone.CONNECTED, "lock"),
        _P.LOCKED_FILE: (Tone.WAITING, "lock"),
        _P.MEMORY: (Tone.WAITING, "clock"),
        _P.NONE: (Tone.ERROR, "triangle-alert"),
    }
)
_NO_FILE: Final = (_P.NONE, _P.MEMORY)
_WIDEST = 420


class SecretsSection(Section):
    """Choices appear only where there is one to make. A passphrase leaves the field as soon as it was used."""

    def __init__(self, theme: Theme, *, secrets: SecretService, path: Path) -> None:
        super().__init__(theme, "secrets", "key")
        self._secrets = secrets
        self._path = path
        self.place: SecretBackendKind | None = None
        self.badge = Badge(theme)
        self._now = SettingRow(theme, self.badge)
        self.phrase, self.again = _secret_field(), _secret_field()
        self.keep_button = self._button(self.keep_in_file)
        self.memory_button = self._button(self.keep_in_memory)
        self.keyring_button = self._button(self.try_keyring)
        self.aside_button = self._button(self.set_aside)
        for field in (self.phrase, self.again):
            field.textChanged.connect(self._compare)
            field.returnPressed.connect(self.keep_button.click)
        self._fields = QWidget()
        column = vbox(self.phrase, self.again, inside=self._fields, spacing=t.SPACE_2)
        column.addWidget(self.keep_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.keep_button.setProperty("role", "primary")
        self._file = SettingRow(theme, self._fields, below=True)
        self._others = QWidget()
        others = FlowLayout(self._others)
        for button in (self.memory_button, self.keyring_button, self.aside_button):
            others.addWidget(button)
        self._other = SettingRow(theme, self._others, below=True)
        for row in (self._now, self._file, self._other):
            self.add(row)

    @async_slot
    async def refresh(self) -> None:
        """The first time, the keyring may ask the person to unlock it."""
        self._show(await self._secrets.place())

    @async_slot
    async def keep_in_file(self, _checked: bool = False) -> None:
        """Make the file with this passphrase, or open the one there is."""
        phrase = self.phrase.text()
        await self._choose(lambda: self._secrets.use_file(phrase))
        for field in (self.phrase, self.again):
            field.clear()

    @async_slot
    async def keep_in_memory(self, _checked: bool = False) -> None:
        await self._choose(self._secrets.use_memory)

    @async_slot
    async def try_keyring(self, _checked: bool = False) -> None:
        """After the person unlocked or installed one."""
        place = await self._choose(self._secrets.retry_keyring)
        if place is not _P.KEYRING:
            self.show_saved(texts("settings.secrets.still_no_keyring"))

    @async_slot
    async def set_aside(self, _checked: bool = False) -> None:
        """Begin anew without the file, once it is sure that its passphrase is lost."""
        sheet = ConfirmDialog(
            self._theme, self, texts("settings.secrets.aside_title"), texts("settings.secrets.aside_confirm")
        )
        sheet.add_aspect("kept", texts("settings.secrets.aside_kept"))
        sheet.add_aspect("changes", texts("settings.secrets.aside_changes"))
        if await show_dialog(sheet) is BaseDialog.DialogCode.Accepted:
            await self._choose(self._secrets.retire_file)
        else:
            await self._secrets.decline_set_aside()

    def retranslate(self) -> None:
        super().retranslate()
        for field, name in ((self.phrase, "phrase"), (self.again, "again")):
            field.setPlaceholderText(texts(f"settings.secrets.{name}"))
            field.setAccessibleName(texts(f"settings.secrets.{name}"))
        self.memory_button.setText(texts("settings.secrets.keep_in_memory"))
        self.keyring_button.setText(texts("settings.secrets.try_keyring"))
        self.aside_button.setText(texts("settings.secrets.set_aside"))
        self._other.set_text(texts("settings.secrets.other"), texts("settings.secrets.other_line"))
        self._show(self.place)

    async def _choose(self, choice: Callable[[], Awaitable[SecretBackendKind]]) -> SecretBackendKind:
        self.clear_message()
        before, place = self.place, await choice()
        self._show(place)
        if place is not before:
            self.show_saved(texts("settings.saved"))
        return place

    def _show(self, place: SecretBackendKind | None) -> None:
        self.place = place
        if place is None:
            self.badge.show_badge(Tone.PROGRESS, "clock", texts("settings.secrets.looking"))
            self._now.set_text(texts("settings.secrets.now"), "")
        else:
            self.badge.show_badge(*_LOOKS[place], texts(f"settings.secrets.place.{place}.badge"))
            line = texts(f"settings.secrets.place.{place}.line", path=breakable(str(self._path)))
            self._now.set_text(texts("settings.secrets.now"), line)
        locked = place is _P.LOCKED_FILE
        self._file.setVisible(locked or place in _NO_FILE)
        self._file.set_text(
            texts("settings.secrets.unlock" if locked else "settings.secrets.file"),
            texts("settings.secrets.unlock_line" if locked else "settings.secrets.file_line"),
        )
        self.again.setVisible(not locked)
        self.keep_button.setText(texts("settings.secrets.open" if locked else "settings.secrets.make"))
        self.memory_button.setVisible(place is _P.NONE)
        self.aside_button.setVisible(locked)
        self._other.setVisible(place is not None and place is not _P.KEYRING)
        self._compare()

    def _compare(self, _typed: str = "") -> None:
        same = self.again.isHidden() or self.again.text() == self.phrase.text()
        self.keep_button.setEnabled(bool(self.phrase.text()) and same)

    def _button(self, do: Callable[..., None]) -> QPushButton:
        button = QPushButton()
        button.clicked.connect(do)
        return button


def _secret_field() -> QLineEdit:
    field = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
    field.setMaximumWidth(_WIDEST)
    return field
