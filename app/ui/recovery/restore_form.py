"""Before a restore: which backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.backup.folder import ENDING
from app.domain.backup import BackupInfo
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock
from app.domain.procedure import ProcedureKind
from app.ui.loop import ask, asked
from app.ui.recovery.archive_button import ArchiveButton
from app.ui.recovery.beginning import Beginning
from app.ui.recovery.ledger import LedgerView
from app.ui.recovery.passphrase import PassphraseField
from app.ui.text import texts
from app.ui.theme import SPACE_2, SPACE_3, Theme

if TYPE_CHECKING:
    from app.ui.recovery.desk import BackupShelf


class RestoreBeginning(Beginning):
    """The mentorado's own backups, the latest first, and any other file. What is chosen says what will happen."""

    kind = ProcedureKind.RESTORE

    def __init__(self, theme: Theme, enrolment: Enrolment, shelf: BackupShelf, clock: Clock) -> None:
        super().__init__(theme, enrolment)
        self._shelf = shelf
        self._clock = clock
        self._read = False
        self._locked: Path | None = None  # a file of which nothing is known without its passphrase
        self._chosen: BackupInfo | None = None
        self._infos: list[BackupInfo] = []
        self._buttons: list[ArchiveButton] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(SPACE_2)
        self._empty = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._empty.setProperty("role", "secondary")
        self.choose_file = QPushButton()
        self.choose_file.setProperty("role", "link")
        self.choose_file.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.choose_file.clicked.connect(self._choose_file)
        self.phrase = PassphraseField()
        self._ledger = LedgerView(theme)
        self._ledger.setContentsMargins(0, SPACE_3, 0, 0)
        self.column.addWidget(self._empty)
        self.column.addLayout(self._list)
        for part in (self.choose_file, self.phrase, self._ledger):
            self.column.addWidget(part)
        self.phrase.changed.connect(self.changed)
        self.phrase.submitted.connect(self.submitted)
        self.retranslate()
        self.read()

    @property
    def chosen(self) -> BackupInfo | None:
        return self._chosen

    @property
    def fields(self) -> Sequence[QWidget]:
        return (*self._buttons, self.choose_file, *self.phrase.fields)

    @property
    def why_not(self) -> str:
        if self._locked is None and self._chosen is None:
            return texts("begin.restore.choose")
        needs = self._locked is not None or (self._chosen is not None and self._chosen.encrypted)
        return texts("begin.restore.phrase_needed") if needs and not self.secret else ""

    @property
    def facts(self) -> Mapping[str, str]:
        file = self._locked or (self._chosen.path if self._chosen else None)
        return {"path": str(file)} if file else {}

    @property
    def secret(self) -> str:
        return self.phrase.phrase

    @asked
    async def read(self) -> None:
        """Look for the mentorado's backups."""
        self._infos = list(await self._shelf.all(self._enrolment.mentorado.id))
        self._read = True
        self._show()

    async def take(self, file: Path) -> None:
        """Choose a *file* from anywhere. Raises `Problem` unless it is a backup; one that is locked stays closed."""
        try:
            info = await self._shelf.verify(file)
        except Problem as problem:
            if problem.code is not Code.BACKUP_LOCKED:
                raise
            self._locked, self._chosen = file, None
        else:
            self._locked, self._chosen = None, info
            if all(each.path != info.path for each in self._infos):
                self._infos.insert(0, info)
        self._show()

    def retranslate(self) -> None:
        super().retranslate()
        self.choose_file.setText(texts("begin.restore.file"))
        self.phrase.say(texts("procedure.passphrase"))
        self._show()

    @asked
    async def _choose_file(self, _checked: bool = False) -> None:
        dialog = QFileDialog(self, texts("begin.restore.file_title"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        ours = texts("begin.restore.file_kind", ending=ENDING.removeprefix("."))
        dialog.setNameFilters([ours, texts("begin.restore.any_file")])
        if await ask(dialog) is QFileDialog.DialogCode.Accepted:
            await self.take(Path(dialog.selectedFiles()[0]))

    def _pick(self, info: BackupInfo) -> None:
        self._locked, self._chosen = None, info
        self._show()

    def _show(self) -> None:
        self._show_list(self._infos)
        for info, button in zip(self._infos, self._buttons, strict=True):
            button.setChecked(info == self._chosen)
        if self._locked is not None:
            empty = texts("begin.restore.locked_file", file=self._locked.name)
        elif not self._read:
            empty = texts("begin.restore.looking")
        else:
            empty = "" if self._infos else texts("begin.restore.none", name=self.name)
        self._empty.setText(empty)
        self._empty.setVisible(bool(empty))
        self.phrase.setVisible(self._locked is not None or (self._chosen is not None and self._chosen.encrypted))
        self._ledger.show_entries(self._entries() if self._chosen or self._locked else [])
        self._ledger.setVisible(bool(self._chosen or self._locked))
        self.changed.emit()

    def _entries(self) -> list[tuple[str, str]]:
        return [(aspect, texts(f"begin.restore.{aspect}", name=self.name)) for aspect in ("kept", "changes")]

    def _show_list(self, infos: Sequence[BackupInfo]) -> None:
        if [button.info for button in self._buttons] == list(infos):
            for button in self._buttons:
                button.retranslate()
            return
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = [ArchiveButton(self._theme, info, self._clock.now) for info in infos]
        for button in self._buttons:
            button.clicked.connect(lambda _checked=False, info=button.info: self._pick(info))
            self._list.addWidget(button)
