"""What people did, in a chain on disk that the database itself refuses to change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domain.audit import FIRST_HASH, Actor, AuditEntry, AuditOutcome, BrokenLink, Deed, chained, holds
from app.domain.errors import Code, Problem
from app.domain.mentorado import MentoradoId
from app.storage.audit_heads import AuditHeads
from app.storage.database import WITH_CHANGES, Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH = 2_000


class SqlAudit:
    """Implements `app.domain.ports.Audit`.

    Who may write to the file can take its triggers away, and `verify` then tells the first entry that was altered,
    removed, moved or added. Entries removed from the end are told by the head, which is kept in a table of its own.
    A chain that was worked out anew with its head, and a file that was exchanged for an older or an empty one, are told
    by *heads*, the file beside it. Who can rewrite both is told only by a number and hash that were noted elsewhere:
    in a backup, or by a person.
    """

    def __init__(self, database: Database, heads: AuditHeads | None = None) -> None:
        self._database = database
        self._heads = heads

    async def record(self, deed: Deed) -> AuditEntry:
        entry = await self._database.run(lambda connection: _record(connection, deed))
        self._note(entry)
        return entry

    def _note(self, entry: AuditEntry) -> None:
        if self._heads is not None:
            self._heads.append(entry)

    @contextmanager
    def with_changes(self, deed_of: Callable[[int], Deed | None]) -> Iterator[None]:
        def write(connection: Connection, count: int) -> None:
            deed = deed_of(count)
            if deed is not None:
                entries.append(_record(connection, deed))

        entries: list[AuditEntry] = []
        before = WITH_CHANGES.set(write)
        try:
            yield
        finally:
            WITH_CHANGES.reset(before)
        for entry in entries:  # not after a transaction that failed: the next entry is noted anyway
            self._note(entry)

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        return await self._database.read(lambda connection: _entries(connection, mentorado_id, before, limit))

    async def verify(self) -> BrokenLink | None:
        noted = {} if self._heads is None else await asyncio.to_thread(self._heads.known)
        return await self._database.read(lambda connection: _verify(connection, noted))

    async def head(self) -> tuple[int, str]:
        return await self._database.read(_head)


def _record(connection: Connection, deed: Deed) -> AuditEntry:
    """The number and hash before come from the head: after a removal at the end, the gap stays to be seen."""
    from app.storage.tables import audit, audit_head

    head = connection.execute(audit_head.select()).one()
    in_utc = replace(deed, at=deed.at.astimezone(UTC))  # as it is read again; the zone is part of what is hashed
    entry = chained(head.number + 1, in_utc, head.hash)
    connection.execute(audit.insert().values(**(_row(entry) | {"at": in_utc.at})))
    return entry


def _entries(
    connection: Connection, mentorado_id: MentoradoId | None, before: int | None, limit: int
) -> list[AuditEntry]:
    from app.storage.tables import audit

    wanted = audit.select().order_by(audit.c.number.desc()).limit(limit)
    if mentorado_id is not None:
        wanted = wanted.where(audit.c.mentorado_id == mentorado_id)
    if before is not None:
        wanted = wanted.where(audit.c.number < before)
    rows = connection.execute(wanted).mappings()
    try:
        return [_shown({**row, "at": row["at"].isoformat()}) for row in rows]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Problem(Code.AUDIT_UNREADABLE) from error  # left out in silence, an altered log would look whole


def _shown(row: Mapping[str, Any]) -> AuditEntry:
    """Raises `ValueError` for what nobody could show."""
    entry = _entry(row)
    said = (*entry.deed.before.items(), *entry.deed.after.items())
    texts = (row[name] for name in ("user", "operator", "action", "subject", "reason", "hash", "previous_hash"))
    if not all(isinstance(text, str) for text in (*texts, *(part for pair in said for part in pair))):
        raise ValueError("not texts")
    return entry


def _head(connection: Connection) -> tuple[int, str]:
    from app.storage.tables import audit_head

    head = connection.execute(audit_head.select()).one_or_none()
    return (0, FIRST_HASH) if head is None else (head.number, head.hash)


def _verify(connection: Connection, noted: Mapping[int, str]) -> BrokenLink | None:
    number, previous_hash = 0, FIRST_HASH
    for row in _walk(connection):
        number += 1
        if row["number"] != number:
            return BrokenLink(number=number, found="missing")
        try:
            entry = _entry(row)
            intact = holds(entry) and _row(entry) == row  # equal by value is not enough: it is as it was written
        except (ValueError, TypeError, AttributeError):
            intact = False
        if not intact:
            return BrokenLink(number=number, found="altered")
        if entry.previous_hash != previous_hash:
            return BrokenLink(number=number, found="not what follows the entry before")
        if noted.get(number, entry.hash) != entry.hash:
            return BrokenLink(number=number, found="not what was noted outside the database")
        previous_hash = entry.hash
    if broken := _ends(connection, number, previous_hash):
        return broken
    if max(noted, default=0) > number:
        return BrokenLink(number=number + 1, found="noted outside the database and missing")
    return None


def _ends(connection: Connection, number: int, last_hash: str) -> BrokenLink | None:
    from app.storage.tables import audit_head

    head = connection.execute(audit_head.select()).one_or_none()
    if head is None:
        return BrokenLink(number=number + 1, found="the head is missing")
    if head.number > number:
        return BrokenLink(number=number + 1, found="missing")
    if head.number < number:
        return BrokenLink(number=head.number + 1, found="added behind the head")
    if head.hash != last_hash:
        return BrokenLink(number=number, found="not what the head says")
    stray = connection.exec_driver_sql("SELECT max(number) FROM audit WHERE number < 1").scalar()
    return None if stray is None else BrokenLink(number=stray, found="added before the first")


def _walk(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every entry from number 1 on, as it is in the file: reading through the table's types would tidy it up."""
    after: int = 0
    while True:
        page = "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?"
        rows = connection.exec_driver_sql(page, (after, _BATCH)).mappings().all()
        if not rows:
            return
        yield from map(dict, rows)
        after = rows[-1]["number"]


def _row(entry: AuditEntry) -> dict[str, Any]:
    deed = entry.deed
    return {
        "number": entry.number,
        "at": deed.at.isoformat(timespec="microseconds"),
        "user": deed.actor.user,
        "operator": deed.actor.operator,
        "action": deed.action,
        "mentorado_id": deed.mentorado_id,
        "subject": deed.subject,
        "before": _json(deed.before),
        "after": _json(deed.after),
        "outcome": deed.outcome.value,
        "reason": deed.reason,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    deed = Deed(
        at=datetime.fromisoformat(row["at"]),
        actor=Actor(user=row["user"], operator=row["operator"]),
        action=row["action"],
        mentorado_id=row["mentorado_id"],
        subject=row["subject"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
        outcome=AuditOutcome(row["outcome"]),
        reason=row["reason"],
    )
    return AuditEntry(number=row["number"], deed=deed, previous_hash=row["previous_hash"], hash=row["hash"])


def _json(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True)
