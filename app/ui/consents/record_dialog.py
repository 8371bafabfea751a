"""Records that a contact agreed: whom, to what, in which words, and where that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from app.core.outbound.consents import LONGEST, ConsentService
from app.core.privacy_service import contact_of
from app.domain.consent import Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.messages import Address
from app.text import consent as consent_text
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import CheckBox, DropdownButton, Option
from app.ui.widgets.labels import text_label

_LINES = 3


class RecordConsentDialog(ScrollDialog):
    """`recorded` is true once it is on disk. *latest* are the text and version that others agreed to last."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        ledger: ConsentService,
        mentorado: Mentorado,
        *,
        latest: Callable[[Purpose], tuple[str, str]],
        contact: Address | None = None,
        name: str = "",
        purpose: Purpose = Purpose.CAMPAIGN,
        opted_out: bool = False,
    ) -> None:
        super().__init__(theme, over)
        self._ledger = ledger
        self._mentorado = mentorado
        self._latest = latest
        self._contact = contact
        self.recorded: tuple[Address, Purpose] | None = None
        self.set_title(texts("consent.record_title", name=mentorado.name))
        self.contact = QLineEdit(name or (contact.value if contact else ""))
        self.contact.setReadOnly(contact is not None)
        self.contact.setPlaceholderText(texts("dialog.phone_hint"))
        self.purpose = DropdownButton(theme, _purposes)
        self.purpose.setAutoDefault(False)  # else Enter in a field would open it
        self.purpose.choose(purpose)
        self.purpose.set_text(texts("consent.column.purpose"))
        self.purpose.picked.connect(lambda _purpose: self._fill())
        self.wording = QPlainTextEdit(tabChangesFocus=True)
        self.wording.setFixedHeight(self.wording.fontMetrics().lineSpacing() * (_LINES + 1))
        self.version, self.note = QLineEdit(maxLength=LONGEST), QLineEdit(maxLength=LONGEST)
        self.again = CheckBox(theme, texts("consent.again"))
        self.again.setVisible(opted_out)
        self.trouble = text_label(role="danger")
        self.trouble.hide()
        self._add("consent.column.contact", self.contact)
        row = QHBoxLayout()
        row.addWidget(self.purpose)
        row.addStretch(1)
        self.inside.addLayout(row)
        self._add("consent.field.wording", self.wording)
        self._add("consent.field.version", self.version)
        self._add("consent.field.note", self.note)
        self.inside.addWidget(self.again)
        self.inside.addWidget(self.trouble)
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.save = self.add_button(texts("consent.record"), "primary")
        self.save.clicked.connect(self._record)
        for line in (self.contact, self.version, self.note):
            line.returnPressed.connect(self._record)
        self._filled = ("", "")
        self._fill()
        (self.contact if contact is None else self.wording if not self.wording.toPlainText() else self.save).setFocus()

    def show_problem(self, problem: Problem) -> None:
        if problem.code is ProblemCode.CONSENT_OPTED_OUT:
            self.again.show()
        self.show_trouble(*words_of(problem))

    @async_slot
    async def _record(self) -> None:
        if self.busy:
            return
        contact = self._contact or contact_of(self.contact.text())
        purpose = self._purpose
        again = self.again.isChecked() and not self.again.isHidden()
        record = self._ledger.allow_again if again else self._ledger.grant
        self.busy = True
        try:
            await record(
                self._mentorado.id,
                contact,
                purpose,
                wording=self.wording.toPlainText().strip(),
                version=self.version.text(),
                note=self.note.text(),
            )
        finally:
            self.busy = False
        self.recorded = contact, purpose
        self.accept()

    @property
    def _purpose(self) -> Purpose:
        assert isinstance(self.purpose.chosen, Purpose)  # noqa: S101 - only those are offered
        return self.purpose.chosen

    def _fill(self) -> None:
        """Propose what was agreed to last, unless something else was typed."""
        if (self.wording.toPlainText(), self.version.text()) == self._filled:
            self._filled = self._latest(self._purpose)
            self.wording.setPlainText(self._filled[0])
            self.version.setText(self._filled[1])

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.trouble.setText(f"{sentence} {next_step}")
        self.trouble.show()
        self.fit()
        self.bring_into_view(self.trouble)

    def _add(self, key: str, field: QLineEdit | QPlainTextEdit) -> None:
        label = text_label(texts(key), "secondary", wraps=False)
        label.setBuddy(field)
        field.setAccessibleName(label.text())
        self.inside.addWidget(label)
        self.inside.addWidget(field)


def _purposes() -> Sequence[Option]:
    return [(each, consent_text.purpose(each)) for each in consent_text.SHOWN]
