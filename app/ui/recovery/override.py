"""Going on in spite of an incident: what it is, and why somebody does so all the same."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from app.core.action import ActionName
from app.domain.incident import Incident
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock
from app.ui import text
from app.ui.dialogs.question import QuestionSheet
from app.ui.dialogs.sheet import Sheet
from app.ui.loop import ask
from app.ui.text import texts
from app.ui.theme import SPACE_2, Theme

LEAST = 10
"""Characters: fewer say nothing to whoever reads the audit later."""


class OverrideSheet(QuestionSheet):
    """The button waits for a reason; what is typed is what the audit will say."""

    def __init__(self, theme: Theme, over: QWidget, name: ActionName, enrolment: Enrolment, incident: str) -> None:
        title = texts("override.question", action=text.action(name)[0], name=enrolment.mentorado.name)
        super().__init__(theme, over, title, texts("override.confirm"))
        if incident:
            self.add_line(incident)
        self.add_aspect("changes", texts("override.changes", name=enrolment.mentorado.name))
        label = QLabel(texts("override.why"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", "secondary")
        self.field = QPlainTextEdit(tabChangesFocus=True)
        self.field.setAccessibleName(label.text())
        self.field.setFixedHeight(theme.px(72))
        self._left = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._left.setProperty("role", "caption")
        label.setBuddy(self.field)
        self.body.addSpacing(SPACE_2)
        for part in (label, self.field, self._left):
            self.body.addWidget(part)
        self.field.textChanged.connect(self._weigh)
        self._weigh()

    @property
    def reason(self) -> str:
        """On one line, as an entry of the audit has it."""
        return " ".join(self.field.toPlainText().split())

    def _weigh(self) -> None:
        missing = max(0, LEAST - len(self.reason))
        said = texts.plural("override.missing", missing) if missing else texts("override.audited")
        self._left.setText(said)
        self.field.setAccessibleDescription(said)
        self.confirm.setEnabled(not missing)


async def reason_to_go_on(
    theme: Theme, over: QWidget, name: ActionName, enrolment: Enrolment, incident: Incident | None, clock: Clock
) -> str:
    """Ask an operator why; empty when they gave it up."""
    told = text.incident(incident, clock.now()) if incident else ""
    sheet = OverrideSheet(theme, over, name, enrolment, told)
    return sheet.reason if await ask(sheet) is Sheet.DialogCode.Accepted else ""
