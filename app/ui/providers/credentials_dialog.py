"""The credentials dialog of hosted providers, with a live check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QPushButton, QWidget

from app.core.actions import ActionService
from app.core.provider_setup.credentials import CredentialService, StoredCredentials, clean_input, parse_pasted_url
from app.core.secret_service import SecretService
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS, CredentialField, CredentialReport, FieldSpec
from app.text import providers as providers_text
from app.text.signs import Tone
from app.text.status import problem as words_of
from app.text.status import provider, texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import ScrollDialog
from app.ui.providers.keep_secrets import KeepSecrets
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import RADIUS_ROW, SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_SMALL, Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.choices import CheckBox
from app.ui.widgets.labels import IndeterminateBar, ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import hbox, vbox

_SENSITIVE = (
    Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText | Qt.InputMethodHint.ImhNoAutoUppercase
)


class CredentialInput(QWidget):
    """A labelled field with an error or a hint below it."""

    changed = Signal()
    pasted_address = Signal(object)
    """A whole address was put here; carries the fields that are in it."""

    def __init__(self, asked: FieldSpec, theme: Theme) -> None:
        super().__init__()
        self.asked = asked
        self._error = ""
        name = providers_text.label(asked.name)
        self._label = text_label(
            name if asked.required else f"{name} ({texts('credentials.optional')})", "secondary", wraps=False
        )
        self.line = QLineEdit()
        self.line.setAccessibleName(self._label.text())
        self.line.setInputMethodHints(_SENSITIVE)
        self.line.textEdited.connect(self._clean_text)
        self._label.setBuddy(self.line)
        self._below = text_label()
        row = hbox((self.line, 1), spacing=SPACE_1)
        self.reveal = QPushButton(autoDefault=False)
        self.reveal.setCheckable(True)
        self.reveal.setProperty("role", "quiet")
        self.reveal.setVisible(False)
        self.reveal.toggled.connect(self._show_text)
        row.addWidget(self.reveal)
        vbox(self._label, row, self._below, inside=self, spacing=SPACE_1)
        theme.changed.connect(self.updateGeometry)
        if asked.secret:
            self._show_text(False)
        self._update_hint()

    @property
    def error(self) -> str:
        return self._error

    def show_kept(self, known: StoredCredentials) -> None:
        """Show the stored value of a plain field, and of a secret one only that it is stored."""
        self.line.setText(known.plain.get(self.asked.name, ""))
        if self.asked.name in known.secret:
            self.line.setPlaceholderText(texts("credentials.kept"))

    def take(self, text: str) -> None:
        """Write *text* as if it had been typed."""
        self.line.setText(text)
        self._clean_text(text)

    def show_error(self, text: str) -> None:
        if text == self._error:
            return
        self._error = text
        self.line.setProperty("invalid", bool(text))
        self.line.style().unpolish(self.line)  # a sheet looks at properties only when it dresses a widget
        self.line.style().polish(self.line)
        self._update_hint()

    def _update_hint(self) -> None:
        text = f"{self._error} {providers_text.hint(self.asked.name)}".strip()
        set_role(self._below, "danger" if self._error else "caption")
        self._below.setText(text)
        self._below.setVisible(bool(text))
        self.line.setAccessibleDescription(text)

    def _show_text(self, on: bool) -> None:
        self.line.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)
        self.reveal.setText(texts("credentials.hide" if on else "credentials.show"))
        which = "credentials.hide_field" if on else "credentials.show_field"
        self.reveal.setAccessibleName(texts(which, field=providers_text.label(self.asked.name)))

    def _clean_text(self, typed: str) -> None:
        found = parse_pasted_url(typed)
        clean = found.get(self.asked.name, clean_input(typed))
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
        self.inputs = {asked.name: CredentialInput(asked, theme) for asked in DESCRIPTORS[kind].fields}
        column = vbox(inside=self, spacing=SPACE_4 - 2)
        for each in self.inputs.values():
            column.addWidget(each)
            each.changed.connect(self.changed)
            each.pasted_address.connect(self._fill_pasted)

    @property
    def typed(self) -> dict[CredentialField, str]:
        """The current contents of the fields. Never log it."""
        return {name: each.line.text() for name, each in self.inputs.items()}

    @property
    def first(self) -> QLineEdit:
        """The first empty required field."""
        empty = (each.line for each in self.inputs.values() if not each.line.text())
        return next(empty, next(iter(self.inputs.values())).line)

    def show_known(self, known: StoredCredentials, draft: Mapping[CredentialField, str]) -> None:
        """Show the stored credentials, and a draft over them."""
        for name, each in self.inputs.items():
            each.show_kept(known)
            if draft.get(name):
                each.take(draft[name])

    def show_error(self, name: str, text: str) -> CredentialInput | None:
        """Show the error below the field called *name* and focus it; return the field, if there is one."""
        each = self.inputs.get(CredentialField(name)) if name in set(CredentialField) else None
        if each is not None:
            each.show_error(text)
            each.line.setFocus()
            each.line.selectAll()
        return each

    def _fill_pasted(self, found: Mapping[CredentialField, str]) -> None:
        for name, value in found.items():
            if name in self.inputs and self.inputs[name].line.text() != value:
                self.inputs[name].take(value)


_ICON = 18


class Check(StrEnum):
    """How far the live check is."""

    IDLE = "idle"
    ASKING = "asking"
    GOOD = "good"
    NOTED = "noted"  # right, and something has to be known: it is somebody else's number, or not registered
    REFUSED = "refused"
    SILENT = "silent"


_LOOKS: Final = MappingProxyType(
    {
        Check.IDLE: (Tone.IDLE, "shield-check"),
        Check.ASKING: (Tone.PROGRESS, "refresh"),
        Check.GOOD: (Tone.CONNECTED, "check-circle"),
        Check.NOTED: (Tone.WAITING, "info"),
        Check.REFUSED: (Tone.ERROR, "triangle-alert"),
        Check.SILENT: (Tone.WAITING, "clock"),
    }
)


class CheckBanner(QFrame):
    """Shows the result of the check with a tone and an icon; never colour alone."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.check = Check.IDLE
        self._mark = text_label(wraps=False)
        self._sentence = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self._next = ScaledLabel(theme, TEXT_SMALL)
        self._busy = IndeterminateBar(theme)
        self._facts = QWidget()
        self._grid = QGridLayout(self._facts)
        self._grid.setContentsMargins(0, SPACE_1, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_4)
        self._grid.setVerticalSpacing(SPACE_1 // 2)
        self._grid.setColumnStretch(1, 1)
        column = vbox(self._sentence, self._next, self._facts, self._busy, spacing=SPACE_1 // 2)
        row = hbox(inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_2 + 2)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        theme.changed.connect(self._update_style)
        self._update_style()

    @property
    def text(self) -> str:
        """The banner's whole text."""
        return self.accessibleName()

    def show_verdict(
        self, check: Check, sentence: str, next_step: str = "", facts: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.check = check
        lines = list(facts)
        self._sentence.setText(sentence)
        self._next.setText(next_step)
        self._next.setVisible(bool(next_step))
        self._busy.setVisible(check is Check.ASKING)
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for place, (name, value) in enumerate(lines):
            for column, words in enumerate((name, value)):
                part = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.Medium if column else QFont.Weight.Normal)
                part.setText(words)
                self._grid.addWidget(part, place, column)
        self._facts.setVisible(bool(lines))
        text = " ".join([sentence, next_step, *(f"{name}: {value}." for name, value in lines)]).strip()
        self.setAccessibleName(text)
        self._update_style()
        announce(self, text)  # wherever the reader is, this is what was waited for

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.badge[_LOOKS[self.check][0]].bg))
        painter.drawRoundedRect(self.rect(), RADIUS_ROW, RADIUS_ROW)
        painter.end()

    def _update_style(self) -> None:
        tone, name = _LOOKS[self.check]
        colour = self._theme.tokens.badge[tone].fg
        self._mark.setPixmap(pixmap(name, colour, self._theme.px(_ICON), self.devicePixelRatioF()))
        for part in (self._sentence, self._next, *self._facts.findChildren(ScaledLabel)):
            part.setStyleSheet(f"color: {colour};")
        self.update()


_WIDTH = 520
_PASSPHRASES = frozenset({ProblemCode.PASSPHRASE_SHORT, ProblemCode.PASSPHRASE_WRONG, ProblemCode.SECRETS_FILE_DAMAGED})
_NO_PLACE = frozenset({ProblemCode.SECRETS_UNAVAILABLE, ProblemCode.SECRETS_LOCKED})


class DialogResult(StrEnum):
    """How the dialog ended."""

    NOTHING = "nothing"
    SAVED = "saved"
    CONNECT = "connect"
    FORGET = "forget"
    SETTINGS = "settings"


class CredentialsDialog(ScrollDialog):
    """Of the link of *mentorado*, which may be beside the one in use.

    Saving needs a successful check, or an explicit choice to save unchecked.
    Changing a field discards the check.
    """

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        mentorado: Mentorado,
        service: CredentialService,
        actions: ActionService,
        known: StoredCredentials,
        *,
        draft: Mapping[CredentialField, str] | None = None,
        secret_service: SecretService | None = None,
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._mentorado = mentorado
        self._service = service
        self._kind = mentorado.link.provider
        self._report: CredentialReport | None = None
        self._turn = 0  # what was asked before a field changed is not about it any more
        self.ending = DialogResult.NOTHING
        in_use = mentorado.link.in_use
        self._can_connect = in_use and actions.unavailable_reason(ActionName.CONNECT, mentorado.id) is None
        known_words = {"name": mentorado.name, "provider": provider(self._kind)}
        self.set_title(texts("credentials.title" if in_use else "credentials.title_beside", **known_words))
        where = text_label(texts(f"credentials.where.{self._kind}"), "secondary")
        self.form = CredentialForm(self._kind, theme)
        self.form.changed.connect(self._discard_check)
        self.verdict = CheckBanner(theme)
        self.keep = CheckBox(theme, texts("credentials.keep"))
        self.keep.toggled.connect(self._update_buttons)
        self.trouble = text_label(role="danger")
        self.settings = QPushButton(texts("credentials.open_settings"), autoDefault=False)
        self.settings.clicked.connect(lambda: self._end(DialogResult.SETTINGS))
        kept_where = text_label(texts("credentials.where_kept"), "caption")
        if not in_use:
            kept_where.setText(f"{texts('credentials.beside')} {kept_where.text()}")
        self.keep_secrets = KeepSecrets(secret_service) if secret_service is not None else None
        self._wants_to_save = False  # and only lacks a place for it
        for part in (where, self.form, self.verdict, self.keep, self.trouble, self.keep_secrets):
            if part is not None:
                self.inside.addWidget(part)
        self.inside.addWidget(self.settings, 0, Qt.AlignmentFlag.AlignLeft)
        self.inside.addWidget(kept_where)
        if self.keep_secrets is not None:
            self.keep_secrets.hide()
            self.keep_secrets.kept.connect(self._on_place)
        self.inside.insertSpacing(1, SPACE_1)
        self.inside.insertSpacing(3, SPACE_4 - SPACE_1)
        self.trouble.hide()
        self.settings.hide()

        self.forget = QPushButton(texts("credentials.forget"), autoDefault=False)
        self.forget.setProperty("role", "quiet")
        idle = actions.unavailable_reason(ActionName.ARCHIVE, mentorado.id) is None
        self.forget.setVisible(in_use and known.anything and idle)
        self.forget.clicked.connect(lambda: self._end(DialogResult.FORGET))
        self.buttons.insertWidget(0, self.forget)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.save = self.add_button(texts("credentials.save_and_connect" if self._can_connect else "credentials.save"))
        self.save.clicked.connect(self._save)
        self.check = self.add_button(texts("credentials.check"), "primary")
        self.check.clicked.connect(self.ask_provider)
        self.form.show_known(known, draft or {})
        self._discard_check()
        self.form.first.setFocus()

    @async_slot
    async def ask_provider(self, _checked: bool = False) -> None:
        """Check the credentials with the provider."""
        self._turn += 1
        turn, name = self._turn, provider(self._kind)
        self._show_trouble(None)
        self._report = None
        self.verdict.show_verdict(Check.ASKING, texts("credentials.asking", provider=name))
        self._update_buttons()
        try:
            report = await self._service.check(self._mentorado.id, self.form.typed, self._mentorado.link.id)
        except Exception:
            if self.over or turn != self._turn:
                return  # nobody waits for it any more
            self._discard_check()
            raise
        if not self.over and turn == self._turn:
            self._show_report(report)

    def show_problem(self, problem: Problem) -> None:
        text = " ".join(words_of(problem))
        if (field := self.form.show_error(problem.context.get("field", ""), text)) is not None:
            self.bring_into_view(field)
        else:
            self._show_trouble(text, problem.code)

    def _on_place(self) -> None:
        """There is a place for the credentials now: save them there, if that was wanted."""
        self._show_trouble(None)
        if self._wants_to_save:
            self._save()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self._show_trouble(f"{sentence} {next_step}")

    @async_slot
    async def _save(self, _checked: bool = False) -> None:
        if not self.save.isEnabled():
            return
        self._show_trouble(None)
        self._wants_to_save = True
        self.save.setEnabled(False)
        self.busy = True
        try:
            link_id = self._mentorado.link.id
            await self._service.save(self._mentorado.id, self.form.typed, self._report, link_id)
        finally:
            self.busy = False
            if not self.over:
                self._update_buttons()
        self._end(DialogResult.CONNECT if self._can_connect else DialogResult.SAVED)

    def _show_report(self, report: CredentialReport) -> None:
        self._report = report
        name = provider(self._kind)
        if report.valid is None:
            self.verdict.show_verdict(
                Check.SILENT, texts("credentials.silent", provider=name), texts("credentials.silent_next")
            )
        elif not report.valid:
            self.verdict.show_verdict(Check.REFUSED, *providers_text.refused(report, self._kind))
        else:
            note = providers_text.note(report, self._mentorado)
            self.verdict.show_verdict(
                Check.NOTED if note else Check.GOOD,
                texts("credentials.good", provider=name),
                note,
                providers_text.facts(report),
            )
        self._update_buttons()
        self.bring_into_view(self.keep if self.keep.isVisibleTo(self) else self.verdict)
        (self.save if self.save.isEnabled() else self.check).setFocus()

    def _discard_check(self) -> None:
        """Discard the check result because a field changed."""
        self._wants_to_save = False
        self._turn += 1
        self._report = None
        idle = texts("credentials.idle", provider=provider(self._kind))
        if self.verdict.check is not Check.IDLE or not self.verdict.text:
            self.verdict.show_verdict(Check.IDLE, texts("credentials.not_checked"), idle)
        self._update_buttons()

    def _update_buttons(self, _on: bool = False) -> None:
        """Update the default button from the check."""
        state = self.verdict.check
        right = state in (Check.GOOD, Check.NOTED)
        doubtful = state in (Check.REFUSED, Check.SILENT)
        if not doubtful and self.keep.isChecked():
            self.keep.setChecked(False)
            return  # it came here again
        self.keep.setVisible(doubtful)
        self.save.setEnabled(right or (doubtful and self.keep.isChecked()))
        self.check.setEnabled(state is not Check.ASKING)
        self.check.setText(texts("credentials.check" if state in (Check.IDLE, Check.ASKING) else "credentials.again"))
        for button, main in ((self.save, self.save.isEnabled()), (self.check, not self.save.isEnabled())):
            button.setProperty("role", "primary" if main else "")
            button.setDefault(main)
            button.style().unpolish(button)
            button.style().polish(button)

    def _show_trouble(self, text: str | None, code: ProblemCode | None = None) -> None:
        self.trouble.setText(text or "")
        self.trouble.setVisible(bool(text))
        choosing = self.keep_secrets is not None and not self.keep_secrets.isHidden()
        offered = code is ProblemCode.SECRETS_UNAVAILABLE or (code in _PASSPHRASES and choosing)
        self.settings.setVisible(code in _NO_PLACE or offered)
        if self.keep_secrets is not None:
            self.keep_secrets.setVisible(offered)
        if text:
            self.bring_into_view(self.trouble if self.settings.isHidden() else self.settings)

    def _end(self, ending: DialogResult) -> None:
        self.ending = ending
        self.accept()
