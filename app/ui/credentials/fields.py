"""One field for each thing a provider asks for. What is secret shows as dots until somebody wants to see it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.hosted.credentials import Known, spread, tidied
from app.domain.credentials import ASKED, Asked, CredentialField
from app.domain.mentorado import ProviderKind
from app.ui.credentials import words
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_4, Theme

_SENSITIVE = (
    Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText | Qt.InputMethodHint.ImhNoAutoUppercase
)


class CredentialInput(QWidget):
    """A label, a line, and below it what is wrong, or else where to find it."""

    changed = Signal()
    pasted_address = Signal(object)
    """A whole address was put here; carries the fields that are in it."""

    def __init__(self, asked: Asked, theme: Theme) -> None:
        super().__init__()
        self.asked = asked
        self._error = ""
        name = words.label(asked.name)
        self._label = QLabel(
            name if asked.required else f"{name} ({texts('credentials.optional')})", textFormat=Qt.TextFormat.PlainText
        )
        self._label.setProperty("role", "secondary")
        self.line = QLineEdit()
        self.line.setAccessibleName(self._label.text())
        self.line.setInputMethodHints(_SENSITIVE)
        self.line.textEdited.connect(self._tidy)
        self._label.setBuddy(self.line)
        self._below = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        row = QHBoxLayout()
        row.setSpacing(SPACE_1)
        row.addWidget(self.line, 1)
        self.reveal = QPushButton(autoDefault=False)
        self.reveal.setCheckable(True)
        self.reveal.setProperty("role", "quiet")
        self.reveal.setVisible(False)
        self.reveal.toggled.connect(self._show_text)
        row.addWidget(self.reveal)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self._label)
        column.addLayout(row)
        column.addWidget(self._below)
        theme.changed.connect(self.updateGeometry)
        if asked.secret:
            self._show_text(False)
        self._say_below()

    @property
    def error(self) -> str:
        return self._error

    def show_kept(self, known: Known) -> None:
        """Begin with what is kept: a plain field as it is, a secret one only as being there."""
        self.line.setText(known.plain.get(self.asked.name, ""))
        if self.asked.name in known.secret:
            self.line.setPlaceholderText(texts("credentials.kept"))

    def take(self, text: str) -> None:
        """Write *text* as if it had been typed."""
        self.line.setText(text)
        self._tidy(text)

    def show_error(self, said: str) -> None:
        if said == self._error:
            return
        self._error = said
        self.line.setProperty("invalid", bool(said))
        self.line.style().unpolish(self.line)  # a sheet looks at properties only when it dresses a widget
        self.line.style().polish(self.line)
        self._say_below()

    def _say_below(self) -> None:
        said = f"{self._error} {words.hint(self.asked.name)}".strip()
        self._below.setProperty("role", "danger" if self._error else "caption")
        self._below.style().unpolish(self._below)
        self._below.style().polish(self._below)
        self._below.setText(said)
        self._below.setVisible(bool(said))
        self.line.setAccessibleDescription(said)

    def _show_text(self, on: bool) -> None:
        self.line.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)
        self.reveal.setText(texts("credentials.hide" if on else "credentials.show"))
        which = "credentials.hide_field" if on else "credentials.show_field"
        self.reveal.setAccessibleName(texts(which, field=words.label(self.asked.name)))

    def _tidy(self, typed: str) -> None:
        found = spread(typed)
        clean = found.get(self.asked.name, tidied(typed))
        if clean != typed:
            at = self.line.cursorPosition() - (len(typed) - len(clean))
            self.line.setText(clean)
            self.line.setCursorPosition(max(0, at))
        if self.asked.secret:
            self.reveal.setVisible(bool(clean))
        self.show_error("")
        if found:
            self.pasted_address.emit(found)
        self.changed.emit()


class CredentialForm(QWidget):
    """The fields that a provider asks for, in its order."""

    changed = Signal()

    def __init__(self, kind: ProviderKind, theme: Theme) -> None:
        super().__init__()
        self.inputs = {asked.name: CredentialInput(asked, theme) for asked in ASKED[kind]}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_4 - 2)
        for each in self.inputs.values():
            column.addWidget(each)
            each.changed.connect(self.changed)
            each.pasted_address.connect(self._spread)

    @property
    def typed(self) -> dict[CredentialField, str]:
        """What stands in the fields now; never put it into a log."""
        return {name: each.line.text() for name, each in self.inputs.items()}

    @property
    def first(self) -> QLineEdit:
        """The first field that waits for somebody."""
        empty = (each.line for each in self.inputs.values() if not each.line.text())
        return next(empty, next(iter(self.inputs.values())).line)

    def show_known(self, known: Known, draft: Mapping[CredentialField, str]) -> None:
        """Show what is kept, and over it what was typed before and not saved."""
        for name, each in self.inputs.items():
            each.show_kept(known)
            if draft.get(name):
                each.take(draft[name])

    def show_error(self, name: str, said: str) -> CredentialInput | None:
        """Say it under the field called *name*, and go there; returns the field, if there is one."""
        each = self.inputs.get(CredentialField(name)) if name in set(CredentialField) else None
        if each is not None:
            each.show_error(said)
            each.line.setFocus()
            each.line.selectAll()
        return each

    def _spread(self, found: Mapping[CredentialField, str]) -> None:
        for name, value in found.items():
            if name in self.inputs and self.inputs[name].line.text() != value:
                self.inputs[name].take(value)
