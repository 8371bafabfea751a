"""The last archiving, import, deleted or discarded note can be taken back until the next: by toast, key or audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject

from app.domain.actions import ActionName
from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.text.status import texts
from app.ui.async_slots import async_slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.audit import AuditRecord
    from app.domain.notes import Note, NoteId
    from app.ui.action_runner import ActionRunner
    from app.ui.main_window import MainWindow

_TOGETHER: Final = timedelta(seconds=3)
"""Those archived within so short a time of one another are taken back together."""


_DISCARDED: Final = "discarded"
"""No audit entry tells of what was never stored."""


@dataclass
class Change:
    """What was done last, to whom, and when: an archiving, the import that added them, or a note that was deleted or
    never saved."""

    action: str
    mentorados: list[MentoradoId]
    began: datetime
    note_id: NoteId | None = None
    draft: Callable[[], None] | None = None  # brings back what was typed and never stored
    ended: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.ended = self.began

    def made(self, record: AuditRecord) -> bool:
        """Whether *record* is the audit entry of this change."""
        from app.domain.audit import AuditOutcome

        if record.action != self.action or record.outcome is not AuditOutcome.DONE:
            return False
        by_whom = record.mentorado_id in self.mentorados if record.mentorado_id else True
        return by_whom and self.began - _TOGETHER <= record.at <= self.ended + _TOGETHER


class UndoController(QObject):
    """Keeps the last change of *window*. Does nothing until the core is attached."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._runner: ActionRunner | None = None
        self._last: Change | None = None
        self._leaving: set[MentoradoId] = set()  # who is archived because their import is taken back

    def attach(self, runner: ActionRunner) -> None:
        """Work with *runner* from now on."""
        self._runner = runner

    @property
    def offered(self) -> str:
        """What Ctrl+Z would take back, in words; empty when there is nothing."""
        if self._last is None or self._runner is None:
            return ""
        return _named(self._runner, self._last, self._last.mentorados)

    def on_archived(self, mentorado_id: MentoradoId) -> None:
        """Somebody was archived: offer to take that back, together with those who were archived just before."""
        runner = self._runner
        if runner is None or mentorado_id in self._leaving:
            self._leaving.discard(mentorado_id)
            return
        now, last = runner.clock.now(), self._last
        if last is not None and last.action == ActionName.ARCHIVE and now - last.ended <= _TOGETHER:
            last.mentorados.append(mentorado_id)
            last.ended = now
        else:
            self._last = last = Change(ActionName.ARCHIVE, [mentorado_id], now)
        self._show_archived(last.mentorados)

    def on_many_archived(self, mentorado_ids: Sequence[MentoradoId]) -> None:
        """They were archived one after the other, however long it took: offer to take all of it back."""
        runner = self._runner
        if runner is not None:
            began = self._last.began if self._last is not None else runner.clock.now()
            self._last = Change(ActionName.ARCHIVE, list(mentorado_ids), began)
            self._last.ended = runner.clock.now()
            self._show_archived(mentorado_ids)

    def on_imported(self, mentorado_ids: Sequence[MentoradoId]) -> None:
        """They were added from a spreadsheet: offer to take that back."""
        from app.domain.audit import AuditAction

        if self._runner is not None:
            self._last = Change(AuditAction.IMPORT_MENTORADOS, list(mentorado_ids), self._runner.clock.now())
            self._show(texts.plural("import.done", len(mentorado_ids)))

    def on_note_removed(self, note: Note) -> None:
        """A note was deleted: offer to bring it back."""
        from app.domain.audit import AuditAction

        if self._runner is not None:
            now = self._runner.clock.now()
            self._last = Change(AuditAction.REMOVE_NOTE, [note.mentorado_id], now, note.id)
            self._show(texts("notes.removed"))

    def on_note_discarded(self, mentorado_id: str, bring_back: Callable[[], None]) -> None:
        """What was typed about somebody was given up: offer to have it again."""
        if self._runner is not None:
            whose = MentoradoId(mentorado_id)
            self._last = Change(_DISCARDED, [whose], self._runner.clock.now(), draft=bring_back)
            self._show(texts("notes.discarded"))

    def undo_of(self, record: AuditRecord) -> Callable[[], None] | None:
        """What takes back the change of which *record* is the entry; None when there is nothing to take back."""
        return self.undo if self._last is not None and self._last.made(record) else None

    @async_slot
    async def undo(self) -> None:
        """Take the last change back, and say what came of it. Who was connected since, or cannot come back, stays as
        they are."""
        change, runner = self._last, self._runner
        if change is None or runner is None:
            return
        self._last = None
        self._window.toast.hide()
        if change.draft is not None:
            self._window.choose(change.mentorados[0])
            change.draft()
        elif change.action == ActionName.ARCHIVE:
            await self._bring_back(runner, change)
        elif change.note_id is not None and runner.notes is not None:
            await runner.notes.bring_back(change.note_id)
            self._show_undone(runner, change, change.mentorados)
        else:
            await self._take_out(runner, change)

    async def _bring_back(self, runner: ActionRunner, change: Change) -> None:
        refused: Problem | None = None
        back: list[MentoradoId] = []
        for mentorado_id in change.mentorados:
            if runner.actions.unavailable_reason(ActionName.BRING_BACK, mentorado_id) is None:
                try:
                    await runner.run(ActionName.BRING_BACK, mentorado_id, self._window)
                except Problem as problem:
                    refused = problem
                else:
                    back.append(mentorado_id)
        self._show_undone(runner, change, back)
        if refused is not None:
            raise refused

    async def _take_out(self, runner: ActionRunner, change: Change) -> None:
        people, out = change.mentorados, list[MentoradoId]()
        ticks = self._window.list.ticked
        ticks.discard(people)
        if not len(ticks):
            ticks.end()
        for mentorado_id in people:
            if runner.actions.unavailable_reason(ActionName.ARCHIVE, mentorado_id) is None:
                self._leaving.add(mentorado_id)
                await runner.mentorados.archive(mentorado_id, undo_import=True)
                out.append(mentorado_id)
        self._show_undone(runner, change, out)

    def _show_undone(self, runner: ActionRunner, change: Change, people: Sequence[MentoradoId]) -> None:
        """Say what was undone, for which *people* of the change; for the others where it is an import."""
        from app.domain.audit import AuditAction

        stayed = len(change.mentorados) - len(people) if change.action == AuditAction.IMPORT_MENTORADOS else 0
        words = [texts("undo.done", what=_named(runner, change, people))] if people else []
        if stayed:
            words.append(texts.plural("undo.stayed", stayed))
        if words:
            self._window.toast.show_message(" ".join(words))

    def _show_archived(self, people: Sequence[MentoradoId]) -> None:
        if self._runner is not None and len(people) == 1:
            self._show(texts("window.archived", name=self._runner.mentorados.get(people[0]).name))
        else:
            self._show(texts.plural("many.archive.result", len(people)))

    def _show(self, words: str) -> None:
        several = self._last is not None and len(self._last.mentorados) > 1
        self._window.toast.show_message(words, texts("window.undo"), self.undo, longer=several)


def _named(runner: ActionRunner, change: Change, people: Sequence[MentoradoId]) -> str:
    """What *change* was to *people*, in words."""
    name = runner.mentorados.get(people[0]).name
    if change.note_id is not None or change.draft is not None:
        return texts("undo.note" if change.draft is None else "undo.draft", name=name)
    key = "undo.archive" if change.action == ActionName.ARCHIVE else "undo.import"
    return texts.plural(key, len(people), name=name)
