"""Where there is no keyring: keep what was typed until Conecta closes, or in an encrypted file."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from app.core.secret_service import SecretService
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.for_many import FieldBeforeButton
from app.ui.theme.theme import SPACE_2
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import vbox


class KeepSecrets(QWidget):
    """Two choices, and `kept` once one is made. A passphrase leaves its field as soon as it was used."""

    kept = Signal()

    def __init__(self, secrets: SecretService) -> None:
        super().__init__()
        self._secrets = secrets
        self.memory_button = QPushButton(texts("credentials.until_closed"), autoDefault=False)
        self.memory_button.clicked.connect(self._keep_in_memory)
        self.file_button = QPushButton(texts("credentials.in_file"), autoDefault=False)
        self.file_button.clicked.connect(self._keep_in_file)
        self.phrase, self.again = (FieldBeforeButton(self.file_button) for _ in range(2))
        for field, name in ((self.phrase, "phrase"), (self.again, "again")):
            field.setEchoMode(QLineEdit.EchoMode.Password)
            field.setPlaceholderText(texts(f"settings.secrets.{name}"))
            field.setAccessibleName(texts(f"settings.secrets.{name}"))
            field.textChanged.connect(self._compare)
        line = text_label(texts("settings.secrets.file_line"), "secondary")
        column = vbox(inside=self, spacing=SPACE_2)
        column.addWidget(self.memory_button, 0, Qt.AlignmentFlag.AlignLeft)
        for part in (line, self.phrase, self.again):
            column.addWidget(part)
        column.addWidget(self.file_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._compare()

    @async_slot
    async def _keep_in_memory(self, _checked: bool = False) -> None:
        await self._secrets.use_memory()
        self.kept.emit()

    @async_slot
    async def _keep_in_file(self, _checked: bool = False) -> None:
        await self._secrets.use_file(self.phrase.text())
        for field in (self.phrase, self.again):
            field.clear()
        self.kept.emit()

    def _compare(self, _typed: str = "") -> None:
        self.file_button.setEnabled(bool(self.phrase.text()) and self.phrase.text() == self.again.text())
