"""Before a backup: whether a passphrase protects the file."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.mentorado import Enrolment
from app.domain.procedure import ProcedureKind
from app.ui.recovery.beginning import Beginning
from app.ui.recovery.passphrase import PassphraseField
from app.ui.text import texts
from app.ui.theme import Theme


class BackupBeginning(Beginning):
    """The passphrase may be left empty, and what that means is said in either case."""

    kind = ProcedureKind.BACKUP

    def __init__(self, theme: Theme, enrolment: Enrolment) -> None:
        super().__init__(theme, enrolment)
        self.phrase = PassphraseField(twice=True)
        self._means = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._means.setProperty("role", "secondary")
        self.column.addWidget(self.phrase)
        self.column.addWidget(self._means)
        self.phrase.changed.connect(self._on_phrase)
        self.phrase.submitted.connect(self.submitted)
        self.retranslate()

    @property
    def verb(self) -> str:
        return texts(f"begin.backup.confirm_{'protected' if self.secret else 'unprotected'}")

    @property
    def fields(self) -> Sequence[QWidget]:
        return self.phrase.fields

    @property
    def why_not(self) -> str:
        return self.phrase.why_not

    @property
    def secret(self) -> str:
        return self.phrase.phrase

    def retranslate(self) -> None:
        super().retranslate()
        self.phrase.say(texts("begin.phrase"), texts("begin.phrase_again"))
        self.phrase.first.setPlaceholderText(texts("begin.phrase_hint"))
        self._on_phrase()

    def _on_phrase(self) -> None:
        self._means.setText(texts("begin.phrase_means" if self.secret else "begin.no_phrase_means"))
        self.phrase.first.setAccessibleDescription(self._means.text())
        self.changed.emit()
