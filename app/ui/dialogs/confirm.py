"""The question before something that matters: what is kept, what changes, what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton, QWidget

from app.domain.actions import ActionName
from app.domain.incident import Incident
from app.domain.link_status import LinkStatus
from app.domain.mentorado import LinkId, Mentorado
from app.domain.names import fold_accents
from app.domain.outbound import OutboundStop
from app.domain.repositories import Clock
from app.domain.settings import LEAST_REASON
from app.text import outbound as outbound_text
from app.text import status as status_text
from app.text.incident import incident as incident_words
from app.text.status import texts, unbroken
from app.ui.async_slots import show_dialog
from app.ui.dialogs.base import BaseDialog, ScrollDialog
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_2,
    SPACE_3,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox

_ICON = 16
_ASPECTS = {"kept": "shield-check", "changes": "swap", "lost": "triangle-alert"}


class ConfirmDialog(ScrollDialog):
    """Cancel has the focus, the other button the verb. With *typed*, the verb waits until that name is written.

    A field takes the focus; Enter in it goes to the verb once that can be pressed, and never cancels.
    """

    def __init__(self, theme: Theme, over: QWidget, title: str, verb: str, *, typed: str = "") -> None:
        super().__init__(theme, over)
        self.set_title(title)
        self._typed = typed
        self._field: QLineEdit | None = None
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.confirm: QPushButton = self.add_button(verb, "danger" if typed else "primary")
        self.confirm.clicked.connect(self.accept)
        self.cancel.setFocus()

    def add_line(self, words: str) -> None:
        self.inside.addWidget(text_label(words))
        self.setAccessibleDescription(f"{self.accessibleDescription()} {words}".strip())

    def add_aspect(self, aspect: str, words: str) -> QWidget:
        """One entry of the ledger, which is returned; *aspect* is kept, changes or lost."""
        tokens = self._theme.tokens
        colour = tokens.danger_text if aspect == "lost" else tokens.on_accent_soft
        mark = text_label(wraps=False)
        mark.setPixmap(pixmap(_ASPECTS[aspect], colour, self._theme.px(_ICON), self.devicePixelRatioF()))
        heading = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.DemiBold)
        heading.setText(texts(f"question.{aspect}"))
        heading.setProperty("role", "danger" if aspect == "lost" else "")
        words_below = text_label(words)
        column = vbox(heading, words_below, spacing=SPACE_1 // 2)
        entry = QWidget()
        row = hbox(inside=entry, spacing=SPACE_3)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self.inside.addWidget(entry)
        self.setAccessibleDescription(f"{self.accessibleDescription()} {heading.text()}: {words}".strip())
        return entry

    def ask_for_name(self) -> None:
        """Add the field, last, so that the ledger is read before."""
        label = text_label(texts("question.type_name", name=self._typed), "secondary")
        self._field = QLineEdit()
        self._field.setAccessibleName(label.text())
        self._field.textChanged.connect(self._compare)
        self._field.returnPressed.connect(self.go_to_verb)
        label.setBuddy(self._field)
        self.inside.addSpacing(SPACE_2)
        self.inside.addWidget(label)
        self.inside.addWidget(self._field)
        self.confirm.setEnabled(False)
        self._field.setFocus()

    def go_to_verb(self) -> None:
        """Give the confirming button the focus, if it can be pressed: it is pressed on its own."""
        if self.confirm.isEnabled():
            self.confirm.setFocus()

    def _compare(self, written: str) -> None:
        self.confirm.setEnabled(normalize_name(written) == normalize_name(self._typed))


class Confirmations:
    """Asks in a dialog over *over*. `confirm` is passed to `ActionService.run`."""

    def __init__(self, theme: Theme, over: QWidget, status: Callable[[LinkId], LinkStatus]) -> None:
        self._theme = theme
        self._over = over
        self._status = status

    async def confirm(self, name: ActionName, mentorado: Mentorado) -> bool:
        """Ask whether to run *name* on *mentorado*."""
        return await show_dialog(self.sheet(name, mentorado)) is BaseDialog.DialogCode.Accepted

    async def close_program(self, lines: Sequence[str], *, restarting: bool = False) -> bool:
        """Whether the window may close, to open again at once with *restarting*, although it does what *lines* say."""
        title, confirm = texts("question.close.title"), texts("question.close.confirm")
        if restarting:
            title, confirm = texts("question.close.restart_title"), texts("updated.restart")
        sheet = ConfirmDialog(self._theme, self._over, title, confirm)
        for line in lines:
            sheet.add_line(line)
        return await show_dialog(sheet) is BaseDialog.DialogCode.Accepted

    def sheet(self, name: ActionName, mentorado: Mentorado) -> ConfirmDialog:
        status = self._status(mentorado.link.id)
        account = status.account
        known = {
            "holder": status.holder or "—",
            "name": mentorado.name,
            "phone": unbroken(mentorado.phone),
            "account": unbroken(account) if account else texts("sentence.another_number"),
        }
        section = f"question.{name}"
        cannot_be_undone = texts.has(f"{section}.lost")
        sheet = ConfirmDialog(
            self._theme,
            self._over,
            texts(f"{section}.title", **known),
            texts(f"{section}.confirm"),
            typed=mentorado.name if cannot_be_undone else "",
        )
        for aspect in _ASPECTS:
            if texts.has(f"{section}.{aspect}"):
                sheet.add_aspect(aspect, texts(f"{section}.{aspect}", **known))
        if cannot_be_undone:
            sheet.ask_for_name()
        return sheet


async def ask_release(theme: Theme, over: QWidget, mentorado: Mentorado, stop: OutboundStop, now: datetime) -> bool:
    """Ask whether the number may send again that was stopped because of *stop*."""
    why = " ".join(outbound_text.send_error(stop.trouble))
    at = status_text.date_time(stop.at.astimezone(), now.astimezone().date())
    title = texts("question.release_sending.title", name=mentorado.name)
    sheet = ConfirmDialog(theme, over, title, texts("question.release_sending.confirm"))
    sheet.add_aspect("changes", texts("question.release_sending.changes", at=at, why=why))
    return await show_dialog(sheet) is BaseDialog.DialogCode.Accepted


def normalize_name(name: str) -> str:
    """A name without its accents, capitals and doubled spaces: the point is to think, not to spell."""
    return fold_accents(" ".join(name.split()))


class ReasonDialog(ConfirmDialog):
    """Asks for a reason, which is audited; the button is locked until there is one."""

    def ask_for_reason(self, question: str) -> None:
        """Add the field, last, so that everything is read before."""
        label = text_label(question, "secondary")
        self.field = QPlainTextEdit(tabChangesFocus=True)
        self.field.setAccessibleName(label.text())
        self.field.setFixedHeight(self._theme.px(72))
        self._left = text_label(role="caption")
        label.setBuddy(self.field)
        self.inside.addSpacing(SPACE_2)
        for part in (label, self.field, self._left):
            self.inside.addWidget(part)
        self.field.textChanged.connect(self._update_button)
        self._update_button()
        self.field.setFocus()

    @property
    def reason(self) -> str:
        """On one line, as an entry of the audit has it."""
        return " ".join(self.field.toPlainText().split())

    def _update_button(self) -> None:
        missing = max(0, LEAST_REASON - len(self.reason))
        text = texts.plural("override.missing", missing) if missing else texts("override.audited")
        self._left.setText(text)
        self.field.setAccessibleDescription(text)
        self.confirm.setEnabled(not missing)


class OverrideDialog(ReasonDialog):
    """Asks why an action is to be run in spite of an incident."""

    def __init__(self, theme: Theme, over: QWidget, name: ActionName, mentorado: Mentorado, incident: str) -> None:
        title = texts("override.question", action=status_text.action(name)[0], name=mentorado.name)
        super().__init__(theme, over, title, texts("override.confirm"))
        if incident:
            self.add_line(incident)
        self.add_aspect("changes", texts("override.changes", name=mentorado.name))
        self.ask_for_reason(texts("override.why"))


async def ask_override_reason(
    theme: Theme, over: QWidget, name: ActionName, mentorado: Mentorado, incident: Incident | None, clock: Clock
) -> str:
    """Ask for a reason to override; empty when cancelled."""
    reason = incident_words(incident, clock.now()) if incident else ""
    sheet = OverrideDialog(theme, over, name, mentorado, reason)
    return sheet.reason if await show_dialog(sheet) is BaseDialog.DialogCode.Accepted else ""
