"""Keeps the notes about the mentorados."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased, NotesChanged, ProcedureChanged
from app.domain.mentorado import MentoradoId
from app.domain.notes import Note, NoteId, NoteRepository, checked_note
from app.domain.procedure import ProcedureKind
from app.domain.repositories import Clock


class NoteService:
    """Any number of notes for each mentorado. Writing is audited by its length, never by its text."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        repository: NoteRepository,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._repository = repository
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self._notes: dict[MentoradoId, tuple[Note, ...]] = {}
        self._removed: dict[NoteId, Note] = {}  # what can still be brought back
        bus.subscribe(MessagesErased, self._on_erased)
        bus.subscribe(ProcedureChanged, self._on_procedure)

    async def load(self) -> None:
        """Read the notes, and publish those that another program changed. Raises `Problem`."""
        stored: defaultdict[MentoradoId, list[Note]] = defaultdict(list)
        for note in await self._repository.all():
            stored[note.mentorado_id].append(note)
        before, self._notes = self._notes, {each: _latest_first(theirs) for each, theirs in stored.items()}
        for mentorado_id in dict.fromkeys((*before, *self._notes)):
            if (now := self.notes_of(mentorado_id)) != before.get(mentorado_id, ()):
                self._bus.publish(NotesChanged(mentorado_id, now))

    def notes_of(self, mentorado_id: MentoradoId) -> Sequence[Note]:
        """The notes as they are stored, the latest first."""
        return self._notes.get(mentorado_id, ())

    async def write(self, mentorado_id: MentoradoId, typed: str) -> Note:
        """Store *typed* as a new note. Raises `Problem(NOTE_EMPTY)`, `Problem(NOTE_TOO_LONG)`, or the database's."""
        mentorado, text = self._mentorados.get(mentorado_id), checked_note(typed)
        author, now = self._audit_service.actor.name, self._clock.now()
        note = Note(id=NoteId(uuid4().hex), mentorado_id=mentorado_id, text=text, author=author, written_at=now)
        with self._audit_service.with_changes(AuditAction.WRITE_NOTE, mentorado, after=_measured(note)):
            await self._repository.add(note)
        self._change(mentorado_id, added=note)
        return note

    async def edit(self, note: Note, typed: str) -> Note:
        """Store *typed* in place of the text of *note*, as it was read before it was typed; returns what is stored now.

        Raises `Problem(NOTE_CHANGED)` when somebody changed or removed it meanwhile, or what `write` does.
        """
        mentorado, text = self._mentorados.get(note.mentorado_id), checked_note(typed)
        if text == note.text:
            return note
        after = replace(
            note,
            text=text,
            edited_by=self._audit_service.actor.name,
            edited_at=self._clock.now(),
            revision=note.revision + 1,
        )
        with self._audit_service.with_changes(
            AuditAction.EDIT_NOTE, mentorado, before=_measured(note), after=_measured(after)
        ):
            await self._tell_changed(self._repository.replace(after))
        self._change(note.mentorado_id, removed=note.id, added=after)
        return after

    async def remove(self, note: Note) -> None:
        """Remove *note* as it was read; `bring_back` undoes it. Raises `Problem(NOTE_CHANGED)`, or the database's."""
        mentorado = self._mentorados.get(note.mentorado_id)
        with self._audit_service.with_changes(AuditAction.REMOVE_NOTE, mentorado, before=_measured(note)):
            await self._tell_changed(self._repository.remove(note))
        self._removed[note.id] = note
        self._change(note.mentorado_id, removed=note.id)

    async def bring_back(self, note_id: NoteId) -> None:
        """Store a removed note again, as it was. Nothing happens when it cannot be: somebody was erased since, whom it
        may be about. Raises `Problem`."""
        note = self._removed.get(note_id)
        if note is None:
            return
        mentorado = self._mentorados.get(note.mentorado_id)
        with self._audit_service.with_changes(AuditAction.BRING_BACK_NOTE, mentorado, after=_measured(note)):
            await self._repository.add(note)
        self._removed.pop(note_id, None)
        self._change(note.mentorado_id, added=note)

    async def _tell_changed(self, work: Awaitable[None]) -> None:
        """Reload what another program stored before raising the problem that says so."""
        try:
            await work
        except Problem as problem:
            if problem.code is ProblemCode.NOTE_CHANGED:
                self._write_queue.add(self.load)
            raise

    def _change(self, mentorado_id: MentoradoId, *, removed: NoteId | None = None, added: Note | None = None) -> None:
        others = [note for note in self.notes_of(mentorado_id) if note.id != removed]
        self._notes[mentorado_id] = _latest_first([*others, *([added] if added else ())])
        self._bus.publish(NotesChanged(mentorado_id, self._notes[mentorado_id]))

    def _on_erased(self, event: MessagesErased) -> None:
        """The number of who was erased may have been in a note."""
        if event.mentorado_id is not None:
            self._removed = {
                key: note for key, note in self._removed.items() if note.mentorado_id != event.mentorado_id
            }
            self._write_queue.add(self.load)

    def _on_procedure(self, event: ProcedureChanged) -> None:
        """A backup brings its notes along."""
        if event.procedure.head.kind is ProcedureKind.RESTORE and event.procedure.ended:
            self._write_queue.add(self.load)


def _latest_first(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.written_at, note.id), reverse=True))


def _measured(note: Note) -> dict[str, str]:
    return {"characters": str(len(note.text))}
