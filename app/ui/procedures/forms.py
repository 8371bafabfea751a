"""The forms shown before a procedure begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.domain.backup import BACKUP_ENDING, BackupInfo
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.procedure import ENDS_CONNECTION, ProcedureKind
from app.domain.repositories import Clock
from app.formats.encryption import LEAST_LETTERS
from app.text.conversation import size
from app.text.procedure import counted
from app.text.status import age, date_time, texts
from app.text.status import problem as problem_words
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.files import FileDialog
from app.ui.procedures.impact import ImpactView, at_first
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_2,
    SPACE_3,
    Theme,
)
from app.ui.widgets.labels import plain_tip, text_label
from app.ui.widgets.layouts import vbox
from app.ui.widgets.radio_card import RadioCard

if TYPE_CHECKING:
    from app.core.backups import BackupService
    from app.core.procedures.service import ProcedureService


class ProcedureForm(QWidget):
    """A question with room below it. Whoever shows it has the two buttons, and is told when they may change."""

    changed = Signal()
    submitted = Signal()
    """Enter in a field that is filled in; it never means a backup without its passphrase."""
    confirm_wanted = Signal()
    """Enter in a field whose button has to be pressed on its own."""
    look_wanted = Signal(QWidget)
    """Something new is to be read there."""

    kind: ProcedureKind

    def __init__(self, theme: Theme, mentorado: Mentorado) -> None:
        super().__init__()
        self._theme = theme
        self._mentorado = mentorado
        self._line = text_label()
        self.column = vbox(self._line, inside=self, spacing=SPACE_3)

    @property
    def name(self) -> str:
        return self._mentorado.name

    @property
    def title(self) -> str:
        """The title of the form."""
        return texts(f"begin.{self.kind}.question", name=self.name)

    @property
    def about(self) -> str:
        """The line below the title."""
        return texts(f"begin.{self.kind}.line", name=self.name)

    @property
    def confirm_label(self) -> str:
        """The label of the confirm button."""
        return texts(f"begin.{self.kind}.confirm")

    @property
    def error(self) -> str:
        """Why it cannot begin yet; empty when it can."""
        return ""

    @property
    def fields(self) -> Sequence[QWidget]:
        """The focusable fields, in reading order."""
        return ()

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts the procedure begins with."""
        return {}

    @property
    def secret(self) -> str:
        """The typed passphrase, kept in memory only."""
        return ""

    @property
    def spoken(self) -> str:
        """What a screen reader is told of what came by itself."""
        return ""

    def words_of(self, problem: Problem) -> tuple[str, str]:
        """What went wrong when it was to begin, and the next step."""
        return problem_words(problem)

    @property
    def settled(self) -> bool:
        """Whether the person has decided, and there is nothing to confirm any more."""
        return False

    def retranslate(self) -> None:
        self._line.setText(self.about)
        self.setAccessibleName(f"{self.title} {self._line.text()}")


class ImpactForm(ProcedureForm):
    """Shows what is kept and what changes; the irreversible step is confirmed later."""

    def __init__(
        self,
        kind: ProcedureKind,
        theme: Theme,
        mentorado: Mentorado,
        procedures: ProcedureService,
        clock: Clock,
        *,
        ends_connection: bool = False,
    ) -> None:
        super().__init__(theme, mentorado)
        self.kind = kind
        self._ends_connection = ends_connection
        self._procedures = procedures
        self._clock = clock
        self._ledger = ImpactView(theme)
        self._ledger.setContentsMargins(0, SPACE_2, 0, 0)
        self.column.addWidget(self._ledger)
        self.retranslate()

    @async_slot
    async def retranslate(self) -> None:
        """Update the texts, and reload the impact."""
        super().retranslate()
        ledger = await self._procedures.ledger(self.kind, self._mentorado.id)
        now, ends = self._clock.now(), self._ends_connection
        self._ledger.show_entries(at_first(ledger, self.kind, self.name, now, ends_connection=ends))
        self.changed.emit()

    @property
    def facts(self) -> Mapping[str, str]:
        return {ENDS_CONNECTION: "yes"} if self._ends_connection else {}


def contents(info: BackupInfo) -> str:
    """What is in it: messages, a session or none, protected or not, how large."""
    lines = [
        counted("settings.history.messages", info.messages),
        texts("archive.session" if info.account else "archive.no_session"),
        texts("archive.protected" if info.encrypted else "archive.unprotected"),
        size(info.size),
    ]
    return " · ".join(filter(None, lines))


class BackupCard(RadioCard):
    """A backup to select."""

    def __init__(self, theme: Theme, info: BackupInfo, now: Callable[[], datetime]) -> None:
        super().__init__(theme)
        self.info = info
        self._now = now
        self.retranslate()

    def retranslate(self) -> None:
        now = self._now()
        when = date_time(self.info.at.astimezone(), now.astimezone().date())
        self.show_words(f"{when} · {age(now - self.info.at)}", contents(self.info))
        self.setToolTip(plain_tip(str(self.info.path)))


class PassphraseField(QWidget):
    """Two masked fields; the passphrase is read from `phrase` only."""

    changed = Signal()
    submitted = Signal()
    """Enter was pressed with a valid passphrase."""

    def __init__(self, *, twice: bool = False) -> None:
        super().__init__()
        self.first = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.again = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self._labels = (
            text_label(),
            text_label(),
        )
        self._twice = twice
        column = vbox(inside=self, spacing=SPACE_1)
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
        """The error in the two passphrases; an empty one is allowed."""
        if not self.first.text() or not self._twice:
            return ""
        if len(self.first.text()) < LEAST_LETTERS:
            return texts("begin.phrase_short", least=LEAST_LETTERS)
        return "" if self.first.text() == self.again.text() else texts("begin.phrase_differs")

    def clear(self) -> None:
        """Clear the fields."""
        self.first.clear()
        self.again.clear()

    def set_text(self, first: str, again: str = "") -> None:
        for label, line, words in zip(self._labels, (self.first, self.again), (first, again), strict=True):
            label.setText(words)
            line.setAccessibleName(words)

    def _on_enter(self) -> None:
        if self._twice and self.first.text() and not self.again.text():
            self.again.setFocus()
        elif self.first.text() and not self.why_not:
            self.submitted.emit()

    def _on_typed(self, _text_parts: str = "") -> None:
        wants_again = self._twice and bool(self.first.text())
        for part in (self._labels[1], self.again):
            part.setVisible(wants_again)
        if not wants_again:
            self.again.clear()
        self.changed.emit()


class BackupForm(ProcedureForm):
    """The passphrase may be left empty, and what that means is said in either case."""

    kind = ProcedureKind.BACKUP

    def __init__(self, theme: Theme, mentorado: Mentorado) -> None:
        super().__init__(theme, mentorado)
        self.phrase = PassphraseField(twice=True)
        self._means = text_label(role="secondary")
        self.column.addWidget(self.phrase)
        self.column.addWidget(self._means)
        self.phrase.changed.connect(self._on_phrase)
        self.phrase.submitted.connect(self.submitted)
        self.retranslate()

    @property
    def confirm_label(self) -> str:
        return texts(f"begin.backup.confirm_{'protected' if self.secret else 'unprotected'}")

    @property
    def fields(self) -> Sequence[QWidget]:
        return self.phrase.fields

    @property
    def error(self) -> str:
        return self.phrase.why_not

    @property
    def secret(self) -> str:
        return self.phrase.phrase

    def retranslate(self) -> None:
        super().retranslate()
        self.phrase.set_text(texts("begin.phrase"), texts("begin.phrase_again"))
        self.phrase.first.setPlaceholderText(texts("begin.phrase_hint"))
        self._on_phrase()

    def _on_phrase(self) -> None:
        self._means.setText(texts("begin.phrase_means" if self.secret else "begin.no_phrase_means"))
        self.phrase.first.setAccessibleDescription(self._means.text())
        self.changed.emit()


class RestoreForm(ProcedureForm):
    """The mentorado's own backups, the latest first, and any other file. What is chosen says what will happen."""

    kind = ProcedureKind.RESTORE

    def __init__(self, theme: Theme, mentorado: Mentorado, backups: BackupService, clock: Clock) -> None:
        super().__init__(theme, mentorado)
        self._backups = backups
        self._clock = clock
        self._read = False
        self._locked: Path | None = None  # a file of which nothing is known without its passphrase
        self._chosen: BackupInfo | None = None
        self._infos: list[BackupInfo] = []
        self._buttons: list[BackupCard] = []
        self._list = vbox(spacing=SPACE_2)
        self._empty = text_label(role="secondary")
        self.choose_file = QPushButton()
        self.choose_file.setProperty("role", "link")
        self.choose_file.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.choose_file.clicked.connect(self._choose_file)
        self.phrase = PassphraseField()
        self._ledger = ImpactView(theme)
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
    def error(self) -> str:
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

    @async_slot
    async def read(self) -> None:
        """Load the mentorado's backups."""
        self._infos = list(await self._backups.all(self._mentorado.id))
        self._read = True
        self._show()

    async def take(self, file: Path) -> None:
        """Choose a *file* from anywhere. Raises `Problem` unless it is a backup; one that is locked stays closed."""
        try:
            info = await self._backups.verify(file)
        except Problem as problem:
            if problem.code is not ProblemCode.BACKUP_LOCKED:
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
        self.phrase.set_text(texts("procedure.passphrase"))
        self._show()

    @async_slot
    async def _choose_file(self, _checked: bool = False) -> None:
        dialog = FileDialog(self, texts("begin.restore.file_title"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        ours = texts("begin.restore.file_kind", ending=BACKUP_ENDING.removeprefix("."))
        dialog.setNameFilters([ours, texts("begin.restore.any_file")])
        if await show_dialog(dialog) is QFileDialog.DialogCode.Accepted:
            await self.take(Path(dialog.selectedFiles()[0]))

    def _select(self, info: BackupInfo) -> None:
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
        self._buttons = [BackupCard(self._theme, info, self._clock.now) for info in infos]
        for button in self._buttons:
            button.clicked.connect(lambda _checked=False, info=button.info: self._select(info))
            self._list.addWidget(button)
