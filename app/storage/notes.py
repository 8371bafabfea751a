"""What staff keep about a mentorado, on disk: their notes, and who is on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row

from app.domain.errors import Problem, ProblemCode
from app.domain.handling import Handling
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.notes import MOST_NOTE, Note, NoteId, without_erased, without_numbers
from app.storage.columns import utc_text
from app.storage.database import Database
from app.storage.history.dump_rows import NoteRow
from app.storage.history.suppressions import Suppressed
from app.storage.rows import plain, readable
from app.storage.staff_tables import handling as handling_table
from app.storage.staff_tables import mentorado_note as table


class SqlNotes:
    """Implements `NoteRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Note]:
        return await self._database.read(lambda connection: list(readable("mentorado_note", _rows(connection), _note)))

    async def add(self, note: Note) -> None:
        await self._database.run(lambda connection: connection.execute(table.insert().values(**_values(note))))

    async def replace(self, note: Note) -> None:
        def work(connection: Connection) -> None:
            _require(connection, note.id, note.revision - 1)
            connection.execute(table.update().where(table.c.id == note.id).values(**_values(note)))

        await self._database.run(work)

    async def remove(self, note: Note) -> None:
        def work(connection: Connection) -> None:
            _require(connection, note.id, note.revision)
            connection.execute(table.delete().where(table.c.id == note.id))

        await self._database.run(work)


class SqlHandlings:
    """Implements `HandlingRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Handling]:
        return await self._database.read(_all_handlings)

    async def save(self, handling: Handling) -> None:
        await self._database.run(_save_handling, handling)

    async def remove(self, handling: Handling) -> None:
        this = (
            handling_table.c.mentorado_id == handling.mentorado_id,
            handling_table.c.operator == handling.operator,
            handling_table.c.since == handling.since,
        )
        await self._database.run(lambda connection: connection.execute(handling_table.delete().where(*this)))


def dumped(connection: Connection, mentorado_id: MentoradoId) -> list[dict[str, object]]:
    """The rows of a backup."""
    return [
        {
            "kind": "note",
            "id": note.id,
            "text": note.text[:MOST_NOTE],
            "author": note.author,
            "written_at": utc_text(note.written_at),
            "edited_by": note.edited_by,
            "edited_at": utc_text(note.edited_at) if note.edited_at else None,
        }
        for note in readable("mentorado_note", _rows(connection, table.c.mentorado_id == mentorado_id), _note)
    ]


def merge(connection: Connection, mentorado_id: MentoradoId, rows: Iterable[NoteRow]) -> None:
    """Merge notes; of two versions the later one stays. The numbers of erased contacts are left out."""
    suppressed = Suppressed(connection, mentorado_id)
    for row in rows:
        at, note_id = row.edited_at or row.written_at, row.id
        here = _stored(connection, note_id)
        if here is not None and here.mentorado_id != mentorado_id:  # somebody added twice: the same new id each time
            note_id = sha256(f"{mentorado_id} {row.id}".encode()).hexdigest()[:32]
            here = _stored(connection, note_id)
        if here is not None and (here.edited_at or here.written_at) >= at:
            continue
        note = Note(
            id=NoteId(note_id),
            mentorado_id=mentorado_id,
            text=without_erased(row.text, _erased_since(suppressed, at)),
            author=row.author,
            written_at=row.written_at,
            edited_by=row.edited_by,
            edited_at=row.edited_at,
            revision=1 if here is None else here.revision + 1,
        )
        statement = table.insert() if here is None else table.update().where(table.c.id == note_id)
        connection.execute(statement.values(**_values(note)))


def erase(connection: Connection, mentorado_id: MentoradoId, addresses: Sequence[Address]) -> None:
    """Remove the numbers of *addresses* from the notes. An editor that has one open gets a conflict."""
    for row in _rows(connection, table.c.mentorado_id == mentorado_id):
        text = plain(row.text)
        if (left := without_numbers(text, addresses)) != text:
            changed = table.update().where(table.c.id == row.id)
            connection.execute(changed.values(text=left, revision=table.c.revision + 1))


def _erased_since(suppressed: Suppressed, at: datetime) -> Callable[[Iterable[Address]], bool]:
    return lambda addresses: (tuple(addresses), at) in suppressed


def _require(connection: Connection, note_id: NoteId, revision: int) -> None:
    here = _stored(connection, note_id)
    if here is None or here.revision != revision:
        raise Problem(ProblemCode.NOTE_CHANGED)


def _stored(connection: Connection, note_id: str) -> Row[Any] | None:
    return next(iter(_rows(connection, table.c.id == note_id)), None)


def _rows(connection: Connection, wanted: ColumnElement[bool] | None = None) -> Sequence[Row[Any]]:
    rows = table.select() if wanted is None else table.select().where(wanted)
    return connection.execute(rows.order_by(table.c.written_at, table.c.id)).all()


def _values(note: Note) -> dict[str, object]:
    return {
        "id": note.id,
        "mentorado_id": note.mentorado_id,
        "text": note.text,
        "author": note.author,
        "written_at": note.written_at,
        "edited_by": note.edited_by,
        "edited_at": note.edited_at,
        "revision": note.revision,
    }


def _note(row: Row[Any]) -> Note:
    return Note(
        id=NoteId(row.id),
        mentorado_id=MentoradoId(row.mentorado_id),
        text=plain(row.text),
        author=plain(row.author),
        written_at=row.written_at,
        edited_by=plain(row.edited_by),
        edited_at=row.edited_at,
        revision=int(row.revision),
    )


def _all_handlings(connection: Connection) -> list[Handling]:
    return list(readable("handling", connection.execute(handling_table.select()), _handling))


def _save_handling(connection: Connection, handling: Handling) -> None:
    connection.execute(handling_table.delete().where(handling_table.c.mentorado_id == handling.mentorado_id))
    values = {"mentorado_id": handling.mentorado_id, "operator": handling.operator, "since": handling.since}
    connection.execute(handling_table.insert().values(**values))


def _handling(row: Row[Any]) -> Handling:
    return Handling(mentorado_id=MentoradoId(row.mentorado_id), operator=plain(row.operator), since=row.since)
