"""What procedures did, entry by entry, in a journal that the database itself refuses to change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.domain.audit import Actor
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId
from app.domain.procedure import (
    EntryKind,
    Facts,
    JournalEntry,
    ProcedureHead,
    ProcedureId,
    ProcedureKind,
    StepName,
)
from app.storage.database import Database
from app.storage.readable import plain, readable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

Journaled = tuple[ProcedureHead, Sequence[JournalEntry]]


class SqlJournal:
    """Implements `app.domain.ports.Journal`.

    An entry that is not the next one raises `Problem(NOT_POSSIBLE_NOW)`: another program moved the procedure meanwhile.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, head: ProcedureHead, first: JournalEntry) -> None:
        await self._database.run(lambda connection: _begin(connection, head, first))

    async def append(self, entry: JournalEntry) -> None:
        await self._database.run(lambda connection: _append(connection, entry))

    async def of(self, procedure_id: ProcedureId) -> Journaled:
        found = await self._database.read(lambda connection: _of(connection, procedure_id))
        if not found:
            raise Problem(Code.PROCEDURE_UNKNOWN)
        return found[0]

    async def unfinished(self) -> Sequence[Journaled]:
        return await self._database.read(_unfinished)

    async def order(self, mentorado_id: MentoradoId) -> Mapping[ProcedureId, int]:
        return await self._database.read(lambda connection: _order(connection, mentorado_id))

    async def latest(self, mentorado_id: MentoradoId, limit: int = 20) -> Sequence[Journaled]:
        return await self._database.read(lambda connection: _latest(connection, mentorado_id, limit))


def _begin(connection: Connection, head: ProcedureHead, first: JournalEntry) -> None:
    from app.storage.tables import procedure

    connection.execute(
        procedure.insert().values(
            id=head.id,
            kind=head.kind.value,
            mentorado_id=head.mentorado_id,
            user=head.actor.user,
            operator=head.actor.operator,
            began_at=head.began_at,
            facts=_json(head.facts),
        )
    )
    _append(connection, first)


def _append(connection: Connection, entry: JournalEntry) -> None:
    from app.storage.tables import procedure_entry

    theirs = procedure_entry.select().where(procedure_entry.c.procedure_id == entry.procedure_id)
    last = connection.execute(theirs.order_by(procedure_entry.c.number.desc()).limit(1)).one_or_none()
    if entry.number != (last.number + 1 if last else 1) or (last and last.kind == EntryKind.ENDED.value):
        raise Problem(Code.NOT_POSSIBLE_NOW, why="moved elsewhere")
    connection.execute(
        procedure_entry.insert().values(
            procedure_id=entry.procedure_id,
            number=entry.number,
            at=entry.at,
            kind=entry.kind.value,
            step=entry.step and entry.step.value,
            facts=_json(entry.facts),
        )
    )


def _of(connection: Connection, procedure_id: ProcedureId) -> list[Journaled]:
    from app.storage.tables import procedure

    return _journaled(connection, procedure.select().where(procedure.c.id == procedure_id))


def _unfinished(connection: Connection) -> list[Journaled]:
    from app.storage.tables import procedure, procedure_entry

    ends = procedure_entry.select().where(
        procedure_entry.c.procedure_id == procedure.c.id, procedure_entry.c.kind == EntryKind.ENDED.value
    )
    return _journaled(connection, procedure.select().where(~ends.exists()).order_by(procedure.c.number))


def _latest(connection: Connection, mentorado_id: MentoradoId, limit: int) -> list[Journaled]:
    from app.storage.tables import procedure

    theirs = procedure.select().where(procedure.c.mentorado_id == mentorado_id)
    return _journaled(connection, theirs.order_by(procedure.c.number.desc()).limit(limit))


def _order(connection: Connection, mentorado_id: MentoradoId) -> dict[ProcedureId, int]:
    from app.storage.tables import procedure

    theirs = procedure.select().where(procedure.c.mentorado_id == mentorado_id)
    return {
        row.id: row.number for row in connection.execute(theirs.with_only_columns(procedure.c.id, procedure.c.number))
    }


def _journaled(connection: Connection, heads: Select[Any]) -> list[Journaled]:
    from app.storage.tables import procedure_entry

    def journaled(row: Any) -> Journaled:
        entries = procedure_entry.select().where(procedure_entry.c.procedure_id == row.id)
        journal = connection.execute(entries.order_by(procedure_entry.c.number))
        return _head(row), [_entry(line) for line in journal]  # of a procedure all is known, or nothing

    return list(readable("procedure", connection.execute(heads).all(), journaled))


def _head(row: Any) -> ProcedureHead:
    return ProcedureHead(
        id=row.id,
        kind=ProcedureKind(row.kind),
        mentorado_id=row.mentorado_id,
        actor=Actor(user=plain(row.user), operator=plain(row.operator)),
        began_at=row.began_at,
        facts=_facts(row.facts),
    )


def _entry(row: Any) -> JournalEntry:
    return JournalEntry(
        procedure_id=row.procedure_id,
        number=row.number,
        at=row.at,
        kind=EntryKind(row.kind),
        step=StepName(row.step) if row.step is not None else None,
        facts=_facts(row.facts),
    )


def _facts(written: object) -> Facts:
    """Raises `ValueError` for what are none."""
    known = json.loads(plain(written))
    if not isinstance(known, dict) or not all(isinstance(value, str) for value in known.values()):
        raise ValueError("not facts")
    return known


def _json(facts: Facts) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, sort_keys=True)
