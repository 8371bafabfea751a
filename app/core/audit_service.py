"""Records what operators do in the audit log: who, when, the values before and after, and the outcome.

How depends on what the act changes:

- the database: `with_changes` puts act and entry into one transaction;
- anything else: `around` writes an entry before the act, and one with its outcome after it;
- nothing (declined, or found out afterwards): `record`, which does not wait for the disk.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TypedDict, Unpack

from app.core.event_bus import EventBus
from app.core.write_queue import WriteQueue
from app.domain.audit import Actor, AuditOutcome, AuditRecord
from app.domain.errors import Problem
from app.domain.events import AuditRecorded
from app.domain.link_status import LinkStatus
from app.domain.mentorado import Mentorado
from app.domain.phone import masked
from app.domain.repositories import AuditLog, Clock

log = logging.getLogger(__name__)

Values = Mapping[str, str]


class EntryFields(TypedDict, total=False):
    """The optional fields of an entry."""

    before: Values | None
    after: Values | None
    outcome: AuditOutcome
    reason: str


class AuditService:
    """Writes audit entries. The write queue keeps their order, and keeps them while the disk cannot be written."""

    def __init__(
        self, *, bus: EventBus, audit: AuditLog, write_queue: WriteQueue, clock: Clock, actor: Callable[[], Actor]
    ) -> None:
        self._bus = bus
        self._audit = audit
        self._write_queue = write_queue
        self._clock = clock
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """The current user and operator."""
        return self._actor()

    async def flush(self) -> None:
        """Wait until everything recorded so far is on disk."""
        await self._write_queue.flush()

    @contextmanager
    def with_changes(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Values | Callable[[int], Values] | None = None,
        reason: str = "",
        at: datetime | None = None,
    ) -> Iterator[None]:
        """The next transaction inside it holds the entry too. *after* may depend on how many rows went or came; *at* is
        for an act that moves the clock itself."""
        record = self._record(action, mentorado, before, reason=reason)
        left = [record if at is None else replace(record, at=at)]
        made = after if callable(after) else lambda _count: after or {}
        with self._audit.with_changes(lambda count: replace(left.pop(), after=made(count)) if left else None):
            yield
        self._publish(record)

    @contextmanager
    def with_each_change(
        self, action: str, after: Callable[[int], Values], mentorado: Mentorado | None = None
    ) -> Iterator[None]:
        """Each transaction inside it that takes or brings rows holds an entry of that many."""
        record = self._record(action, mentorado)
        with self._audit.with_changes(lambda count: replace(record, after=after(count)) if count else None):
            yield
        self._publish(record)

    @asynccontextmanager
    async def around(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Callable[[], Values] = dict,
        reason: str = "",
    ) -> AsyncIterator[None]:
        """For an act outside the database. The entry that it begins is on disk before the block; the block ends well
        only when the entry of its outcome is. Raises `Problem` when either cannot be written.

        *after* is asked when the block ends, however it ends.
        """
        await self.write(action, mentorado, before=before, outcome=AuditOutcome.BEGUN, reason=reason)
        try:
            yield
        except BaseException as error:
            outcome, why = _failure(error)
            await self.write_or_queue(
                action, mentorado, before=before, after=after(), outcome=outcome, reason=reason or why
            )
            raise
        await self.write(action, mentorado, before=before, after=after(), reason=reason)

    async def write(self, action: str, mentorado: Mentorado | None = None, **fields: Unpack[EntryFields]) -> None:
        """Record, and return once it is on disk. Raises `Problem`; what has happened is queued again even so."""
        record = self._record(action, mentorado, **fields)
        try:
            await self._store(record)
        except Problem:
            if record.outcome is not AuditOutcome.BEGUN:
                self._write_queue.add(lambda: self._store(record))
            raise

    async def write_or_queue(
        self, action: str, mentorado: Mentorado | None = None, **fields: Unpack[EntryFields]
    ) -> None:
        """Record now, or as soon as the disk allows: for what failed, whose own error must not be hidden."""
        with suppress(Problem):
            await self.write(action, mentorado, **fields)

    def record(self, action: str, mentorado: Mentorado | None = None, **fields: Unpack[EntryFields]) -> None:
        """Record as soon as the disk allows."""
        record = self._record(action, mentorado, **fields)
        self._write_queue.add(lambda: self._store(record))

    async def _store(self, record: AuditRecord) -> None:
        await self._audit.record(record)
        self._publish(record)

    def _publish(self, record: AuditRecord) -> None:
        if record.outcome is not AuditOutcome.BEGUN:  # what came of it follows
            self._bus.publish(AuditRecorded(record.mentorado_id))

    def _record(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        before: Values | None = None,
        after: Values | None = None,
        outcome: AuditOutcome = AuditOutcome.DONE,
        reason: str = "",
    ) -> AuditRecord:
        record = AuditRecord(
            at=self._clock.now(),
            actor=self._actor(),
            action=action,
            mentorado_id=mentorado.id if mentorado else None,
            subject=mentorado.name if mentorado else "",
            before=before or {},
            after=after or {},
            outcome=outcome,
            reason=reason,
        )
        log.info("%s on %s: %s", action, record.mentorado_id, outcome)
        return record


def _failure(error: BaseException) -> tuple[AuditOutcome, str]:
    if isinstance(error, CancelledError):
        return AuditOutcome.DECLINED, "cancelled"
    return AuditOutcome.FAILED, error.code if isinstance(error, Problem) else ""


def status_snapshot(status: LinkStatus) -> dict[str, str]:
    """*status* as an audit entry has it."""
    known = {"state": status.state.value, "reason": status.reason.value}
    if status.account is not None:
        known["account"] = masked(status.account)
    return known
