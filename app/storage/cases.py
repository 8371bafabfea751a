"""The cases, on disk."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, String, cast, exists, select

from app.domain.cases import Case, CaseId, CaseKind, CaseNote, Unsettled
from app.domain.consent import ConsentChange, ConsentSource
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.outbound import OutboundState
from app.domain.phone import masked
from app.storage.consents import restored_numbers
from app.storage.database import Database
from app.storage.rows import plain, readable
from app.storage.tables import case_note, consent_contact, consent_entry, link, outbound_message, support_case


class SqlCases:
    """Implements `CaseRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_cases(self) -> Sequence[Case]:
        return await self._database.read(_open_cases)

    async def closed_cases(self, limit: int = 200) -> Sequence[Case]:
        return await self._database.read(_closed_cases, limit)

    async def add(self, case: Case) -> bool:
        return await self._database.run(_add, case)

    async def save(self, case: Case, note: CaseNote | None) -> None:
        await self._database.run(_save, case, note)

    async def unsettled(self) -> Sequence[Unsettled]:
        return await self._database.read(_unsettled)


def _open_cases(connection: Connection) -> list[Case]:
    wanted = support_case.select().where(support_case.c.closed_at.is_(None))
    return _cases(connection, wanted.order_by(support_case.c.due_at, support_case.c.opened_at))


def _closed_cases(connection: Connection, limit: int) -> list[Case]:
    wanted = support_case.select().where(support_case.c.closed_at.is_not(None))
    return _cases(connection, wanted.order_by(support_case.c.closed_at.desc()).limit(limit))


def _cases(connection: Connection, wanted: Select[Any]) -> list[Case]:
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
    this = (support_case.c.id == case.id, support_case.c.closed_at.is_(None))
    values = {"owner": case.owner, "due_at": case.due_at, "closed_at": case.closed_at}
    if connection.execute(support_case.update().where(*this).values(**values)).rowcount == 0:
        raise Problem(ProblemCode.CASE_CLOSED)
    if note is not None:
        written = {"at": note.at, "author": note.author, "text": note.text}
        connection.execute(case_note.insert().values(case_id=case.id, **written))


def _unsettled(connection: Connection) -> list[Unsettled]:
    whose = support_case.c.mentorado_id == link.c.mentorado_id
    of_kind = support_case.c.kind == CaseKind.UNCERTAIN_MESSAGE.value
    had = (of_kind, support_case.c.subject == outbound_message.c.reference)
    query = select(outbound_message, link.c.mentorado_id).join(link, link.c.id == outbound_message.c.link_id)
    query = query.where(outbound_message.c.state == OutboundState.UNCERTAIN.value, ~exists().where(whose, *had))
    messages = [
        (
            CaseKind.UNCERTAIN_MESSAGE,
            MentoradoId(row.mentorado_id),
            plain(row.reference),
            {"purpose": plain(row.purpose)},
            row.reserved_at,
        )
        for row in connection.execute(query.order_by(outbound_message.c.number))
    ]
    number = cast(consent_entry.c.number, String)
    settled = exists().where(
        support_case.c.mentorado_id == consent_entry.c.mentorado_id,
        support_case.c.kind == CaseKind.OPTED_OUT.value,
        support_case.c.subject == number,
    )
    by_themselves = consent_entry.c.source.in_([ConsentSource.MESSAGE.value, ConsentSource.PROVIDER.value])
    gone = consent_entry.c.change == ConsentChange.OPTED_OUT.value
    name = (consent_contact.c.mentorado_id == consent_entry.c.mentorado_id) & (
        consent_contact.c.contact == consent_entry.c.contact
    )
    opted_out = select(consent_entry, consent_contact.c.value).outerjoin(consent_contact, name)
    restored = restored_numbers(connection)  # somebody looked after it before that backup was made, or nobody can now
    found = connection.execute(opted_out.where(gone, by_themselves, ~settled).order_by(consent_entry.c.number))
    rows = [row for row in found if not any(row.number in each for each in restored)]
    return messages + [
        (
            CaseKind.OPTED_OUT,
            MentoradoId(row.mentorado_id),
            str(row.number),
            {"contact": masked(plain(row.value))},
            row.at,
        )
        for row in rows
    ]
