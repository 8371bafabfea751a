"""The dialog that adds or edits a mentorado."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.core.mentorado_service import MentoradoService, is_landline, parse_phone
from app.core.provider_setup.selection import ProviderSelectionService
from app.domain.actions import UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.phone import readable
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.status import problem as words_of
from app.text.status import provider, refusal, texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import BaseDialog, ScrollDialog
from app.ui.theme.theme import SPACE_1, SPACE_2, Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import vbox


class ProviderField(QWidget):
    """The provider, with a line of description and a button for the comparison."""

    changed = Signal()
    compare_requested = Signal()

    def __init__(
        self, theme: Theme, kinds: Sequence[ProviderKind], chosen: ProviderKind, locked: UnavailableReason | None = None
    ) -> None:
        super().__init__()
        self._chosen = chosen
        label = text_label(texts("dialog.provider"), "secondary", wraps=False)
        self._line = text_label(role="secondary")
        self.choice = SegmentedControl(theme, kinds)
        self.choice.set_text(label.text(), [provider(kind) for kind in kinds])
        self.choice.choose(chosen)
        self.choice.picked.connect(self._select)
        self.compare = QPushButton(texts("dialog.compare"), autoDefault=False)
        self.compare.setProperty("role", "link")
        self.compare.clicked.connect(self.compare_requested)
        column = vbox(inside=self, spacing=SPACE_1 + 2)
        head = QHBoxLayout()
        head.addWidget(label, 1)
        column.addLayout(head)
        if locked is None:
            head.addWidget(self.compare)
            column.addWidget(self.choice)
            column.addWidget(self._line)
            self._update_text()
        else:
            name = text_label(provider(chosen), wraps=False)
            column.addWidget(name)
            column.addWidget(self._line)
            self._line.setText(f"{refusal(locked)}.")
            self.choice.setParent(None)
            self.compare.setParent(None)

    @property
    def chosen(self) -> ProviderKind:
        return self._chosen

    def _select(self, kind: ProviderKind) -> None:
        self._chosen = kind
        self._update_text()
        self.changed.emit()

    def _update_text(self) -> None:
        self._line.setText(texts(f"dialog.provider_line.{self._chosen}"))


_POPUP = """
QListView {{ background: {raised}; border: 1px solid {border_strong}; outline: none; }}
QListView::item {{ padding: 6px 8px; border-radius: 6px; }}
QListView::item:selected {{ background: {accent_soft}; color: {on_accent_soft}; }}
"""
_POPUP_COLOURS = ("raised", "border_strong", "accent_soft", "on_accent_soft")


@dataclass(frozen=True, slots=True)
class Saved:
    """The saved mentorado, and whether to connect at once."""

    mentorado: Mentorado
    connect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The contents of the form while providers are compared."""

    name: str = ""
    phone: str = ""
    cohort: str = ""
    provider: ProviderKind = ProviderKind.WHATSAPP_WEB


class _Field(QWidget):
    """A label, a line to write on, and under it what is wrong with what was written."""

    def __init__(self, name: str, *, wanted: bool) -> None:
        super().__init__()
        self.label = text_label(texts(f"dialog.{name}"), "secondary", wraps=False)
        self.line = QLineEdit()
        self.line.setPlaceholderText(texts(f"dialog.{name}_hint"))
        self.line.setAccessibleName(self.label.text().replace("&", ""))
        self.label.setBuddy(self.line)
        self._error = text_label(" ")  # keeps its place while empty
        self._error.setProperty("role", "danger")
        layout = vbox(self.label, self.line, inside=self, spacing=SPACE_1)
        if wanted:
            layout.addWidget(self._error)

    @property
    def error(self) -> str:
        return self._error.text().strip()

    def show_error(self, words: str) -> None:
        self._show(words, "danger")

    def show_hint(self, words: str) -> None:
        """Show a hint that does not prevent saving."""
        self._show(words, "secondary")

    def _show(self, words: str, role: str) -> None:
        if words == self.error:
            return
        self._error.setText(words or " ")
        self._error.setProperty("role", role)
        self.line.setAccessibleDescription(words)
        announce(self._error, words)
        self.line.setProperty("invalid", bool(words) and role == "danger")
        for widget in (self._error, self.line):  # a sheet looks at properties only when it dresses a widget
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        if isinstance(sheet := self.window(), BaseDialog) and sheet.isVisible():
            sheet.fit()


class MentoradoDialog(ScrollDialog):
    """Adds somebody, or corrects *editing*. What it saved is in `saved` once it was accepted.

    With several *kinds* of providers one is chosen; with *compares* set, it ended so that they can be compared.
    """

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        mentorados: MentoradoService,
        editing: Mentorado | None = None,
        *,
        choice: ProviderSelectionService | None = None,
        kinds: Sequence[ProviderKind] = (),
        draft: Draft | None = None,
    ) -> None:
        super().__init__(theme, over)
        self._mentorados = mentorados
        self._editing = editing
        self._choice = choice
        self._saving = False
        self.saved: Saved | None = None
        self.compares = False
        self.name = _Field("name", wanted=True)
        self.phone = _Field("phone", wanted=True)
        self.cohort = _Field("cohort", wanted=False)
        self._field_of = {code: self.phone for code in ProblemCode if code.startswith("phone_")}
        self._field_of[ProblemCode.NAME_MISSING] = self.name
        self._fields = (self.name, self.phone, self.cohort)
        for field in self._fields:
            self.inside.addWidget(field)
        self.provider = self._provider_field(theme, kinds, draft)
        self.trouble = text_label()
        self.trouble.hide()
        self.trouble.setProperty("role", "danger")
        self.inside.addWidget(self.trouble)
        self.inside.setSpacing(SPACE_2)
        self.cohort.line.setCompleter(_completer(mentorados.all(), self))
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
            self.set_title(texts("dialog.edit_title", name=editing.name))
            self.save = self.add_button(texts("dialog.save"), "primary")
            self.name.line.setText(editing.name)
            self.phone.line.setText(readable(editing.phone))
            self.cohort.line.setText(editing.cohort)
        if draft is not None:
            for field, words in zip(self._fields, (draft.name, draft.phone, draft.cohort), strict=True):
                field.line.setText(words)
        self._update_main_button()
        self.save.clicked.connect(lambda: self._save(connect=False))
        self.main_button.setDefault(True)
        self.name.line.textEdited.connect(self._name_edited)
        self.phone.line.textEdited.connect(lambda: self.phone.show_error(""))
        self.phone.line.installEventFilter(self)
        self.name.line.setFocus()

    @property
    def draft(self) -> Draft:
        """The contents of the fields."""
        name, phone, cohort = (field.line.text() for field in self._fields)
        return Draft(name=name, phone=phone, cohort=cohort, provider=self._kind)

    @property
    def _kind(self) -> ProviderKind:
        if self.provider is not None:
            return self.provider.chosen
        return self._editing.link.provider if self._editing else ProviderKind.WHATSAPP_WEB

    def _provider_field(self, theme: Theme, kinds: Sequence[ProviderKind], draft: Draft | None) -> ProviderField | None:
        """Where there is something to choose, or something in use to be named."""
        if len(kinds) < 2:
            return None
        locked = None
        if self._editing is not None and self._choice is not None:
            locked = self._choice.refusal(self._editing.id)
        used = self._editing.link.provider if self._editing else ProviderKind.WHATSAPP_WEB
        field = ProviderField(theme, kinds, draft.provider if draft else used, locked)
        field.compare_requested.connect(self._compare)
        field.changed.connect(self._update_main_button)
        self.inside.addWidget(field)
        return field

    def _compare(self) -> None:
        self.compares = True
        self.reject()

    def _update_main_button(self) -> None:
        """Who signs in with credentials is asked for them before anything can connect."""
        if self.add_and_connect is not None:
            words = "dialog.add_and_enter" if DESCRIPTORS[self._kind].fields else "dialog.add_and_connect"
            self.add_and_connect.setText(texts(words))

    @property
    def main_button(self) -> QPushButton:
        """The button that Enter presses."""
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

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self._show_trouble(f"{sentence} {next_step}")

    def _show_trouble(self, words: str) -> None:
        """Show an error that concerns no single field."""
        self.trouble.setText(words)
        self.trouble.setVisible(bool(words))
        self.fit()

    def _name_edited(self, written: str) -> None:
        self.name.show_error("" if written.strip() else words_of(Problem(ProblemCode.NAME_MISSING))[0])

    def _check_phone(self) -> None:
        """Say what is wrong with the number, or write it the way it is read."""
        try:
            number = parse_phone(self.phone.line.text())
        except Problem as problem:
            self.phone.show_error(" ".join(words_of(problem)))
        else:
            self.phone.line.setText(readable(number))
            self.phone.show_hint(texts("dialog.landline") if is_landline(number) else "")

    @async_slot
    async def _save(self, *, connect: bool) -> None:
        if self._saving:
            return
        self._saving = True
        self._show_trouble("")
        try:
            mentorado = await self._store()
        finally:
            self._saving = False
        self.saved = Saved(mentorado, connect)
        self.accept()

    async def _store(self) -> Mentorado:
        name, phone, cohort = (field.line.text() for field in self._fields)
        if self._editing is None:
            return await self._mentorados.add(name, phone, cohort, provider=self._kind)
        edited = await self._mentorados.edit(self._editing.id, name, phone, cohort)
        if self._choice is None or self._kind is edited.link.provider:
            return edited
        return await self._choice.choose(edited.id, self._kind)


async def edit_mentorado(
    theme: Theme,
    over: QWidget,
    mentorados: MentoradoService,
    editing: MentoradoId | None = None,
    *,
    choice: ProviderSelectionService | None = None,
    kinds: Sequence[ProviderKind] = (),
) -> Saved | None:
    """Add somebody, or correct *editing*; None when it was given up.

    Who wants to compare providers gets the comparison in the form's place, and the form again with what was typed.
    """
    draft: Draft | None = None
    while True:
        known = mentorados.get(editing) if editing else None
        form = MentoradoDialog(theme, over, mentorados, known, choice=choice, kinds=kinds, draft=draft)
        await show_dialog(form)
        if not form.compares:
            return form.saved
        draft = await _compare_providers(theme, over, kinds, form.draft)


async def _compare_providers(theme: Theme, over: QWidget, kinds: Sequence[ProviderKind], draft: Draft) -> Draft:
    from app.ui.providers.comparison import ComparisonDialog

    sheet = ComparisonDialog(theme, over, kinds, chosen=draft.provider, choosing=True)
    await show_dialog(sheet)
    return replace(draft, provider=sheet.chosen or draft.provider)


def _completer(everybody: Iterable[Mentorado], parent: QObject) -> QCompleter:
    cohorts = sorted({each.cohort for each in everybody if each.cohort}, key=str.casefold)
    completer = QCompleter(cohorts, parent)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    return completer
