"""Where somebody types what a hosted provider signs in with, and sees at once whether it is right."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.core.action import ActionName
from app.core.actions import Actions
from app.core.hosted.credentials import CredentialsDesk, Known
from app.domain.credentials import CredentialField, CredentialReport
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment
from app.ui.credentials import words
from app.ui.credentials.fields import CredentialForm
from app.ui.credentials.verdict import Check, Verdict
from app.ui.dialogs.tall_sheet import TallSheet
from app.ui.loop import asked
from app.ui.text import problem as words_of
from app.ui.text import provider, texts
from app.ui.theme import SPACE_1, SPACE_4, Theme
from app.ui.tick_box import TickBox

_WIDTH = 520
_NO_PLACE = frozenset({Code.SECRETS_UNAVAILABLE, Code.SECRETS_LOCKED})


class Ending(StrEnum):
    """What the person wants after the sheet is gone."""

    NOTHING = "nothing"
    SAVED = "saved"
    CONNECT = "connect"
    FORGET = "forget"
    SETTINGS = "settings"


class CredentialsSheet(TallSheet):
    """Saving waits for a check that went well, or for a person who says to keep them unchecked.

    A check is about what stands in the fields: whoever changes one must have it checked again.
    """

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        enrolment: Enrolment,
        desk: CredentialsDesk,
        actions: Actions,
        known: Known,
        *,
        draft: Mapping[CredentialField, str] | None = None,
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._enrolment = enrolment
        self._desk = desk
        self._kind = enrolment.link.provider
        self._report: CredentialReport | None = None
        self._turn = 0  # what was asked before a field changed is not about it any more
        self.ending = Ending.NOTHING
        self._can_connect = actions.refusal(ActionName.CONNECT, enrolment.mentorado.id) is None
        self.set_title(texts("credentials.title", name=enrolment.mentorado.name))
        where = QLabel(texts(f"credentials.where.{self._kind}"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        where.setProperty("role", "secondary")
        self.form = CredentialForm(self._kind, theme)
        self.form.changed.connect(self._unchecked)
        self.verdict = Verdict(theme)
        self.keep = TickBox(theme, texts("credentials.keep"))
        self.keep.toggled.connect(self._arrange)
        self.trouble = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.trouble.setProperty("role", "danger")
        self.settings = QPushButton(texts("credentials.open_settings"), autoDefault=False)
        self.settings.clicked.connect(lambda: self._end(Ending.SETTINGS))
        kept_where = QLabel(texts("credentials.where_kept"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        kept_where.setProperty("role", "caption")
        for part in (where, self.form, self.verdict, self.keep, self.trouble, self.settings, kept_where):
            self.inside.addWidget(part, 0, *([Qt.AlignmentFlag.AlignLeft] if part is self.settings else []))
        self.inside.insertSpacing(1, SPACE_1)
        self.inside.insertSpacing(3, SPACE_4 - SPACE_1)
        self.trouble.hide()
        self.settings.hide()

        self.forget = QPushButton(texts("credentials.forget"), autoDefault=False)
        self.forget.setProperty("role", "quiet")
        self.forget.setVisible(known.anything and actions.refusal(ActionName.ARCHIVE, enrolment.mentorado.id) is None)
        self.forget.clicked.connect(lambda: self._end(Ending.FORGET))
        self.buttons.insertWidget(0, self.forget)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.save = self.add_button(texts("credentials.save_and_connect" if self._can_connect else "credentials.save"))
        self.save.clicked.connect(self._save)
        self.check = self.add_button(texts("credentials.check"), "primary")
        self.check.clicked.connect(self.ask_provider)
        self.form.show_known(known, draft or {})
        self._unchecked()
        self.form.first.setFocus()

    @asked
    async def ask_provider(self, _checked: bool = False) -> None:
        """Have the provider say whether they are right."""
        self._turn += 1
        turn, name = self._turn, provider(self._kind)
        self._show_trouble(None)
        self._report = None
        self.verdict.show_verdict(Check.ASKING, texts("credentials.asking", provider=name))
        self._arrange()
        try:
            report = await self._desk.check(self._enrolment.mentorado.id, self.form.typed)
        except Exception:
            if self.over or turn != self._turn:
                return  # nobody waits for it any more
            self._unchecked()
            raise
        if not self.over and turn == self._turn:
            self._show_report(report)

    def show_problem(self, problem: Problem) -> None:
        said = " ".join(words_of(problem))
        if (field := self.form.show_error(problem.context.get("field", ""), said)) is not None:
            self.bring_into_view(field)
        else:
            self._show_trouble(said, settings=problem.code in _NO_PLACE)

    def show_crash(self, _error: Exception) -> None:
        self._show_trouble(f"{texts('detail.crash')} {texts('detail.crash_next')}")

    @asked
    async def _save(self, _checked: bool = False) -> None:
        if not self.save.isEnabled():
            return
        self._show_trouble(None)
        self.save.setEnabled(False)
        self.busy = True
        try:
            await self._desk.save(self._enrolment.mentorado.id, self.form.typed, self._report)
        finally:
            self.busy = False
            if not self.over:
                self._arrange()
        self._end(Ending.CONNECT if self._can_connect else Ending.SAVED)

    def _show_report(self, report: CredentialReport) -> None:
        self._report = report
        name = provider(self._kind)
        if report.good is None:
            self.verdict.show_verdict(
                Check.SILENT, texts("credentials.silent", provider=name), texts("credentials.silent_next")
            )
        elif not report.good:
            self.verdict.show_verdict(Check.REFUSED, *words.refused(report, self._kind))
        else:
            note = words.note(report, self._enrolment)
            self.verdict.show_verdict(
                Check.NOTED if note else Check.GOOD,
                texts("credentials.good", provider=name),
                note,
                words.facts(report),
            )
        self._arrange()
        self.bring_into_view(self.keep if self.keep.isVisibleTo(self) else self.verdict)
        (self.save if self.save.isEnabled() else self.check).setFocus()

    def _unchecked(self) -> None:
        """What was said is over: the fields say something else now."""
        self._turn += 1
        self._report = None
        idle = texts("credentials.idle", provider=provider(self._kind))
        if self.verdict.check is not Check.IDLE or not self.verdict.said:
            self.verdict.show_verdict(Check.IDLE, texts("credentials.not_checked"), idle)
        self._arrange()

    def _arrange(self, _on: bool = False) -> None:
        """Which button is the one to press follows from the check."""
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

    def _show_trouble(self, said: str | None, *, settings: bool = False) -> None:
        self.trouble.setText(said or "")
        self.trouble.setVisible(bool(said))
        self.settings.setVisible(settings)
        if said:
            self.bring_into_view(self.settings if settings else self.trouble)

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        self.accept()
