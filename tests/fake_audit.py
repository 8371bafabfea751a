"""The audit log in memory, and who acts in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.write_queue import WriteQueue
from app.domain.audit import (
    FIRST_HASH,
    Actor,
    AuditAction,
    AuditEntry,
    AuditOutcome,
    AuditRecord,
    ChainBreak,
    Verification,
    chain_entry,
)
from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.repositories import AuditLog
from tests.clock import ManualClock

_COUNTED: ContextVar[list[int]] = ContextVar("_COUNTED")


def counted(rows: int) -> int:
    """Of what is played inside `Audit.with_changes`, and is all one transaction: so many rows went or came."""
    _COUNTED.get([]).append(rows)
    return rows


class FakeAuditLog:
    """The audit chain in memory."""

    def __init__(self) -> None:
        self.entries_: list[AuditEntry] = []
        self.problem: Problem | None = None

    def begin_anew(self) -> None:
        """There is nothing outside the database to forget."""

    async def settled(self) -> None:
        """Everything is written at once."""

    @contextmanager
    def with_changes(self, make_record: Callable[[int], AuditRecord | None]) -> Iterator[None]:
        """As if what is done inside were one transaction, which begins with the entry that may be refused."""
        if self.problem is not None:
            raise self.problem
        rows: list[int] = []
        before = _COUNTED.set(rows)
        try:
            yield
        finally:
            _COUNTED.reset(before)
        if record := make_record(sum(rows)):
            self._append(record)

    async def record(self, record: AuditRecord) -> AuditEntry:
        if self.problem is not None:
            raise self.problem
        return self._append(record)

    @property
    def outcomes(self) -> list[AuditEntry]:
        """What became of acts, without their beginnings, and without who was enrolled for a test."""
        entries = [entry for entry in self.entries_ if entry.record.outcome is not AuditOutcome.BEGUN]
        return [entry for entry in entries if entry.record.action != AuditAction.ADD_MENTORADO]

    def _append(self, record: AuditRecord) -> AuditEntry:
        last = self.entries_[-1].hash if self.entries_ else FIRST_HASH
        self.entries_.append(entry := chain_entry(len(self.entries_) + 1, record, last))
        return entry

    async def entries(
        self, *, mentorado_id: MentoradoId | None = None, before: int | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        wanted = [
            entry
            for entry in reversed(self.entries_)
            if (mentorado_id is None or entry.record.mentorado_id == mentorado_id)
            and (before is None or entry.number < before)
        ]
        return wanted[:limit]

    async def head(self) -> tuple[int, str]:
        return (self.entries_[-1].number, self.entries_[-1].hash) if self.entries_ else (0, FIRST_HASH)

    async def verification(self) -> Verification:
        return Verification(broken=await self.verify(), number=len(self.entries_))

    async def verify(self) -> ChainBreak | None:
        return None


def somebody() -> Actor:
    """Who does everything in a test."""
    return Actor(user="staff")


def audit_service_of(audit: AuditLog) -> AuditService:
    """One that writes into *audit*, for parts that never have it wait."""
    clock, bus = ManualClock(), EventBus()
    write_queue = WriteQueue(bus=bus, clock=clock)
    return AuditService(bus=bus, audit=audit, write_queue=write_queue, clock=clock, actor=somebody)
