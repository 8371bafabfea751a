"""Sees to it that what people do is written down: by whom, when, before, after, and with what outcome.

Three ways, by what the act changes:

- the database: `with_changes`, and act and entry are one transaction;
- anything else: `around`, which writes that it begins before it begins, and afterwards what became of it;
- nothing, because somebody declined, or it is over and was found only now: `record`, which does not wait.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

from app.core.write_queue import WriteQueue
from app.domain.audit import Actor, AuditOutcome, AuditRecord
from app.domain.errors import Problem
from app.domain.link_status import LinkStatus
from app.domain.mentorado import Mentorado
from app.domain.phone import masked
from app.domain.repositories import AuditLog, Clock

log = logging.getLogger(__name__)

Values = Mapping[str, str]


class AuditService:
    """Turns deeds into audit entries. The scribe keeps them in order and keeps them while the disk cannot."""

    def __init__(self, *, audit: AuditLog, write_queue: WriteQueue, clock: Clock, actor: Callable[[], Actor]) -> None:
        self._audit = audit
        self._write_queue = write_queue
        self._clock = clock
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """Who is at the keyboard now."""
        return self._actor()

    async def flush(self) -> None:
        """Wait until everything recorded so far is on disk."""
        await self._write_queue.flush()

    def with_changes(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Values | Callable[[int], Values] | None = None,
        reason: str = "",
        at: datetime | None = None,
    ) -> AbstractContextManager[None]:
        """The next transaction inside it holds the entry too. *after* may depend on how many rows went or came; *at* is
        for an act that moves the clock itself."""
        record = self._record(action, mentorado, before, reason=reason)
        left = [record if at is None else replace(record, at=at)]
        made = after if callable(after) else lambda _count: after or {}
        return self._audit.with_changes(lambda count: replace(left.pop(), after=made(count)) if left else None)

    def with_each_change(self, action: str, after: Callable[[int], Values]) -> AbstractContextManager[None]:
        """Each transaction inside it that takes or brings rows holds an entry of that many."""
        record = self._record(action)
        return self._audit.with_changes(lambda count: replace(record, after=after(count)) if count else None)

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

    async def write(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Values | None = None,
        outcome: AuditOutcome = AuditOutcome.DONE,
        reason: str = "",
    ) -> None:
        """Write down, and return when it is on disk. Raises `Problem`; what has happened is tried again even so."""
        record = self._record(action, mentorado, before, after, outcome, reason)
        try:
            await self._audit.record(record)
        except Problem:
            if outcome is not AuditOutcome.BEGUN:
                self._write_queue.add(lambda: self._audit.record(record))
            raise

    async def write_or_queue(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Values | None = None,
        outcome: AuditOutcome,
        reason: str = "",
    ) -> None:
        """Write down now, or as soon as the disk allows: for what failed, whose own error must not be hidden."""
        with suppress(Problem):
            await self.write(action, mentorado, before=before, after=after, outcome=outcome, reason=reason)

    def record(
        self,
        action: str,
        mentorado: Mentorado | None = None,
        *,
        before: Values | None = None,
        after: Values | None = None,
        outcome: AuditOutcome = AuditOutcome.DONE,
        reason: str = "",
    ) -> None:
        """Have it written down as soon as the disk allows."""
        record = self._record(action, mentorado, before, after, outcome, reason)
        self._write_queue.add(lambda: self._audit.record(record))

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
