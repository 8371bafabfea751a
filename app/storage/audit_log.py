"""What people did, in a chain on disk that the database itself refuses to change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from app.domain.audit import (
    FIRST_HASH,
    Actor,
    AuditEntry,
    AuditOutcome,
    AuditRecord,
    ChainBreak,
    Verification,
    chain_entry,
    is_intact,
    seal,
    seal_holds,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.storage.audit_integrity import AuditHeads, AuditSeals
from app.storage.columns import json_text
from app.storage.database import WITH_CHANGES, BesideChanges, Database
from app.storage.tables import audit

_BATCH = 2_000
_MOST: Final = 2**63 - 1
"""The last number that SQLite can store."""


class SqlAuditLog:
    """Implements `AuditLog`.

    Who may write to the file can take its triggers away, and `verify` then tells the first entry that was altered,
    removed, moved or added. Entries removed from the end are told by the head, which is kept in a table of its own.
    A chain that was worked out anew with its head, and a file that was exchanged for an older or an empty one, are told
    by *heads*, the file beside it. Who can rewrite both is told by *seals*: a key and the last entry outside the data
    folder; without those, only by a number and hash that were noted elsewhere: in a backup, or by a person.
    """

    def __init__(self, database: Database, heads: AuditHeads | None = None, seals: AuditSeals | None = None) -> None:
        self._database = database
        self._heads = heads
        self._seals = seals

    async def record(self, record: AuditRecord) -> AuditEntry:
        await self._prepare()
        key = self._key
        entry = await self._database.run(_record, record, key)
        self._note(entry)
        return entry

    def _note(self, entry: AuditEntry) -> None:
        if self._heads is not None:
            self._heads.append(entry)
        if self._seals is not None:
            self._seals.remember(entry, self._hash_of)

    @property
    def _key(self) -> bytes | None:
        return None if self._seals is None else self._seals.key

    async def _prepare(self) -> None:
        if self._seals is not None:
            await self._seals.prepare()

    async def _hash_of(self, number: int) -> str | None:
        query = "SELECT hash FROM audit WHERE number = ?"
        return await self._database.read(lambda connection: connection.exec_driver_sql(query, (number,)).scalar())

    def begin_anew(self) -> None:
        """Start over after the database was replaced: set aside what was noted outside the former one."""
        if self._heads is not None:
            self._heads.set_aside()
        if self._seals is not None:
            self._seals.begin_anew()

    async def settled(self) -> None:
        """Before the database is closed: wait a little until the last entry is remembered outside it."""
        if self._seals is not None:
            await self._seals.settled()

    @contextmanager
    def with_changes(self, make_record: Callable[[int], AuditRecord | None]) -> Iterator[None]:
        def write(connection: Connection, count: int) -> None:
            record = make_record(count)
            if record is not None:
                entries.append(_record(connection, record, self._key))

        entries: list[AuditEntry] = []
        before = WITH_CHANGES.set(BesideChanges(self._prepare, write))
        try:
            yield
        finally:
            WITH_CHANGES.reset(before)
        for entry in entries:  # not after a transaction that failed: the next entry is noted anyway
            self._note(entry)

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        return await self._database.read(_entries, mentorado_id, before, limit)

    async def verify(self) -> ChainBreak | None:
        return (await self.verification()).broken

    async def verification(self) -> Verification:
        noted = {} if self._heads is None else await asyncio.to_thread(self._heads.known)
        remembered = None if self._seals is None else await self._seals.prepare_verification()
        walk = _Walk(noted, remembered, self._key)
        return await self._database.read(walk.verification)

    async def head(self) -> tuple[int, str]:
        return await self._database.read(_head)


def _record(connection: Connection, record: AuditRecord, key: bytes | None) -> AuditEntry:
    """The number and hash before come from the head: after a removal at the end, the gap stays to be seen."""
    head = _readable_head(connection)
    if head is None:
        raise Problem(ProblemCode.AUDIT_UNREADABLE)
    in_utc = replace(record, at=record.at.astimezone(UTC))  # as it is read again; the zone is part of what is hashed
    entry = chain_entry(head[0] + 1, in_utc, head[1])
    mac = None if key is None else seal(key, entry.number, entry.hash)
    try:
        connection.execute(audit.insert().values(**(_row(entry) | {"at": in_utc.at, "mac": mac})))
    except IntegrityError as error:
        if "audit.number" not in str(error.orig):
            raise
        # The head was set back.
        raise Problem(ProblemCode.AUDIT_UNREADABLE) from error
    return entry


def _readable_head(connection: Connection) -> tuple[int, str] | None:
    """The number and hash of the last entry; None where no version writes what stands there."""
    try:
        head = connection.exec_driver_sql("SELECT number, hash FROM audit_head").one_or_none()
    except OperationalError:  # the table is gone
        return None
    if head is None or not isinstance(head.number, int) or not isinstance(head.hash, str):
        return None
    return None if not 0 <= head.number < _MOST else (head.number, head.hash)


def _entries(
    connection: Connection, mentorado_id: MentoradoId | None, before: int | None, limit: int
) -> list[AuditEntry]:
    wanted = audit.select().order_by(audit.c.number.desc()).limit(limit)
    if mentorado_id is not None:
        wanted = wanted.where(audit.c.mentorado_id == mentorado_id)
    if before is not None:
        wanted = wanted.where(audit.c.number < before)
    rows = connection.execute(wanted).mappings()
    try:
        return [_readable_entry({**row, "at": row["at"].isoformat()}) for row in rows]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Problem(ProblemCode.AUDIT_UNREADABLE) from error  # left out in silence, an altered log would look whole


def _readable_entry(row: Mapping[str, Any]) -> AuditEntry:
    """Convert a row. Raises `ValueError` for one that cannot be shown."""
    entry = _entry(row)
    lines = (*entry.record.before.items(), *entry.record.after.items())
    texts = (row[name] for name in ("user", "operator", "action", "subject", "reason", "hash", "previous_hash"))
    if not all(isinstance(text, str) for text in (*texts, *(part for pair in lines for part in pair))):
        raise ValueError("not texts")
    return entry


def _head(connection: Connection) -> tuple[int, str]:
    return _readable_head(connection) or (0, FIRST_HASH)


class _Walk:
    """Verifies the whole chain: each entry, its link to the one before, and its copy outside the database."""

    def __init__(self, noted: Mapping[int, str], remembered: tuple[int, str] | None, key: bytes | None) -> None:
        self._noted = noted
        self._remembered = remembered
        self._key = key
        self._number = 0
        self._hash = FIRST_HASH
        self._sealed: list[int] = []  # the first and the last
        self._foreign = False

    def verification(self, connection: Connection) -> Verification:
        broken = self._broken(connection)
        first, last = self._sealed or (None, None)
        return Verification(
            broken=broken,
            number=self._number,
            sealed_from=first,
            sealed_to=last,
            foreign_seals=self._foreign,
            remembered=None if self._remembered is None else self._remembered[0],
            noted_from=min(self._noted, default=None),
            noted_to=max(self._noted, default=None),
        )

    def _broken(self, connection: Connection) -> ChainBreak | None:
        for row in _iterate_raw(connection):
            if found := self._step(row):
                return ChainBreak(number=self._number, found=found)
        if broken := _find_missing_end(connection, self._number, self._hash):
            return broken
        if max(self._noted, default=0) > self._number:
            return ChainBreak(number=self._number + 1, found="noted outside the database and missing")
        if self._remembered is not None and self._remembered[0] > self._number:
            return ChainBreak(number=self._number + 1, found="older than what the keyring remembers")
        return None

    def _step(self, row: dict[str, Any]) -> str:
        """Verify the next entry; returns the error, or an empty text."""
        mac = row.pop("mac")
        self._number += 1
        if row["number"] != self._number:
            return "missing"
        try:
            entry = _entry(row)
            intact = is_intact(entry) and _row(entry) == row  # equal by value is not enough: it is as it was written
        except (ValueError, TypeError, AttributeError):
            intact = False
        if not intact:
            return "altered"
        if entry.previous_hash != self._hash:
            return "not what follows the entry before"
        self._hash = entry.hash
        return self._outside_hash(entry, mac)

    def _outside_hash(self, entry: AuditEntry, mac: object) -> str:
        """Compare with what is stored outside the database; returns the error, or an empty text."""
        if self._noted.get(entry.number, entry.hash) != entry.hash:
            return "not what was noted outside the database"
        if self._remembered is not None and self._remembered[0] == entry.number and self._remembered[1] != entry.hash:
            return "not what the keyring remembers"
        if mac is None:
            return ""
        sealed = seal_holds(self._key, entry.number, entry.hash, mac)
        if sealed is False:
            return "not what the key sealed"
        if sealed:
            self._sealed = [*self._sealed[:1], entry.number] if self._sealed else [entry.number] * 2
        self._foreign = self._foreign or sealed is None
        return ""


def _find_missing_end(connection: Connection, number: int, last_hash: str) -> ChainBreak | None:
    head = _readable_head(connection)
    if head is None:
        return ChainBreak(number=number + 1, found="the head is missing")
    if head[0] > number:
        return ChainBreak(number=number + 1, found="missing")
    if head[0] < number:
        return ChainBreak(number=head[0] + 1, found="added behind the head")
    if head[1] != last_hash:
        return ChainBreak(number=number, found="not what the head says")
    stray = connection.exec_driver_sql("SELECT max(number) FROM audit WHERE number < 1").scalar()
    return None if stray is None else ChainBreak(number=stray, found="added before the first")


def _iterate_raw(connection: Connection) -> Iterator[dict[str, Any]]:
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
    record = entry.record
    return {
        "number": entry.number,
        "at": record.at.isoformat(timespec="microseconds"),
        "user": record.actor.user,
        "operator": record.actor.operator,
        "action": record.action,
        "mentorado_id": record.mentorado_id,
        "subject": record.subject,
        "before": json_text(record.before),
        "after": json_text(record.after),
        "outcome": record.outcome.value,
        "reason": record.reason,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    record = AuditRecord(
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
    return AuditEntry(number=row["number"], record=record, previous_hash=row["previous_hash"], hash=row["hash"])
