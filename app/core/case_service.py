"""Opens cases for what a person must settle, and keeps what they do about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.write_queue import WriteQueue
from app.domain.audit import AuditAction
from app.domain.cases import DUE_AFTER, Case, CaseId, CaseKind, CaseNote, CaseRepository
from app.domain.errors import Problem, ProblemCode
from app.domain.events import (
    CasesChanged,
    ContactOptedOut,
    MessageUncertain,
    OutboundStopped,
    SmokeTestChanged,
    StatusChanged,
)
from app.domain.link_status import Reason, SmokeTestOutcome
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.phone import masked
from app.domain.redaction import redacted
from app.domain.repositories import Clock

_BANS = frozenset({Reason.BANNED, Reason.TEMPORARY_BAN, Reason.POLICY_RESTRICTED})


class CaseService:
    """One open case per matter, however often it happens. What people do is audited; closing needs a note."""

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        repository: CaseRepository,
        audit_service: AuditService,
        write_queue: WriteQueue,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._repository = repository
        self._audit_service = audit_service
        self._write_queue = write_queue
        self._clock = clock
        self._open: dict[CaseId, Case] = {}
        self._failed_tests: Counter[LinkId] = Counter()  # in a row
        bus.subscribe(OutboundStopped, self._on_stopped)
        bus.subscribe(MessageUncertain, self._on_uncertain)
        bus.subscribe(ContactOptedOut, self._on_opted_out)
        bus.subscribe(StatusChanged, self._on_status)
        bus.subscribe(SmokeTestChanged, self._on_smoke_test)

    @property
    def open_cases(self) -> Sequence[Case]:
        """The open cases, by due time."""
        return sorted(self._open.values(), key=lambda case: (case.due_at, case.opened_at))

    @property
    def operator(self) -> str:
        """The name under which the current operator takes a case."""
        return self._audit_service.actor.name

    async def load(self) -> None:
        """Read the open cases, and open those that a killed program did not get to. Raises `Problem`."""
        for kind, mentorado_id, subject, evidence, at in await self._repository.unsettled():
            await self._repository.add(self._case(mentorado_id, kind, subject, evidence, at))
        self._open = {case.id: case for case in await self._repository.open_cases()}
        self._bus.publish(CasesChanged())

    async def closed_cases(self) -> Sequence[Case]:
        """The latest first. Raises `Problem`."""
        return await self._repository.closed_cases()

    def open(
        self, kind: CaseKind, mentorado_id: MentoradoId, subject: str = "", evidence: Mapping[str, str] | None = None
    ) -> None:
        """Open a case as soon as the disk allows; does nothing while one of the same matter is open."""
        case = self._case(mentorado_id, kind, subject, evidence or {}, self._clock.now())
        self._write_queue.add(partial(self._add, case))

    async def take(self, case_id: CaseId) -> None:
        """Assign it to the current operator. Raises `Problem`, like all below."""
        await self.assign(case_id, self.operator)

    async def assign(self, case_id: CaseId, owner: str) -> None:
        """Assign it to *owner*, or to nobody when that is empty."""
        await self._change(case_id, AuditAction.ASSIGN_CASE, {"owner": owner}, owner=owner)

    async def set_due(self, case_id: CaseId, due_at: datetime) -> None:
        await self._change(case_id, AuditAction.SET_CASE_DUE, {"due": due_at.isoformat()}, due_at=due_at)

    async def add_note(self, case_id: CaseId, text: str) -> None:
        """Raises `Problem(CASE_NOTE_MISSING)` for a note without words."""
        await self._change(case_id, AuditAction.NOTE_CASE, {}, note=text)

    async def close(self, case_id: CaseId, text: str) -> None:
        """End it. Raises `Problem(CASE_NOTE_MISSING)` unless *text* says how it was settled."""
        now = self._clock.now()
        await self._change(case_id, AuditAction.CLOSE_CASE, {}, note=text, closed_at=now)

    async def _change(
        self,
        case_id: CaseId,
        action: AuditAction,
        after: Mapping[str, str],
        *,
        note: str | None = None,
        owner: str | None = None,
        due_at: datetime | None = None,
        closed_at: datetime | None = None,
    ) -> None:
        case = self._open.get(case_id)
        if case is None:
            raise Problem(ProblemCode.CASE_CLOSED)
        written = None
        if note is not None:
            if not note.strip():
                raise Problem(ProblemCode.CASE_NOTE_MISSING)
            written = CaseNote(at=self._clock.now(), author=self.operator, text=note.strip())
        changed = replace(
            case,
            owner=case.owner if owner is None else owner,
            due_at=due_at or case.due_at,
            closed_at=closed_at,
            notes=(*case.notes, written) if written else case.notes,
        )
        mentorado = self._mentorados.get(case.mentorado_id)
        with self._audit_service.with_changes(action, mentorado, after={"kind": case.kind.value, **after}):
            await self._repository.save(changed, written)
        if changed.is_open:
            self._open[case_id] = changed
        else:
            del self._open[case_id]
        self._bus.publish(CasesChanged())

    def _case(
        self, mentorado_id: MentoradoId, kind: CaseKind, subject: str, evidence: Mapping[str, str], at: datetime
    ) -> Case:
        return Case(
            id=CaseId(uuid4().hex),
            mentorado_id=mentorado_id,
            kind=kind,
            subject=subject,
            opened_at=at,
            due_at=at + DUE_AFTER[kind],
            evidence={name: redacted(value)[:300] for name, value in evidence.items() if value},
        )

    async def _add(self, case: Case) -> None:
        if await self._repository.add(case):
            self._open[case.id] = case
            self._bus.publish(CasesChanged())

    def _on_stopped(self, event: OutboundStopped) -> None:
        if event.stop is not None and not event.known:
            evidence = {"trouble": event.stop.trouble.value, "code": event.stop.code, "detail": event.stop.detail}
            self.open(CaseKind.SENDING_STOPPED, event.mentorado_id, evidence=evidence)

    def _on_uncertain(self, event: MessageUncertain) -> None:
        self.open(CaseKind.UNCERTAIN_MESSAGE, event.mentorado_id, event.reference, {"purpose": event.purpose.value})

    def _on_opted_out(self, event: ContactOptedOut) -> None:
        evidence = {"contact": masked(event.contact.value)}
        self.open(CaseKind.OPTED_OUT, event.mentorado_id, str(event.number), evidence)

    def _on_status(self, event: StatusChanged) -> None:
        if event.after.reason in _BANS and event.before.reason is not event.after.reason:
            evidence = {"reason": event.after.reason.value, "detail": event.after.detail}
            self.open(CaseKind.BAN, event.mentorado_id, evidence=evidence)

    def _on_smoke_test(self, event: SmokeTestChanged) -> None:
        """Open a case at the second failed test in a row; after the first, whoever made it repeats it."""
        test = event.test
        if test.outcome in (SmokeTestOutcome.PASSED, SmokeTestOutcome.PARTLY):
            del self._failed_tests[test.link_id]
        elif test.outcome is SmokeTestOutcome.FAILED:
            self._failed_tests[test.link_id] += 1
            if self._failed_tests[test.link_id] > 1:
                evidence = {"test": test.trouble.value, "code": test.code}
                self.open(CaseKind.SMOKE_TEST_FAILED, test.mentorado_id, evidence=evidence)
