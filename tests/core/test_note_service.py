from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.audit import AuditAction, AuditRecord
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesErased, NotesChanged, ProcedureChanged
from app.domain.notes import Note, NoteId
from app.domain.procedure import ProcedureInfo, ProcedureKind, ProcedureState, new_procedure_id, replay
from tests.clock import settle
from tests.services import Core

DISK_FULL = Problem(ProblemCode.DATABASE_LOCKED)


def changes_of(core: Core) -> list[NotesChanged]:
    """What is published from now on."""
    changes: list[NotesChanged] = []
    core.bus.subscribe(NotesChanged, changes.append)
    return changes


def records_of(core: Core) -> list[AuditRecord]:
    return [entry.record for entry in core.audit.entries_ if "note" in entry.record.action]


async def test_notes_stand_with_their_author_and_time_the_latest_first(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        changes = changes_of(core)
        first = await core.notes.write(ana.id, "Ligar à tarde")
        await core.clock.advance(60)
        second = await core.notes.write(ana.id, " A irmã cuida do celular\n")
        assert (second.text, second.author) == ("A irmã cuida do celular", core.audit_service.actor.name)
        assert second.written_at - first.written_at == timedelta(seconds=60)
        assert core.notes.notes_of(ana.id) == (second, first)
        assert [change.notes for change in changes] == [(first,), (second, first)]
        assert await core.note_record.all() == [first, second]


async def test_what_is_written_about_somebody_is_audited_by_its_length_alone(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "Ligar à tarde")
        note = await core.notes.edit(note, "Ligar de manhã")
        await core.notes.remove(note)
        await core.notes.bring_back(note.id)
        kept = [(each.action, dict(each.before), dict(each.after)) for each in records_of(core)]
        assert kept == [
            (AuditAction.WRITE_NOTE, {}, {"characters": "13"}),
            (AuditAction.EDIT_NOTE, {"characters": "13"}, {"characters": "14"}),
            (AuditAction.REMOVE_NOTE, {"characters": "14"}, {}),
            (AuditAction.BRING_BACK_NOTE, {}, {"characters": "14"}),
        ]
        assert "Ligar" not in str(records_of(core))


async def test_a_changed_note_says_by_whom_and_when_and_the_same_text_is_no_change(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "Ligar à tarde")
        await core.clock.advance(60)
        assert await core.notes.edit(note, " Ligar à tarde ") is note
        edited = await core.notes.edit(note, "Ligar de manhã")
        assert (edited.written_at, edited.edited_at) == (note.written_at, core.clock.now())
        assert (edited.edited_by, edited.revision) == (note.author, 2)
        assert core.notes.notes_of(ana.id) == (edited,)


async def test_a_removed_note_comes_back_once_as_it_was(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "Ligar à tarde")
        await core.notes.remove(note)
        assert core.notes.notes_of(ana.id) == () == tuple(await core.note_record.all())
        await core.notes.bring_back(note.id)
        await core.notes.bring_back(note.id)
        assert core.notes.notes_of(ana.id) == (note,)


async def test_a_removed_note_stays_away_when_somebody_was_erased_since(core: Core) -> None:
    """Their number may have been in it."""
    async with core.running():
        ana, bruno = await core.add(), await core.add("Bruno", "11 98765-4322")
        note, other = await core.notes.write(ana.id, "21 98765-0001"), await core.notes.write(bruno.id, "oi")
        for each in (note, other):
            await core.notes.remove(each)
        core.bus.publish(MessagesErased(ana.id))
        for each in (note, other):
            await core.notes.bring_back(each.id)
        assert core.notes.notes_of(ana.id) == ()
        assert core.notes.notes_of(bruno.id) == (other,)


async def test_what_somebody_else_wrote_meanwhile_is_not_lost(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "Ligar à tarde")
        theirs = replace(note, text="Já liguei", edited_by="Bia", edited_at=core.clock.now(), revision=2)
        core.note_record.notes[note.id] = theirs
        for attempt in (core.notes.edit(note, "Ligar amanhã"), core.notes.remove(note)):
            with pytest.raises(Problem) as refused:
                await attempt
            assert refused.value.code is ProblemCode.NOTE_CHANGED
        await core.write_queue.flush()
        assert core.notes.notes_of(ana.id) == (theirs,)


async def test_a_note_that_cannot_be_stored_is_not_shown_as_if_it_were(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "Ligar à tarde")
        core.note_record.problem = DISK_FULL
        for attempt in (core.notes.write(ana.id, "oi"), core.notes.edit(note, "oi"), core.notes.remove(note)):
            with pytest.raises(Problem) as refused:
                await attempt
            assert refused.value is DISK_FULL
        assert core.notes.notes_of(ana.id) == (note,)


async def test_what_another_program_changed_is_read_and_published_once(core: Core) -> None:
    async with core.running():
        ana, bruno = await core.add(), await core.add("Bruno", "11 98765-4322")
        note = await core.notes.write(ana.id, "Ligar à tarde")
        foreign = replace(note, id=NoteId("f" * 32), mentorado_id=bruno.id)
        core.note_record.notes = {foreign.id: foreign}
        changes = changes_of(core)
        await core.notes.load()
        await core.notes.load()
        assert [(change.mentorado_id, change.notes) for change in changes] == [(ana.id, ()), (bruno.id, (foreign,))]


@pytest.mark.parametrize(
    ("kind", "state", "read"),
    [
        (ProcedureKind.RESTORE, ProcedureState.DONE, True),
        (ProcedureKind.RESTORE, ProcedureState.RUNNING, False),
        (ProcedureKind.BACKUP, ProcedureState.DONE, False),
    ],
)
async def test_notes_are_read_again_when_the_numbers_of_one_went_or_a_backup_came(
    core: Core, kind: ProcedureKind, state: ProcedureState, read: bool
) -> None:
    async with core.running():
        ana = await core.add()
        note = await core.notes.write(ana.id, "21 98765-0001")

        async def after(event: MessagesErased | ProcedureChanged, text: str) -> str:
            there = core.note_record.notes[note.id]
            core.note_record.notes[note.id] = replace(there, text=text)
            core.bus.publish(event)
            await core.write_queue.flush()
            await settle()
            found: Note = core.notes.notes_of(ana.id)[0]
            return found.text

        assert await after(MessagesErased(None), "a") == "21 98765-0001"  # old messages went, nobody's number
        assert await after(MessagesErased(ana.id), "b") == "b"
        procedure = replay(
            ProcedureInfo(
                id=new_procedure_id(),
                kind=kind,
                mentorado_id=ana.id,
                actor=core.audit_service.actor,
                began_at=core.clock.now(),
            ),
            [],
        )
        assert await after(ProcedureChanged(replace(procedure, state=state)), "c") == ("c" if read else "b")
