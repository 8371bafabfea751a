"""The cases, on disk.

What needs SQLAlchemy imports it when there is work: only the worker thread may load it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.domain.cases import Case, CaseId, CaseKind, CaseNote
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.outbound import OutboundState
from app.storage.database import Database, plain, readable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select


class SqlCases:
    """Implements `CaseRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_cases(self) -> Sequence[Case]:
        return await self._database.read(_open_cases)

    async def closed_cases(self, limit: int = 200) -> Sequence[Case]:
        return await self._database.read(lambda connection: _closed_cases(connection, limit))

    async def add(self, case: Case) -> bool:
        return await self._database.run(lambda connection: _add(connection, case))

    async def save(self, case: Case, note: CaseNote | None) -> None:
        await self._database.run(lambda connection: _save(connection, case, note))

    async def unsettled(self) -> Sequence[tuple[MentoradoId, str, Mapping[str, str], datetime]]:
        return await self._database.read(_unsettled)


def _open_cases(connection: Connection) -> list[Case]:
    from app.storage.tables import support_case

    wanted = support_case.select().where(support_case.c.closed_at.is_(None))
    return _cases(connection, wanted.order_by(support_case.c.due_at, support_case.c.opened_at))


def _closed_cases(connection: Connection, limit: int) -> list[Case]:
    from app.storage.tables import support_case

    wanted = support_case.select().where(support_case.c.closed_at.is_not(None))
    return _cases(connection, wanted.order_by(support_case.c.closed_at.desc()).limit(limit))


def _cases(connection: Connection, wanted: Select[Any]) -> list[Case]:
    from app.storage.tables import case_note

    rows = connection.execute(wanted).all()
    notes: defaultdict[str, list[CaseNote]] = defaultdict(list)
    theirs = case_note.select().where(case_note.c.case_id.in_([row.id for row in rows]))
    for note in connection.execute(theirs.order_by(case_note.c.number)):
        notes[note.case_id].append(CaseNote(at=note.at, author=plain(note.author), text=plain(note.text)))

    def made(row: Row[Any]) -> Case:
        return Case(
            id=CaseId(row.id),
            mentorado_id=MentoradoId(row.mentorado_id),
            kind=CaseKind(row.kind),
            subject=plain(row.subject),
            opened_at=row.opened_at,
            due_at=row.due_at,
            evidence={str(name): str(value) for name, value in json.loads(row.evidence).items()},
            owner=plain(row.owner),
            closed_at=row.closed_at,
            notes=tuple(notes[row.id]),
        )

    return list(readable("support_case", rows, made))


def _add(connection: Connection, case: Case) -> bool:
    from app.storage.tables import support_case

    same = (
        support_case.c.mentorado_id == case.mentorado_id,
        support_case.c.kind == case.kind.value,
        support_case.c.subject == case.subject,
        support_case.c.closed_at.is_(None),
    )
    if connection.execute(support_case.select().where(*same)).first() is not None:
        return False
    connection.execute(
        support_case.insert().values(
            id=case.id,
            mentorado_id=case.mentorado_id,
            kind=case.kind.value,
            subject=case.subject,
            opened_at=case.opened_at,
            due_at=case.due_at,
            evidence=json.dumps(dict(case.evidence), ensure_ascii=False),
            owner=case.owner,
            closed_at=case.closed_at,
        )
    )
    return True


def _save(connection: Connection, case: Case, note: CaseNote | None) -> None:
    from app.storage.tables import case_note, support_case

    this = (support_case.c.id == case.id, support_case.c.closed_at.is_(None))
    values = {"owner": case.owner, "due_at": case.due_at, "closed_at": case.closed_at}
    if connection.execute(support_case.update().where(*this).values(**values)).rowcount == 0:
        raise Problem(ProblemCode.CASE_CLOSED)
    if note is not None:
        written = {"at": note.at, "author": note.author, "text": note.text}
        connection.execute(case_note.insert().values(case_id=case.id, **written))


def _unsettled(connection: Connection) -> list[tuple[MentoradoId, str, Mapping[str, str], datetime]]:
    from sqlalchemy import exists, select

    from app.storage.tables import link, outbound_message, support_case

    settled = exists().where(
        support_case.c.mentorado_id == link.c.mentorado_id,
        support_case.c.kind == CaseKind.UNCERTAIN_MESSAGE.value,
        support_case.c.subject == outbound_message.c.reference,
    )
    query = select(outbound_message, link.c.mentorado_id).join(link, link.c.id == outbound_message.c.link_id)
    query = query.where(outbound_message.c.state == OutboundState.UNCERTAIN.value, ~settled)
    return [
        (MentoradoId(row.mentorado_id), plain(row.reference), {"purpose": plain(row.purpose)}, row.reserved_at)
        for row in connection.execute(query.order_by(outbound_message.c.number))
    ]
