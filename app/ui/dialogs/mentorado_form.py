"""The sheet in which somebody is added or corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QCompleter, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.enrolments import Enrolments
from app.core.phone_numbers import parse_phone
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, MentoradoId
from app.domain.phone import readable
from app.ui.dialogs.sheet import Sheet
from app.ui.loop import ask, asked
from app.ui.text import problem as words_of
from app.ui.text import texts
from app.ui.theme import SPACE_1, SPACE_2, Theme

_POPUP = """
QListView {{ background: {raised}; border: 1px solid {border_strong}; outline: none; }}
QListView::item {{ padding: 6px 8px; border-radius: 6px; }}
QListView::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
"""
_POPUP_COLOURS = ("raised", "border_strong", "accent_soft", "on_accent_soft")


@dataclass(frozen=True, slots=True)
class Saved:
    """Who was added or changed, and whether to connect them at once."""

    enrolment: Enrolment
    connect: bool


class _Field(QWidget):
    """A label, a line to write on, and under it what is wrong with what was written."""

    def __init__(self, name: str, *, wanted: bool) -> None:
        super().__init__()
        self.label = QLabel(texts(f"dialog.{name}"))
        self.label.setProperty("role", "secondary")
        self.line = QLineEdit()
        self.line.setPlaceholderText(texts(f"dialog.{name}_hint"))
        self.line.setAccessibleName(self.label.text().replace("&", ""))
        self.label.setBuddy(self.line)
        self._error = QLabel(" ", wordWrap=True, textFormat=Qt.TextFormat.PlainText)  # keeps its place while empty
        self._error.setProperty("role", "danger")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_1)
        layout.addWidget(self.label)
        layout.addWidget(self.line)
        if wanted:
            layout.addWidget(self._error)

    @property
    def error(self) -> str:
        return self._error.text().strip()

    def show_error(self, words: str) -> None:
        if words == self.error:
            return
        self._error.setText(words or " ")
        self.line.setAccessibleDescription(words)
        self.line.setProperty("invalid", bool(words))
        self.line.style().unpolish(self.line)  # a sheet looks at properties only when it dresses a widget
        self.line.style().polish(self.line)
        if isinstance(sheet := self.window(), Sheet) and sheet.isVisible():
            sheet.fit()


class MentoradoForm(Sheet):
    """Adds somebody, or corrects *editing*. What it saved is in `saved` once it was accepted."""

    def __init__(self, theme: Theme, over: QWidget, enrolments: Enrolments, editing: Enrolment | None = None) -> None:
        super().__init__(theme, over)
        self._enrolments = enrolments
        self._editing = editing
        self._saving = False
        self.saved: Saved | None = None
        self.name = _Field("name", wanted=True)
        self.phone = _Field("phone", wanted=True)
        self.cohort = _Field("cohort", wanted=False)
        self._field_of = {
            Code.NAME_MISSING: self.name,
            Code.PHONE_MISSING: self.phone,
            Code.PHONE_INVALID: self.phone,
            Code.PHONE_TAKEN: self.phone,
        }
        for field in (self.name, self.phone, self.cohort):
            self.body.addWidget(field)
        self.trouble = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.trouble.hide()
        self.trouble.setProperty("role", "danger")
        self.body.addWidget(self.trouble)
        self.body.setSpacing(SPACE_2)
        self.cohort.line.setCompleter(_completer(enrolments.all(), self))
        if popup := self.cohort.line.completer().popup():
            popup.setStyleSheet(_POPUP.format(**{name: getattr(theme.tokens, name) for name in _POPUP_COLOURS}))

        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.add_and_connect: QPushButton | None = None
        if editing is None:
            self.set_title(texts("dialog.add_title"))
            self.save = self.add_button(texts("dialog.add"))
            self.add_and_connect = self.add_button(texts("dialog.add_and_connect"), "primary")
            self.add_and_connect.clicked.connect(lambda: self._save(connect=True))
        else:
            self.set_title(texts("dialog.edit_title", name=editing.mentorado.name))
            self.save = self.add_button(texts("dialog.save"), "primary")
            self.name.line.setText(editing.mentorado.name)
            self.phone.line.setText(readable(editing.mentorado.phone))
            self.cohort.line.setText(editing.mentorado.cohort)
        self.save.clicked.connect(lambda: self._save(connect=False))
        self.main_button.setDefault(True)
        self.name.line.textEdited.connect(self._name_edited)
        self.phone.line.textEdited.connect(lambda: self.phone.show_error(""))
        self.phone.line.installEventFilter(self)
        self.name.line.setFocus()

    @property
    def main_button(self) -> QPushButton:
        """What Enter does."""
        return self.add_and_connect or self.save

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.phone.line and event.type() is QEvent.Type.FocusOut and self.phone.line.text().strip():
            self._check_phone()
        return super().eventFilter(watched, event)

    def show_problem(self, problem: Problem) -> None:
        words = " ".join(words_of(problem))
        field = self._field_of.get(problem.code)
        if field is None:
            self._show_trouble(words)
            return
        field.show_error(words)
        field.line.setFocus()
        field.line.selectAll()

    def show_crash(self, _error: Exception) -> None:
        self._show_trouble(f"{texts('detail.crash')} {texts('detail.crash_next')}")

    def _show_trouble(self, words: str) -> None:
        """What is not about one field stands above the buttons."""
        self.trouble.setText(words)
        self.trouble.setVisible(bool(words))
        self.fit()

    def _name_edited(self, written: str) -> None:
        self.name.show_error("" if written.strip() else words_of(Problem(Code.NAME_MISSING))[0])

    def _check_phone(self) -> None:
        """Say what is wrong with the number, or write it the way it is read."""
        try:
            number = parse_phone(self.phone.line.text())
        except Problem as problem:
            self.phone.show_error(" ".join(words_of(problem)))
        else:
            self.phone.line.setText(readable(number))

    @asked
    async def _save(self, *, connect: bool) -> None:
        if self._saving:
            return
        self._saving = True
        self._show_trouble("")
        try:
            enrolment = await self._store()
        finally:
            self._saving = False
        self.saved = Saved(enrolment, connect)
        self.accept()

    async def _store(self) -> Enrolment:
        name, phone, cohort = (field.line.text() for field in (self.name, self.phone, self.cohort))
        if self._editing is None:
            return await self._enrolments.add(name, phone, cohort)
        return await self._enrolments.edit(self._editing.mentorado.id, name, phone, cohort)


async def ask_for_mentorado(
    theme: Theme, over: QWidget, enrolments: Enrolments, editing: MentoradoId | None = None
) -> Saved | None:
    """Add somebody, or correct *editing*; None when it was given up."""
    form = MentoradoForm(theme, over, enrolments, enrolments.get(editing) if editing else None)
    await ask(form)
    return form.saved


def _completer(everybody: Iterable[Enrolment], parent: QObject) -> QCompleter:
    cohorts = sorted({each.mentorado.cohort for each in everybody if each.mentorado.cohort}, key=str.casefold)
    completer = QCompleter(cohorts, parent)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    return completer
