"""Runs one procedure until it ends or needs a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from app.core.event_bus import EventBus
from app.core.procedures.auditing import ProcedureAuditor
from app.core.procedures.impact import ImpactService, to_step_data
from app.core.procedures.steps import Step, StepContext
from app.domain.crash_report import CrashEffect
from app.domain.errors import Problem
from app.domain.events import BackupProgressed, ProcedureChanged, StorageFailed, StorageRecovered
from app.domain.procedure import (
    POINT_OF_NO_RETURN,
    EntryKind,
    JournalEntry,
    Procedure,
    ProcedureState,
    StepData,
    StepName,
    StepRecord,
    StepState,
    apply,
)
from app.domain.repositories import Clock, ProcedureJournal, ProcedureLocks
from app.platform.logging import CURRENT_MENTORADO

log = logging.getLogger(__name__)

ACTIVE: Final = frozenset({ProcedureState.RUNNING, ProcedureState.UNDOING})
"""The states in which a procedure runs by itself."""

_BEGUN: Final = frozenset({StepState.RUNNING, StepState.FAILED})
_TO_UNDO: Final = frozenset({*_BEGUN, StepState.DONE})

Entry = tuple[EntryKind, StepData]
"""A journal entry to be written: its kind and facts."""

StepCall = Callable[[], Awaitable[Entry]]


class JournalWriter:
    """Writes journal entries to disk, then applies and publishes them."""

    def __init__(self, *, journal: ProcedureJournal, bus: EventBus, clock: Clock) -> None:
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._failing = False

    async def write(
        self, procedure: Procedure, kind: EntryKind, step: StepName | None = None, facts: StepData | None = None
    ) -> Procedure:
        """Returns *procedure* as it is then. Raises `Problem` when the journal cannot be written."""
        entry = JournalEntry(
            procedure_id=procedure.head.id,
            number=procedure.entries + 1,
            at=self._clock.now(),
            kind=kind,
            step=step,
            facts=facts or {},
        )
        await self._journal.append(entry)
        log.info("%s %s: %s %s", procedure.head.kind, procedure.head.id, kind, step or "")
        if self._failing:
            self._failing = False
            self._bus.publish(StorageRecovered())
        return apply(procedure, entry)

    def failed(self, problem: Problem) -> None:
        """Log that a procedure stopped because its journal cannot be written."""
        log.warning("Procedure paused, its journal cannot be written: %s", problem.code)
        self._failing = True
        self._bus.publish(StorageFailed(problem))

    def tell(self, procedure: Procedure) -> None:
        self._bus.publish(ProcedureChanged(procedure))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerContext:
    """The dependencies of a runner."""

    steps: Mapping[StepName, Step]
    journal_writer: JournalWriter
    ledger: ImpactService
    recorder: ProcedureAuditor
    bus: EventBus
    group: asyncio.TaskGroup
    locks: ProcedureLocks


class ProcedureRunner:
    """Holds the state of one procedure, and runs it in a task of its own until a person is needed."""

    def __init__(self, procedure: Procedure, means: RunnerContext, *, secret: str = "") -> None:
        self.procedure = procedure
        self.secret = secret
        self.asked = asyncio.Lock()  # one wish of a person after the other
        self._means = means
        self._task: asyncio.Task[None] | None = None
        self._work: asyncio.Task[Entry] | None = None  # the part of it that a pause cuts short
        self._pausing = False

    @property
    def is_orphaned(self) -> bool:
        """Whether it should be running and is not: the program that ran it ended, or is another one than this."""
        return self.procedure.state in ACTIVE and self.is_settled

    @asynccontextmanager
    async def held(self, *, overrule: bool = False) -> AsyncIterator[None]:
        """Lock it against other programs, from before the first entry that is written inside until it is settled.

        Raises `Problem(PROCEDURE_HELD)`.
        """
        await asyncio.to_thread(partial(self._means.locks.take, self.procedure.head.id, overrule=overrule))
        try:
            yield
        finally:
            if self.is_settled:
                self._means.locks.release(self.procedure.head.id)

    @property
    def was_moved(self) -> bool:
        """Whether it ran since the program was started."""
        return self._task is not None

    @property
    def is_settled(self) -> bool:
        """Whether this program does not run it."""
        return self._task is None or self._task.done()

    def start(self) -> None:
        """Go on from here."""
        head = self.procedure.head
        self._pausing = False
        self._task = self._means.group.create_task(self._run(), name=f"{head.kind} {head.id}")

    async def stop(self) -> None:
        """Pause, and wait until it is settled; does nothing when it is already."""
        if self._task is None or self._task.done():
            return
        self._pausing = True
        if self._work is not None:
            self._work.cancel()
        await asyncio.wait([self._task])

    def cancel(self) -> None:
        """End the task because the program ends: leave everything as it is on disk."""
        if self._task is not None:
            self._task.cancel()

    async def write(self, kind: EntryKind, step: StepName | None = None, facts: StepData | None = None) -> None:
        """Write an entry and apply it. Raises `Problem` and changes nothing when it cannot be written."""
        self.procedure = await self._means.journal_writer.write(self.procedure, kind, step, facts)
        if self.procedure.ended:
            self.secret = ""
        self._means.journal_writer.tell(self.procedure)

    async def settle(self) -> None:
        """Before an undo, find out whether the irreversible step was done: a crash may have come before its entry."""
        name = POINT_OF_NO_RETURN.get(self.procedure.head.kind)
        record = next((step for step in self.procedure.steps if step.name is name), None)
        if record is None or record.state not in _BEGUN or self.procedure.undoing:
            return
        facts = await self._already_done(record)
        if facts is not None:
            await self.write(EntryKind.STEP_DONE, record.name, facts)

    async def keeps_connection(self) -> bool:
        """Whether going on keeps a connection that works: whoever began it confirmed the end of the former one only."""
        record = self.procedure.next_step
        ends = self.procedure.ends_connection and record is not None and record.name in POINT_OF_NO_RETURN.values()
        return not ends or (record is not None and await self._already_done(record) is not None)

    async def _already_done(self, record: StepRecord) -> StepData | None:
        return await self._means.steps[record.name].already_done(self._step_context())

    async def _run(self) -> None:
        CURRENT_MENTORADO.set(self.procedure.head.mentorado_id)  # a task of its own, so nobody else's
        try:
            await (self._backward() if self.procedure.undoing else self._forward())
        except Problem as problem:  # the journal cannot be written, so nothing more may begin
            self._record_pause()
            self._means.journal_writer.failed(problem)
        except Exception:
            log.exception("A procedure failed unexpectedly", extra={"effect": CrashEffect.PAUSED})
            self._record_pause()
        finally:
            self._means.locks.release(self.procedure.head.id)

    def _record_pause(self) -> None:
        self.procedure = replace(self.procedure, state=ProcedureState.PAUSED)  # its journal says so when it is taken up
        self._means.journal_writer.tell(self.procedure)

    async def _forward(self) -> None:
        while (record := self.procedure.next_step) is not None:
            step = self._means.steps[record.name]
            last_entry = await self._run_interruptible(partial(self._opening_entry, step, record.state))
            if last_entry is not None and last_entry[0] is EntryKind.STEP_BEGAN:
                await self.write(last_entry[0], step.name, last_entry[1])
                last_entry = await self._run_interruptible(partial(_do_step, step.do, self._step_context()))
            if last_entry is None:
                await self.write(EntryKind.PAUSED, facts=await self._pause_step(step))
                return
            kind, facts = last_entry
            if kind is EntryKind.STEP_FAILED and step.optional and "code" in record.facts:
                kind, facts = EntryKind.STEP_SKIPPED, {**facts, "left_out": "yes"}
            await self.write(kind, step.name, facts)
            if kind in (EntryKind.STEP_FAILED, EntryKind.ASKED):
                return
        await self.write(EntryKind.ENDED)

    async def _opening_entry(self, step: Step, state: StepState) -> Entry:
        """The entry that precedes *step*."""
        run = self._step_context()
        if state in _BEGUN and (facts := await step.already_done(run)) is not None:
            return EntryKind.STEP_DONE, facts
        if (facts := await step.skip(run)) is not None:
            return EntryKind.STEP_SKIPPED, facts
        before = await step.before(run)
        if self.procedure.must_confirm:
            return EntryKind.ASKED, to_step_data(
                await self._means.ledger.impact_of(run.procedure.head.kind, run.mentorado_id)
            )
        return EntryKind.STEP_BEGAN, before

    async def _backward(self) -> None:
        for record in reversed(self.procedure.steps):
            if record.state not in _TO_UNDO:
                continue
            last_entry = await self._run_interruptible(
                partial(_undo_step, self._means.steps[record.name].undo, self._step_context())
            )
            if last_entry is None:
                await self.write(EntryKind.PAUSED)
                return
            await self.write(last_entry[0], record.name, last_entry[1])
            if last_entry[0] is EntryKind.STEP_FAILED:
                return
        await self._means.recorder.ended(self.procedure)
        await self.write(EntryKind.ENDED, facts={"undone": "yes"})

    async def _pause_step(self, step: Step) -> StepData:
        """Let *step* clean up what it was doing. It is paused even when that fails."""
        if self.procedure.step(step.name).state is not StepState.RUNNING:
            return {}
        return (await _run_catching(partial(_do_step, step.pause, self._step_context())))[1]

    async def _run_interruptible(self, doing: StepCall) -> Entry | None:
        """Run *doing* until it ends or is paused; None when paused. An error becomes an entry, too."""
        if self._pausing:
            return None
        self._work = work = self._means.group.create_task(_run_catching(doing))
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()  # when the program ends; it is over otherwise
            self._work = None
        return None if work.cancelled() else work.result()

    def _step_context(self) -> StepContext:
        procedure_id, bus = self.procedure.head.id, self._means.bus
        return StepContext(
            procedure=self.procedure,
            secret=self.secret,
            tell=lambda progress: bus.publish(BackupProgressed(procedure_id, progress)),
        )


async def _run_catching(doing: StepCall) -> Entry:
    try:
        return await doing()
    except Problem as problem:
        return EntryKind.STEP_FAILED, {"code": problem.code.value, **problem.context}
    except Exception:
        log.exception("A step failed unexpectedly", extra={"effect": CrashEffect.PAUSED})
        return EntryKind.STEP_FAILED, {"code": "unexpected"}


async def _do_step(do: Callable[[StepContext], Awaitable[StepData]], run: StepContext) -> Entry:
    return EntryKind.STEP_DONE, await do(run)


async def _undo_step(undo: Callable[[StepContext], Awaitable[StepData]], run: StepContext) -> Entry:
    return EntryKind.STEP_UNDONE, await undo(run)
