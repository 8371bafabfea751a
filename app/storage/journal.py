"""What procedures did, entry by entry, in a journal that the database itself refuses to change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select

from app.domain.audit import Actor
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId, is_id
from app.domain.procedure import (
    EntryKind,
    JournalEntry,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    StepData,
    StepName,
)
from app.platform.locks import (
    FileLock,
    LockHeld,
    OwnerState,
    read_owner,
)
from app.storage.columns import json_text
from app.storage.database import Database
from app.storage.rows import plain, readable
from app.storage.tables import procedure, procedure_entry

Journaled = tuple[ProcedureInfo, Sequence[JournalEntry]]


class SqlProcedureJournal:
    """Implements `ProcedureJournal`.

    An entry that is not the next one raises `Problem(NOT_POSSIBLE_NOW)`: another program moved the procedure meanwhile.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, head: ProcedureInfo, first: JournalEntry) -> None:
        await self._database.run(_begin, head, first)

    async def append(self, entry: JournalEntry) -> None:
        await self._database.run(_append, entry)

    async def for_mentorado(self, procedure_id: ProcedureId) -> Journaled:
        found = await self._database.read(_journal_of, procedure_id)
        if not found:
            raise Problem(ProblemCode.PROCEDURE_UNKNOWN)
        return found[0]

    async def unfinished(self) -> Sequence[Journaled]:
        return await self._database.read(_unfinished)

    async def order(self, mentorado_id: MentoradoId) -> Mapping[ProcedureId, int]:
        return await self._database.read(_order, mentorado_id)

    async def latest(self, mentorado_id: MentoradoId, limit: int = 20) -> Sequence[Journaled]:
        return await self._database.read(_latest, mentorado_id, limit)


def _begin(connection: Connection, head: ProcedureInfo, first: JournalEntry) -> None:
    connection.execute(
        procedure.insert().values(
            id=head.id,
            kind=head.kind.value,
            mentorado_id=head.mentorado_id,
            user=head.actor.user,
            operator=head.actor.operator,
            began_at=head.began_at,
            facts=json_text(head.facts),
        )
    )
    _append(connection, first)


def _append(connection: Connection, entry: JournalEntry) -> None:
    theirs = procedure_entry.select().where(procedure_entry.c.procedure_id == entry.procedure_id)
    last = connection.execute(theirs.order_by(procedure_entry.c.number.desc()).limit(1)).one_or_none()
    if entry.number != (last.number + 1 if last else 1) or (last and last.kind == EntryKind.ENDED.value):
        raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="moved elsewhere")
    connection.execute(
        procedure_entry.insert().values(
            procedure_id=entry.procedure_id,
            number=entry.number,
            at=entry.at,
            kind=entry.kind.value,
            step=entry.step and entry.step.value,
            facts=json_text(entry.facts),
        )
    )


def _journal_of(connection: Connection, procedure_id: ProcedureId) -> list[Journaled]:
    return _read_journals(connection, procedure.select().where(procedure.c.id == procedure_id))


def _unfinished(connection: Connection) -> list[Journaled]:
    ends = procedure_entry.select().where(
        procedure_entry.c.procedure_id == procedure.c.id, procedure_entry.c.kind == EntryKind.ENDED.value
    )
    return _read_journals(connection, procedure.select().where(~ends.exists()).order_by(procedure.c.number))


def _latest(connection: Connection, mentorado_id: MentoradoId, limit: int) -> list[Journaled]:
    theirs = procedure.select().where(procedure.c.mentorado_id == mentorado_id)
    return _read_journals(connection, theirs.order_by(procedure.c.number.desc()).limit(limit))


def _order(connection: Connection, mentorado_id: MentoradoId) -> dict[ProcedureId, int]:
    theirs = procedure.select().where(procedure.c.mentorado_id == mentorado_id)
    return {
        row.id: row.number for row in connection.execute(theirs.with_only_columns(procedure.c.id, procedure.c.number))
    }


def _read_journals(connection: Connection, heads: Select[Any]) -> list[Journaled]:
    def journal_from_row(row: Any) -> Journaled:
        entries = procedure_entry.select().where(procedure_entry.c.procedure_id == row.id)
        journal = connection.execute(entries.order_by(procedure_entry.c.number))
        return _head(row), [_entry(line) for line in journal]  # of a procedure all is known, or nothing

    return list(readable("procedure", connection.execute(heads).all(), journal_from_row))


def _head(row: Any) -> ProcedureInfo:
    return ProcedureInfo(
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


def _facts(written: object) -> StepData:
    """Parse facts. Raises `ValueError` for anything else."""
    known = json.loads(plain(written))
    if not isinstance(known, dict) or not all(isinstance(value, str) for value in known.values()):
        raise ValueError("not facts")
    return known


class FileProcedureLocks:
    """Implements `ProcedureLocks` by a file for each procedure that is moved, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[ProcedureId, FileLock] = {}

    def take(self, procedure_id: ProcedureId, *, overrule: bool = False) -> None:
        if procedure_id in self._held:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held[procedure_id] = FileLock.take(self._path(procedure_id), overrule=overrule)
        except LockHeld as held:
            owner = held.owner.label() if held.owner else ""
            raise Problem(ProblemCode.PROCEDURE_HELD, owner=owner) from held
        except OSError as error:
            raise Problem(
                ProblemCode.BACKUP_FOLDER_UNUSABLE, path=str(self._folder), detail=error.strerror or ""
            ) from error

    def release(self, procedure_id: ProcedureId) -> None:
        lock = self._held.pop(procedure_id, None)
        if lock is not None:
            with suppress(OSError):  # nobody else uses the name of this procedure, so the file may go with it
                lock.path.unlink()
            lock.release()

    def holder(self, procedure_id: ProcedureId) -> str:
        owner = read_owner(self._path(procedure_id))
        dead = owner is None or owner.is_this_process() or owner.state() is OwnerState.DEAD
        return "" if dead or owner is None else owner.label()

    def _path(self, procedure_id: ProcedureId) -> Path:
        if not is_id(procedure_id):
            raise ValueError("not an id; it must never become a path")
        return self._folder / f"{procedure_id}.lock"
