"""One action on many mentorados: who is meant is read first, then one after the other, with a result for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QProgressBar, QPushButton, QTreeWidgetItem, QWidget

from app.domain.bulk_work import BulkKind, BulkWork
from app.domain.errors import Problem
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import visible
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.csv_import import ImportTable
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.labels import text_label

if TYPE_CHECKING:
    from app.core.bulk_work import BulkWorkService
    from app.ui.procedures.forms import PassphraseField

_REST, _PHRASE, _LEAST = 380, 190, 68
"""What is above and below the list of names, what a passphrase adds to it, and the least that is left of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkForMany:
    """What is to be done to each of *people*; *kind* is its section of the catalogues. *refused* are not touched.

    *do* is given the mentorado and what was typed, and raises `Problem` for one that could not be done. *done* says
    what was done by what was typed, where that makes a difference. *continues* is the work that was interrupted before.
    """

    kind: BulkKind
    people: Sequence[Mentorado]
    refused: Sequence[tuple[Mentorado, Problem]] = ()
    do: Callable[[MentoradoId, str], Awaitable[object]]
    done: Callable[[str], str] | None = None
    asks: Literal["", "line", "passphrase"] = ""
    continues: BulkWork | None = None


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
    """Stop ends it after the one that is under way. `done_for` has those for whom it was done.

    *bulk_work* keeps how far it came, until it is done or a person leaves it.
    """

    def __init__(
        self, theme: Theme, over: QWidget, work: WorkForMany, bulk_work: BulkWorkService | None = None
    ) -> None:
        count = len(work.people)
        verb = "" if work.asks == "passphrase" else texts.plural(f"many.{work.kind}.confirm", count)
        super().__init__(theme, over, texts.plural(f"many.{work.kind}.title", count), verb)
        self._work = work
        self._bulk_work = bulk_work
        self._record: BulkWork | None = None
        self._left: list[Mentorado] = list(work.people)
        self._failed: list[Mentorado] = []
        self.done_for: list[MentoradoId] = []
        self._running = self._stopped = False
        self._question: list[QWidget] = []  # what is asked before, and of no use after
        self.cancel.clicked.disconnect()
        self.cancel.clicked.connect(self.leave)
        self.confirm.clicked.disconnect()
        self.confirm.clicked.connect(self._run)
        self.confirm.setEnabled(count > 0)
        for aspect in ("kept", "changes"):
            self._question.append(self.add_aspect(aspect, texts(f"many.{work.kind}.{aspect}")))
        self.field: QLineEdit | None = None
        self.phrase: PassphraseField | None = None
        if work.asks == "line":
            self._add_field()
        elif work.asks == "passphrase":
            self._add_passphrase()
        self.summary = text_label()
        self.summary.setText(texts.plural("many.refused", len(work.refused)))
        self.summary.setVisible(bool(work.refused))
        headings = [texts("many.who"), texts("many.result")]
        self.table = ImportTable(theme, texts("many.table"), headings, count + 2 * len(work.refused))
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
        label = text_label(texts(f"many.{self._work.kind}.field"), "secondary", wraps=False)
        self.field = field = FieldBeforeButton(self.confirm)
        field.setAccessibleName(label.text())
        label.setBuddy(field)
        if self._work.continues is not None:
            field.setText(self._work.continues.typed)
        for part in (label, field):
            self.inside.addWidget(part)
            self._question.append(part)
        field.setFocus()

    def _add_passphrase(self) -> None:
        """One for all, which may be left empty; what that means is said in either case."""
        from app.ui.procedures.forms import PassphraseField

        self.phrase = phrase = PassphraseField(twice=True)
        phrase.set_text(texts("begin.phrase"), texts("begin.phrase_again"))
        phrase.first.setPlaceholderText(texts("begin.phrase_hint"))
        self._means = text_label(role="secondary")
        phrase.changed.connect(self._on_phrase)
        # Later, so that the same Enter does not press the button: see `keyPressEvent`.
        phrase.submitted.connect(self.confirm.setFocus, Qt.ConnectionType.QueuedConnection)
        for part in (phrase, self._means):
            self.inside.addWidget(part)
            self._question.append(part)
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
        self.confirm.setText(texts.plural(f"many.{self._work.kind}.confirm_{kind}", len(self._left)))
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
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif not (in_field and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            super().keyPressEvent(event)

    def _add_row(self, each: Mentorado) -> QTreeWidgetItem:
        item = QTreeWidgetItem([visible(each.name), ""])
        self.table.addTopLevelItem(item)
        return item

    def _mark(self, each: Mentorado, problem: Problem | None) -> None:
        """Say in the row of *each* how it went."""
        item = self._items[each.id]
        if problem is None:
            done = self._work.done
            item.setText(1, texts(f"many.{self._work.kind}.done") if done is None else done(self.typed))
        self.table.mark(item, problem)

    @async_slot
    async def _run(self) -> None:
        """Go on with those who are left, one after the other."""
        if self._running:
            return
        typed = self.typed
        waiting, self._left, self._failed = self._left, [], []
        self._running, self._stopped = True, False
        self._keep_record(waiting, typed)
        for part in self._question:
            part.hide()
        self.set_title(texts.plural(f"many.{self._work.kind}.running", len(self._work.people)))
        self.setAccessibleDescription("")
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
            if self._bulk_work is not None and self._record is not None:
                self._record = self._bulk_work.mark(self._record.id, each.id)
            self._mark(each, None)
        done = len(self.done_for) + len(self._failed)
        self.bar.setValue(done)
        self.summary.setText(texts("many.so_far", done=done, count=len(self._work.people)))

    def _show_result(self) -> None:
        """What was done, what was not, and a way to try that again."""
        failed, untouched = len(self._failed), len(self._left) - len(self._failed)
        if not self._left:
            self._forget_phrase()
            self._end_record()
        self.set_title(texts.plural(f"many.{self._work.kind}.result", len(self.done_for)))
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

    def leave(self) -> None:
        """A person gives up; while it runs, it stops after the one that is under way."""
        if not self._running:
            self._end_record()
        self.reject()

    def reject(self) -> None:
        """Close; while it runs, stop after the one that is under way. Who is left is offered again."""
        self._stopped = True
        if not self._running:
            super().reject()

    def done(self, result: int) -> None:
        self._forget_phrase()
        if self._bulk_work is not None and self._record is not None:
            self._bulk_work.interrupt(self._record.id)
        super().done(result)

    def _keep_record(self, waiting: Sequence[Mentorado], typed: str) -> None:
        """From now on closing the program loses nothing of what was chosen, and of what is done."""
        if self._bulk_work is not None:
            kept = typed if self._work.asks == "line" else ""
            continues = self._record or self._work.continues
            left = [each.id for each in waiting]
            self._record = self._bulk_work.begin(self._work.kind, left, typed=kept, continues=continues)

    def _end_record(self) -> None:
        if self._bulk_work is not None and self._record is not None:
            self._bulk_work.end(self._record.id)
            self._record = None

    def _forget_phrase(self) -> None:
        if self.phrase is not None:
            self.phrase.clear()

    def show_crash(self, _error: Exception) -> None:
        """A bug ends the work; what was done before stays done, and the rows say for whom."""
        self.summary.setText(f"{texts('detail.crash')} {texts('detail.crash_next')}")
        self.fit()
