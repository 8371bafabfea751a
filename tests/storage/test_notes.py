from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.errors import Problem, ProblemCode
from app.domain.handling import Handling, HandlingRepository
from app.domain.mentorado import Mentorado
from app.domain.notes import ERASED, Note, NoteId, NoteRepository
from app.storage.database import Database
from app.storage.history.repository import SqlHistoryDump, SqlMessageRepository
from app.storage.notes import SqlHandlings, SqlNotes
from tests.storage.talk import BIA, CAIO, a_message, add_mentorado, minutes
from tests.storage.transfer import NOTE, brought_in, dumped

BIAS = "Irmã: +55 (21) 98765-0001"


def a_note(ana: Mentorado, words: str = "Ligar à tarde", minute: float = 0, letter: str = "a", **more: Any) -> Note:
    return Note(
        id=NoteId(letter * 32),
        mentorado_id=ana.id,
        text=words,
        author="Carla",
        written_at=minutes(minute),
        **more,
    )


async def stored(database: Database) -> list[Note]:
    return list(await SqlNotes(database).all())


async def test_notes_are_kept_as_they_are(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        store: NoteRepository = SqlNotes(database)
        first, second = a_note(ana), a_note(ana, "Já liguei", 5, "b")
        await store.add(second)
        await store.add(first)
        edited = replace(first, text="Não ligar", edited_by="Bia", edited_at=minutes(9), revision=2)
        await store.replace(edited)
        assert await stored(database) == [edited, second]
        await store.remove(edited)
        assert await stored(database) == [second]


async def test_a_change_of_somebody_else_is_neither_overwritten_nor_removed(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        store, note = SqlNotes(database), a_note(ana)
        await store.add(note)
        theirs = replace(note, text="Já liguei", revision=2)
        await store.replace(theirs)
        for attempt in (store.replace(replace(note, text="Ligar", revision=2)), store.remove(note)):
            with pytest.raises(Problem) as refused:
                await attempt
            assert refused.value.code is ProblemCode.NOTE_CHANGED
        assert await stored(database) == [theirs]
        await store.remove(theirs)
        with pytest.raises(Problem) as refused:
            await store.replace(replace(theirs, revision=3))
        assert refused.value.code is ProblemCode.NOTE_CHANGED


async def test_a_damaged_note_hides_no_other(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        for note in (a_note(ana), a_note(ana, letter="b")):
            await SqlNotes(database).add(note)
        broken = text("UPDATE mentorado_note SET revision = 'x' WHERE id = :id")
        await database.run(lambda c: c.execute(broken, {"id": "a" * 32}))
        assert await stored(database) == [a_note(ana, letter="b")]
    assert "1 rows of mentorado_note are invalid" in caplog.text


async def test_notes_go_into_a_backup_and_come_back_once(path: Path, tmp_path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        edited = a_note(ana, "Não ligar", 1, "b", edited_by="Bia", edited_at=minutes(9), revision=7)
        for note in (a_note(ana), edited):
            await SqlNotes(database).add(note)
        kept = await dumped(database, ana)
        assert (await SqlHistoryDump(database).counts(ana.id))["note"] == 2
        for _ in range(2):
            await brought_in(database, ana, kept)
        assert await stored(database) == [a_note(ana), edited]
        twice = await add_mentorado(database, "Ana", "+5521987650009")
        for _ in range(2):
            await brought_in(database, twice, kept)
        theirs = [note for note in await stored(database) if note.mentorado_id == twice.id]
        assert [note.text for note in theirs] == ["Ligar à tarde", "Não ligar"]


@pytest.mark.parametrize(("minute", "words"), [(5, "Não ligar"), (15, "Ligar à tarde")])
async def test_of_two_forms_of_a_note_the_later_one_stays(path: Path, minute: float, words: str) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        row = {**NOTE, "id": "a" * 32, "edited_by": "Bia", "edited_at": minutes(10).isoformat(), "text": "Não ligar"}
        here = a_note(ana, "Ligar à tarde", 0, edited_by="Carla", edited_at=minutes(minute), revision=3)
        await SqlNotes(database).add(here)
        await brought_in(database, ana, [row])
        (note,) = await stored(database)
        assert (note.text, note.revision) == (words, 4 if words == "Não ligar" else 3)


async def test_the_number_of_who_is_erased_goes_from_the_notes_and_does_not_come_back(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5511987654329")
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "oi", BIA), a_message("M2", "oi", CAIO)], minutes(1))
        notes = [a_note(ana, BIAS), a_note(ana, "Caio: 31 98765-0002", 1, "b"), a_note(bruno, BIAS, 2, "c")]
        for note in notes:
            await SqlNotes(database).add(note)
        kept = await dumped(database, ana)
        bia = await history.find_contact(ana.id, BIA)
        assert bia is not None
        await history.erase(ana.id, bia, minutes(9))
        without = replace(notes[0], text=f"Irmã: {ERASED}", revision=2)
        assert await stored(database) == [without, *notes[1:]]
        await SqlNotes(database).remove(without)
        await brought_in(database, ana, kept)
        assert await stored(database) == [replace(without, revision=1), *notes[1:]]


async def test_a_note_that_is_written_after_the_erasure_comes_back_whole(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        history = SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "oi", BIA)], minutes(1))
        bia = await history.find_contact(ana.id, BIA)
        assert bia is not None
        await history.erase(ana.id, bia, minutes(9))
        row = {**NOTE, "text": BIAS, "written_at": minutes(20).isoformat()}
        await brought_in(database, ana, [row])
        assert [note.text for note in await stored(database)] == [BIAS]


async def test_one_operator_is_on_a_mentorado_and_only_who_still_is_can_be_taken_off(path: Path) -> None:
    async with Database(path) as database:
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5511987654329")
        store: HandlingRepository = SqlHandlings(database)
        first = Handling(mentorado_id=ana.id, operator="Carla", since=minutes(1))
        later, other = replace(first, operator="Bia", since=minutes(2)), replace(first, mentorado_id=bruno.id)
        for each in (first, other, later):
            await store.save(each)
        await store.remove(first)
        assert sorted(await store.all(), key=lambda each: each.operator) == [later, other]
        await store.remove(later)
        assert await store.all() == [other]
