"""Manages procedures: begin, confirm, pause, resume, and undo up to the point of no return.

Every journal entry is on disk before what it announces begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from app.core.event_bus import EventBus
from app.core.procedures.auditing import ACTION, ProcedureAuditor
from app.core.procedures.impact import ImpactService
from app.core.procedures.runner import (
    ACTIVE,
    JournalWriter,
    ProcedureRunner,
    RunnerContext,
)
from app.core.procedures.steps import Step, not_applicable
from app.domain.actions import ActionName
from app.domain.backup import ImpactSummary
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged, StandbyStatusChanged, StatusChanged
from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import MentoradoId
from app.domain.procedure import (
    POINT_OF_NO_RETURN,
    STEPS,
    EntryKind,
    JournalEntry,
    Procedure,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    ProcedureState,
    StepData,
    StepName,
    new_procedure_id,
    replay,
)
from app.domain.repositories import Clock, ProcedureJournal, ProcedureLocks

log = logging.getLogger(__name__)

_S: Final = ProcedureState
_CAN_PAUSE: Final = frozenset({*ACTIVE, _S.ASKING})
_CAN_GO_ON: Final = frozenset({_S.PAUSED, _S.FAILED})

Require = Callable[[ActionName, MentoradoId, str], None]
"""Raises `Problem(NOT_POSSIBLE_NOW)` unless the action may be done, with the reason of an override."""


class ProcedureService:
    """The procedures that are not finished, at most one per mentorado.

    Enter it to have them moved; leave it, and they stop where they are: the next `load` takes them up as paused.
    """

    def __init__(
        self,
        *,
        journal: ProcedureJournal,
        steps: Iterable[Step],
        ledger: ImpactService,
        recorder: ProcedureAuditor,
        require: Require,
        locks: ProcedureLocks,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._recorder = recorder
        self._require = require
        self._clock = clock
        self._group = asyncio.TaskGroup()
        self._means = RunnerContext(
            steps=_steps_by_name([*steps, recorder.step]),
            journal_writer=JournalWriter(journal=journal, bus=bus, clock=clock),
            ledger=ledger,
            recorder=recorder,
            bus=bus,
            group=self._group,
            locks=locks,
        )
        self._runs: dict[MentoradoId, ProcedureRunner] = {}
        self._beginning: set[MentoradoId] = set()
        self._inside = False
        self._bus = bus
        self._listening: list[Callable[[], None]] = []
        bus.subscribe(ProcedureChanged, self._on_procedure)

    async def __aenter__(self) -> ProcedureService:
        await self._group.__aenter__()
        self._inside = True
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        self._inside = False
        for run in self._runs.values():
            run.cancel()
        await self._group.__aexit__(None, None, None)

    async def load(self) -> None:
        """Read what is unfinished, and publish it. Inside the context, what ran when its program ended is paused.

        What another program is moving is left to it; asking again tells what became of it.
        """
        journals = {head.mentorado_id: (head, lines) for head, lines in await self._journal.unfinished()}
        for mentorado_id, run in self._runs.items():
            if run.is_orphaned and mentorado_id not in journals:  # another program ended it
                journals[mentorado_id] = await self._journal.for_mentorado(run.procedure.head.id)
        for mentorado_id, (head, lines) in journals.items():
            known = self._runs.get(mentorado_id)
            if mentorado_id in self._beginning or (
                known and known.procedure.ended and known.procedure.head.id == head.id
            ):
                continue  # it moved on here while its journal was read
            if known is None or known.procedure.ended or known.is_orphaned:
                known = self._runs[mentorado_id] = ProcedureRunner(replay(head, lines), self._means)
                self._means.journal_writer.tell(known.procedure)
            if self._inside and known.is_orphaned:
                await self._pause_orphaned(known)

    async def _pause_orphaned(self, run: ProcedureRunner, *, overrule: bool = False) -> None:
        """Pause a procedure that no program runs."""
        try:
            async with run.held(overrule=overrule):
                await run.write(EntryKind.PAUSED, facts={"why": "program_ended"})
        except Problem as problem:
            if problem.code is not ProblemCode.PROCEDURE_HELD or overrule:
                raise

    async def take_over(self, procedure_id: ProcedureId) -> None:
        """Pause it although it cannot be proven that the program that ran it is dead: a person confirms that.

        Raises `Problem(PROCEDURE_HELD)` when that program is certainly there.
        """
        run = self._run(procedure_id)
        async with run.asked:
            if run.is_orphaned:
                await self._pause_orphaned(run, overrule=True)

    def holder(self, procedure: Procedure) -> str:
        """The other program that runs it, as text; empty when none does."""
        return self._means.locks.holder(procedure.head.id) if procedure.state in ACTIVE else ""

    # --- what is known ------------------------------------------------------------------------------------------------

    def unfinished(self) -> Sequence[Procedure]:
        """The oldest first."""
        open_ones = [run.procedure for run in self._runs.values() if not run.procedure.ended]
        return sorted(open_ones, key=lambda procedure: procedure.head.began_at)

    def active(self, mentorado_id: MentoradoId) -> Procedure | None:
        """The unfinished one."""
        run = self._runs.get(mentorado_id)
        return None if run is None or run.procedure.ended else run.procedure

    async def latest(self, mentorado_id: MentoradoId) -> Sequence[Procedure]:
        """The latest first, finished ones too."""
        now = self.active(mentorado_id)
        journals = await self._journal.latest(mentorado_id)
        return [now if now and now.head.id == head.id else replay(head, lines) for head, lines in journals]

    async def ledger(self, kind: ProcedureKind, mentorado_id: MentoradoId) -> ImpactSummary:
        """The impact that a procedure of *kind* would have."""
        return await self._ledger.impact_of(kind, mentorado_id)

    # --- what a person wants ------------------------------------------------------------------------------------------

    async def begin(
        self,
        kind: ProcedureKind,
        mentorado_id: MentoradoId,
        *,
        facts: StepData | None = None,
        secret: str = "",
        override_reason: str = "",
    ) -> Procedure:
        """Begin and return at once. Raises `Problem(NOT_POSSIBLE_NOW)`.

        The *secret* is a passphrase, kept in memory only. With an *override_reason*, typed and audited, the lock of an
        incident is passed.
        """
        override = override_reason.strip()
        self._require(ACTION[kind], mentorado_id, override)
        if not self._inside or mentorado_id in self._beginning or self.active(mentorado_id) is not None:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ACTION[kind], why="under_way")
        head = ProcedureInfo(
            id=new_procedure_id(),
            kind=kind,
            mentorado_id=mentorado_id,
            actor=self._recorder.actor,
            began_at=self._clock.now(),
            facts=_initial_facts(facts or {}, secret, override),
        )
        first = JournalEntry(procedure_id=head.id, number=1, at=head.began_at, kind=EntryKind.BEGAN)
        run = ProcedureRunner(replay(head, [first]), self._means, secret=secret)
        self._beginning.add(mentorado_id)
        try:
            if any(other.mentorado_id == mentorado_id for other, _ in await self._journal.unfinished()):
                raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ACTION[kind], why="under_way")  # by another program
            async with run.held():
                with self._recorder.beginning(run.procedure):
                    await self._journal.begin(head, first)
                if not self._inside:  # the next start offers it
                    raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ACTION[kind], why="closing")
                self._runs[mentorado_id] = run
                self._means.journal_writer.tell(run.procedure)
                run.start()
        finally:
            self._beginning.discard(mentorado_id)
        return run.procedure

    async def confirm(self, procedure_id: ProcedureId) -> None:
        """Confirm the irreversible next step."""
        run = self._run(procedure_id)
        async with run.asked:
            self._check(run, run.procedure.state is _S.ASKING)
            async with run.held():
                await run.write(EntryKind.CONFIRMED)
                run.start()

    async def pause(self, procedure_id: ProcedureId) -> None:
        """Pause, and wait until it has stopped."""
        run = self._run(procedure_id)
        async with run.asked:
            self._check(run, run.procedure.state in _CAN_PAUSE)
            await run.stop()
            if run.procedure.state is _S.ASKING:
                await run.write(EntryKind.PAUSED)

    async def resume(self, procedure_id: ProcedureId, *, secret: str = "") -> None:
        """Resume after a pause or a restart, or retry a failed step; an undo continues as an undo."""
        run = self._run(procedure_id)
        async with run.asked:
            self._check(run, run.procedure.state in _CAN_GO_ON)
            run.secret = secret or run.secret
            async with run.held():
                await run.write(EntryKind.UNDO_BEGAN if run.procedure.undoing else EntryKind.CONTINUED)
                run.start()

    async def undo(self, procedure_id: ProcedureId) -> None:
        """Undo the steps done so far, last first. Raises `Problem(NOT_POSSIBLE_NOW)` behind the point of no return."""
        run = self._run(procedure_id)
        async with run.asked:
            self._check(run, run.procedure.can_be_undone)
            await run.stop()
            async with run.held():
                await run.settle()
                self._check(run, run.procedure.can_be_undone)
                await run.write(EntryKind.UNDO_BEGAN)
                run.start()

    async def pause_active(self, mentorado_id: MentoradoId) -> None:
        """Pause the procedure that runs for this mentorado, if any."""
        procedure = self.active(mentorado_id)
        if procedure is None or procedure.head.kind is ProcedureKind.BACKUP:
            return
        if procedure.state in ACTIVE:
            with suppress(Problem):  # it came to its end by itself meanwhile
                await self.pause(procedure.head.id)

    # --- what is decided elsewhere ------------------------------------------------------------------------------------

    def _on_procedure(self, _event: ProcedureChanged) -> None:
        """Listen to the links only while a procedure waits for one."""
        waits = any(run.procedure.awaits_link for run in self._runs.values())
        if waits and not self._listening:
            self._listening.append(self._bus.subscribe(StatusChanged, self._on_status))
            self._listening.append(self._bus.subscribe(StandbyStatusChanged, self._on_status))
        while self._listening and not waits:
            self._listening.pop()()

    def _on_status(self, event: StatusChanged | StandbyStatusChanged) -> None:
        run = self._runs.get(event.mentorado_id)
        if run is None or not self._inside or event.after.state is not LinkState.CONNECTED:
            return
        ours = (
            isinstance(event, StatusChanged)
            if run.procedure.link_id is None
            else run.procedure.link_id == event.link_id
        )
        if ours and run.procedure.awaits_link:
            self._group.create_task(self._go_on(run), name=f"go on with {run.procedure.head.id}")

    async def _go_on(self, run: ProcedureRunner) -> None:
        """Resume it: the link that it waited for is connected, by another accepted number or corrected credentials.

        What failed before the program began goes on only where a person must have decided: nothing else moves again
        without being asked.
        """
        async with run.asked:
            step = run.procedure.next_step
            if step is None or not (run.procedure.awaits_link and self._inside):
                return
            reason = Reason(step.facts.get("reason", Reason.NONE))
            if not (run.was_moved or REASONS[reason].needs_operator):
                return
            try:
                if await run.keeps_connection():
                    async with run.held():
                        await run.write(EntryKind.CONTINUED)
                        run.start()
            except Problem as problem:  # a person can try again
                log.warning("A procedure could not go on by itself: %s", problem.code)

    def _run(self, procedure_id: ProcedureId) -> ProcedureRunner:
        run = next((run for run in self._runs.values() if run.procedure.head.id == procedure_id), None)
        if run is None:
            raise Problem(ProblemCode.PROCEDURE_UNKNOWN)
        return run

    def _check(self, run: ProcedureRunner, possible: bool) -> None:
        if not (possible and self._inside) or run.is_orphaned:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, state=run.procedure.state)


def _steps_by_name(steps: Iterable[Step]) -> Mapping[StepName, Step]:
    """The steps by name. Steps behind the point of no return must be optional, since they cannot be undone."""
    by_name = {step.name: step for step in steps}
    for kind, last in POINT_OF_NO_RETURN.items():
        behind = STEPS[kind][STEPS[kind].index(last) + 1 : -1]
        if stuck := [name for name in behind if name in by_name and not by_name[name].optional]:
            raise ValueError(f"{kind} could get stuck in {stuck}")
        if last in by_name and by_name[last].already_done is not_applicable:
            raise ValueError(f"nobody could tell whether {last} happened")
    return by_name


def _initial_facts(facts: StepData, secret: str, override: str) -> StepData:
    """The facts a procedure begins with. They record that there is a secret: it never continues without one."""
    known = {"with_secret": "yes" if secret else "", "override_reason": override}
    return {**facts, **{name: value for name, value in known.items() if value}}
