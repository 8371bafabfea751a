"""One action on many mentorados: who is meant is read first, then one after the other, with a result for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QProgressBar, QPushButton, QTreeWidgetItem, QWidget

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import visible
from app.text.status import problem as words_of
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.csv_import import ImportTable
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.announcement import announce
from app.ui.widgets.labels import plain_tip

if TYPE_CHECKING:
    from app.ui.procedures.forms import PassphraseField

_ICON = 16
_REST, _PHRASE, _LEAST = 380, 190, 68
"""What is above and below the list of names, what a passphrase adds to it, and the least that is left of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkForMany:
    """What is to be done to each of *people*; *words* is its section of the catalogues. *refused* are not touched.

    *do* is given the mentorado and what was typed, and raises `Problem` for one that could not be done. *done* says
    what was done, by what was typed.
    """

    words: str
    people: Sequence[Mentorado]
    refused: Sequence[tuple[Mentorado, Problem]] = ()
    do: Callable[[MentoradoId, str], Awaitable[object]]
    done: Callable[[str], str]
    asks: Literal["", "line", "passphrase"] = ""


class FieldBeforeButton(QLineEdit):
    """Enter goes on to *button* and presses nothing: the field is no place from which many people are changed."""

    def __init__(self, button: QPushButton) -> None:
        super().__init__()
        self._button = button

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._button.setFocus()
        else:
            super().keyPressEvent(event)


class ForManyDialog(ConfirmDialog):
    """Stop ends it after the one that is under way. `done_for` has those for whom it was done."""

    def __init__(self, theme: Theme, over: QWidget, work: WorkForMany) -> None:
        count = len(work.people)
        verb = "" if work.asks == "passphrase" else texts.plural(f"many.{work.words}.confirm", count)
        super().__init__(theme, over, texts.plural(f"many.{work.words}.title", count), verb)
        self._work = work
        self._left: list[Mentorado] = list(work.people)
        self._failed: list[Mentorado] = []
        self.done_for: list[MentoradoId] = []
        self._running = self._stopped = False
        self.confirm.clicked.disconnect()
        self.confirm.clicked.connect(self._run)
        self.confirm.setEnabled(count > 0)
        for aspect in ("kept", "changes"):
            self.add_aspect(aspect, texts(f"many.{work.words}.{aspect}"))
        self.field: QLineEdit | None = None
        self.phrase: PassphraseField | None = None
        if work.asks == "line":
            self._add_field()
        elif work.asks == "passphrase":
            self._add_passphrase()
        self.summary = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.summary.setText(texts.plural("many.refused", len(work.refused)))
        self.summary.setVisible(bool(work.refused))
        headings = [texts("many.who"), texts("many.result")]
        self.table = ImportTable(theme, texts("many.table"), headings, count + len(work.refused))
        room = over.window().height() - theme.px(_REST + (_PHRASE if work.asks == "passphrase" else 0))
        self.table.setFixedHeight(min(self.table.height(), max(theme.px(_LEAST), room)))
        self._items = {each.id: self._add_row(each) for each, _ in work.refused}
        self._items |= {each.id: self._add_row(each) for each in work.people}
        for each, problem in work.refused:
            self._mark(each, problem)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(texts("many.progress"))
        self.bar.setMaximum(max(1, count))
        self.bar.hide()
        for part in (self.summary, self.table, self.bar):
            self.inside.addWidget(part)

    def lists(self, mentorado_id: MentoradoId) -> bool:
        """Whether what becomes of this one is shown here."""
        return mentorado_id in self._items

    def _add_field(self) -> None:
        label = QLabel(texts(f"many.{self._work.words}.field"), textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", "secondary")
        self.field = field = FieldBeforeButton(self.confirm)
        field.setAccessibleName(label.text())
        label.setBuddy(field)
        self.inside.addWidget(label)
        self.inside.addWidget(field)
        field.setFocus()

    def _add_passphrase(self) -> None:
        """One for all, which may be left empty; what that means is said in either case."""
        from app.ui.procedures.forms import PassphraseField

        self.phrase = phrase = PassphraseField(twice=True)
        phrase.set_text(texts("begin.phrase"), texts("begin.phrase_again"))
        phrase.first.setPlaceholderText(texts("begin.phrase_hint"))
        self._means = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._means.setProperty("role", "secondary")
        phrase.changed.connect(self._on_phrase)
        # Later, so that the same Enter does not press the button: see `keyPressEvent`.
        phrase.submitted.connect(self.confirm.setFocus, Qt.ConnectionType.QueuedConnection)
        self.inside.addWidget(phrase)
        self.inside.addWidget(self._means)
        self._on_phrase()
        phrase.first.setFocus()

    def _on_phrase(self) -> None:
        phrase = self.phrase
        if phrase is None:
            return
        self._means.setText(phrase.why_not or texts("begin.phrase_means" if phrase.phrase else "begin.no_phrase_means"))
        phrase.first.setAccessibleDescription(self._means.text())
        self.confirm.setEnabled(bool(self._left) and not phrase.why_not)
        kind = "protected" if phrase.phrase else "unprotected"
        self.confirm.setText(texts.plural(f"many.{self._work.words}.confirm_{kind}", len(self._left)))
        if self.isVisible():
            self.fit()

    @property
    def typed(self) -> str:
        """What was typed where something is asked for."""
        if self.phrase is not None:
            return self.phrase.phrase
        return self.field.text() if self.field is not None else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field answers nothing: it only goes on."""
        in_field = isinstance(self.focusWidget(), QLineEdit)
        if not (in_field and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            super().keyPressEvent(event)

    def _add_row(self, each: Mentorado) -> QTreeWidgetItem:
        item = QTreeWidgetItem([visible(each.name), ""])
        self.table.addTopLevelItem(item)
        return item

    def _mark(self, each: Mentorado, problem: Problem | None) -> None:
        """Say in the row of *each* how it went."""
        item, colours, side = self._items[each.id], self._theme.tokens, self._theme.px(_ICON)
        if problem is None:
            item.setIcon(0, icon("check-circle", colours.on_accent_soft, side))
            item.setText(1, self._work.done(self.typed))
            item.setToolTip(1, "")
        else:
            sentence, next_step = words_of(problem)
            item.setIcon(0, icon("triangle-alert", colours.danger_text, side))
            item.setText(1, next_step if problem.code is ProblemCode.NOT_POSSIBLE_NOW else sentence)
            item.setToolTip(1, plain_tip(f"{sentence} {next_step}"))

    @async_slot
    async def _run(self) -> None:
        """Go on with those who are left, one after the other."""
        if self._running:
            return
        typed = self.typed
        for part in (self.field, self.phrase):
            if part is not None:
                part.setEnabled(False)
        waiting, self._left, self._failed = self._left, [], []
        self._running, self._stopped = True, False
        self.confirm.setEnabled(False)
        self.cancel.setText(texts("many.stop"))
        self.cancel.setFocus()
        self.bar.show()
        self.summary.show()
        self.fit()
        try:
            while waiting and not self._stopped:
                each = waiting[0]
                self.table.scrollToItem(self._items[each.id])
                await self._do(each, typed)
                del waiting[0]
        finally:
            self._running = False
            self._left = [*self._failed, *waiting]
            self._show_result()

    async def _do(self, each: Mentorado, typed: str) -> None:
        try:
            await self._work.do(each.id, typed)
        except Problem as problem:
            self._failed.append(each)
            self._mark(each, problem)
        else:
            self.done_for.append(each.id)
            self._mark(each, None)
        done = len(self.done_for) + len(self._failed)
        self.bar.setValue(done)
        self.summary.setText(texts("many.so_far", done=done, count=len(self._work.people)))

    def _show_result(self) -> None:
        """What was done, what was not, and a way to try that again."""
        failed, untouched = len(self._failed), len(self._left) - len(self._failed)
        self.set_title(texts.plural(f"many.{self._work.words}.result", len(self.done_for)))
        parts = []
        if failed:
            parts.append(texts.plural("many.failed", failed))
        if untouched:
            parts.append(texts.plural("many.untouched", untouched))
        self.summary.setText(" ".join(parts))
        self.summary.setVisible(bool(parts))
        self.bar.hide()
        self.cancel.setText(texts("many.close"))
        self.confirm.setText(texts.plural("many.again", len(self._left)))
        self.confirm.setVisible(bool(self._left))
        self.confirm.setEnabled(bool(self._left))
        self.cancel.setFocus()
        self.fit()
        announce(self, f"{self.title.text()} {self.summary.text()}")

    def reject(self) -> None:
        """Give up; while it runs, stop after the one that is under way."""
        self._stopped = True
        if not self._running:
            super().reject()

    def show_crash(self, _error: Exception) -> None:
        """A bug ends the work; what was done before stays done, and the rows say for whom."""
        self.summary.setText(f"{texts('detail.crash')} {texts('detail.crash_next')}")
        self.fit()
