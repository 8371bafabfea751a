"""The question before something that matters: what is kept, what changes, what cannot be undone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.action import ActionName
from app.domain.connection import LinkStatus
from app.domain.mentorado import Enrolment, LinkId
from app.ui.dialogs.sheet import Sheet
from app.ui.icons import pixmap
from app.ui.loop import ask
from app.ui.text import texts, unbroken
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, TEXT_SMALL, Theme
from app.ui.words import Words

_ICON = 16
_ASPECTS = {"kept": "shield-check", "changes": "swap", "lost": "triangle-alert"}


class QuestionSheet(Sheet):
    """Cancel has the focus, the other button the verb. With *typed*, the verb waits until that name is written."""

    def __init__(self, theme: Theme, over: QWidget, title: str, verb: str, *, typed: str = "") -> None:
        super().__init__(theme, over)
        self.set_title(title)
        self._typed = typed
        self._field: QLineEdit | None = None
        self.cancel = self.add_button(texts("dialog.cancel"))
        self.cancel.clicked.connect(self.reject)
        self.confirm: QPushButton = self.add_button(verb, "danger" if typed else "primary")
        self.confirm.clicked.connect(self.accept)
        self.cancel.setAutoDefault(True)  # Enter answers with what has the focus
        self.cancel.setFocus()

    def add_line(self, words: str) -> None:
        self.body.addWidget(QLabel(words, wordWrap=True, textFormat=Qt.TextFormat.PlainText))
        self.setAccessibleDescription(f"{self.accessibleDescription()} {words}".strip())

    def add_aspect(self, aspect: str, words: str) -> None:
        """One entry of the ledger; *aspect* is kept, changes or lost."""
        tokens = self._theme.tokens
        colour = tokens.danger_text if aspect == "lost" else tokens.on_accent_soft
        mark = QLabel(textFormat=Qt.TextFormat.PlainText)
        mark.setPixmap(pixmap(_ASPECTS[aspect], colour, self._theme.px(_ICON), self.devicePixelRatioF()))
        heading = Words(self._theme, TEXT_SMALL, QFont.Weight.DemiBold)
        heading.setText(texts(f"question.{aspect}"))
        heading.setProperty("role", "danger" if aspect == "lost" else "")
        words_below = QLabel(words, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        column = QVBoxLayout()
        column.setSpacing(SPACE_1 // 2)
        column.addWidget(heading)
        column.addWidget(words_below)
        row = QHBoxLayout()
        row.setSpacing(SPACE_3)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self.body.addLayout(row)
        self.setAccessibleDescription(f"{self.accessibleDescription()} {heading.text()}: {words}".strip())

    def ask_for_name(self) -> None:
        """Add the field, last, so that the ledger is read before."""
        label = QLabel(texts("question.type_name", name=self._typed), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", "secondary")
        self._field = QLineEdit()
        self._field.setAccessibleName(label.text())
        self._field.textChanged.connect(self._compare)
        label.setBuddy(self._field)
        self.body.addSpacing(SPACE_2)
        self.body.addWidget(label)
        self.body.addWidget(self._field)
        self.confirm.setEnabled(False)

    def _compare(self, written: str) -> None:
        self.confirm.setEnabled(plain_name(written) == plain_name(self._typed))


class Questions:
    """Asks over the window of *over*. Its `confirm` is what `Actions.run` wants."""

    def __init__(self, theme: Theme, over: QWidget, status: Callable[[LinkId], LinkStatus]) -> None:
        self._theme = theme
        self._over = over
        self._status = status

    async def confirm(self, name: ActionName, enrolment: Enrolment) -> bool:
        """Whether the person is sure that *name* be done to *enrolment*."""
        return await ask(self.sheet(name, enrolment)) is Sheet.DialogCode.Accepted

    async def close_program(self, live: int, moving: Sequence[str] = ()) -> bool:
        """Whether the window may close although *live* links stop with it, and the procedures of those *moving*."""
        sheet = QuestionSheet(self._theme, self._over, texts("question.close.title"), texts("question.close.confirm"))
        if moving:
            sheet.add_line(texts.plural("question.close.moving", len(moving), names=", ".join(moving)))
        if live:
            sheet.add_line(texts.plural("question.close.line", live))
        return await ask(sheet) is Sheet.DialogCode.Accepted

    def sheet(self, name: ActionName, enrolment: Enrolment) -> QuestionSheet:
        status = self._status(enrolment.link.id)
        account = status.account
        known = {
            "holder": status.holder or "—",
            "name": enrolment.mentorado.name,
            "phone": unbroken(enrolment.mentorado.phone),
            "account": unbroken(account) if account else texts("sentence.another_number"),
        }
        section = f"question.{name}"
        cannot_be_undone = texts.has(f"{section}.lost")
        sheet = QuestionSheet(
            self._theme,
            self._over,
            texts(f"{section}.title", **known),
            texts(f"{section}.confirm"),
            typed=enrolment.mentorado.name if cannot_be_undone else "",
        )
        for aspect in _ASPECTS:
            if texts.has(f"{section}.{aspect}"):
                sheet.add_aspect(aspect, texts(f"{section}.{aspect}", **known))
        if cannot_be_undone:
            sheet.ask_for_name()
        return sheet


def plain_name(name: str) -> str:
    """A name without its accents, capitals and doubled spaces: the point is to think, not to spell."""
    letters = unicodedata.normalize("NFKD", " ".join(name.split())).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
