"""Carries out provider switches that a person approved, one mentorado after the other, in waves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.procedures.service import ProcedureService
from app.core.provider_switch.plan import SwitchPlanner
from app.core.settings_service import SettingsService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction
from app.domain.crash_report import CrashEffect
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged, SwitchesChanged
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.repositories import Clock
from app.domain.switch import (
    OPEN_ITEMS,
    SwitchDryRun,
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRepository,
    SwitchRun,
    SwitchRunId,
    SwitchState,
    same_person,
)

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0

RETRY_SECONDS: Final = 5.0
"""Seconds until the state of a mentorado that could not be stored is stored again."""

_KINDS: Final = frozenset({ProcedureKind.SWITCH, ProcedureKind.ROLL_BACK})
_I: Final = SwitchItemState


class SwitchService:
    """Switches from their approval to the release of the last former provider.

    Each mentorado is switched by a procedure of their own. Whatever ends the program, what became of a mentorado is
    read from the journal of that procedure; a run that was under way is paused until a person resumes it.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        procedures: ProcedureService,
        planner: SwitchPlanner,
        repository: SwitchRepository,
        settings_service: SettingsService,
        audit_service: AuditService,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._procedures = procedures
        self._planner = planner
        self._repository = repository
        self._settings_service = settings_service
        self._audit_service = audit_service
        self._clock = clock
        self._runs: dict[SwitchRunId, SwitchRun] = {}
        self._driven: dict[SwitchRunId, asyncio.Task[None]] = {}
        self._loaded = asyncio.Event()
        self._changes: asyncio.Queue[Procedure] = asyncio.Queue()
        self._moved = asyncio.Event()
        self._approving: SwitchRunId | None = None  # by a second person, just now
        self._deciding = asyncio.Lock()  # what is begun, stopped, rolled back or released is decided one by one
        self._beginning = asyncio.Lock()  # two approvals of one person must not both find them free
        planner.attach(under_way=procedures.active, switching=self.is_switching)
        bus.subscribe(ProcedureChanged, self._on_procedure)

    # --- what is known ------------------------------------------------------------------------------------------------

    @property
    def runs(self) -> Sequence[SwitchRun]:
        """The latest first."""
        return list(self._runs.values())

    def item_of(self, mentorado_id: MentoradoId) -> SwitchItem | None:
        """The switch of this mentorado that is not settled: waiting, under way, or its former provider still kept."""
        items = (item for run in self._runs.values() for item in run.items if item.mentorado_id == mentorado_id)
        return next((item for item in items if item.state in OPEN_ITEMS), None)

    def is_switching(self, mentorado_id: MentoradoId) -> bool:
        """Whether another switch of this mentorado stands in the way of one that is planned or approved."""
        item = self.item_of(mentorado_id)
        return item is not None and item.run_id != self._approving

    @property
    def wants_second(self) -> bool:
        """Whether a second person must approve what is approved now."""
        return self._settings_service.settings.switch_second_person

    async def load(self) -> None:
        """Read the runs. Raises `Problem`."""
        stored = {run.id: run for run in await self._repository.all()}
        self._runs = {run_id: self._runs[run_id] if run_id in self._driven else run for run_id, run in stored.items()}
        for run in stored.values():
            if run.id not in self._driven:
                await self._take_up(run)
        self._loaded.set()
        self._bus.publish(SwitchesChanged(None))

    # --- what a person decides ----------------------------------------------------------------------------------------

    async def dry_run(
        self, plan: SwitchPlan, on_progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> SwitchDryRun:
        """What *plan* would do now, audited with its hash. Raises `Problem`."""
        made = await self._planner.dry_run(plan, on_progress)
        after = {"to": plan.target.value, **made.counts, "dry_run": made.digest}
        await self._audit_service.write(AuditAction.DRY_RUN_SWITCH, after=after)
        return made

    def confirmation(self, dry_run: SwitchDryRun) -> str:
        """What a person has to type to approve: how many are switched, or the name of the only one."""
        if len(dry_run.people) == 1 and dry_run.switching:
            return self._mentorados.get(dry_run.people[0].mentorado_id).name
        return str(len(dry_run.switching))

    async def approve(self, dry_run: SwitchDryRun, typed: str) -> SwitchRun:
        """Store the switch that *dry_run* describes and begin, or wait for a second person where that is demanded.

        Raises `Problem`: nothing is stored unless *typed* is the `confirmation`, and a new dry run gives the same.
        """
        if not dry_run.switching or not same_person(typed, self.confirmation(dry_run)):
            raise Problem(ProblemCode.SWITCH_NOT_CONFIRMED, expected=self.confirmation(dry_run))
        async with self._beginning:
            await self._require_unchanged(dry_run.plan, dry_run.digest)
            waits = self.wants_second
            actor = self._audit_service.actor
            if waits and not actor.operator:  # the second could be the same person under another name
                raise Problem(ProblemCode.SWITCH_NAME_MISSING)
            run = self._new_run(dry_run, actor.name, waits=waits)
            after = {"to": run.plan.target.value, **dry_run.counts, "dry_run": run.digest}
            with self._audit_service.with_changes(AuditAction.APPROVE_SWITCH, after=after):
                await self._repository.add(run)
            self._runs = {run.id: run, **self._runs}
        self._bus.publish(SwitchesChanged(run.id))
        if not waits:
            self._drive(run.id)
        return run

    async def approve_second(self, run_id: SwitchRunId, typed: str, name: str) -> None:
        """Another person, called *name*, approves a run that waits for that; *typed* is how many are switched.

        Raises `Problem`, also when something it relied on has changed since its dry run.
        """
        run = self._run(run_id)
        if run.state is not SwitchState.AWAITING_SECOND:
            raise Problem(ProblemCode.SWITCH_ENDED)
        if typed.strip() != str(len(run.items)):
            raise Problem(ProblemCode.SWITCH_NOT_CONFIRMED, expected=str(len(run.items)))
        if not name.strip() or same_person(name, run.approved_by):
            raise Problem(ProblemCode.SWITCH_SAME_PERSON, name=run.approved_by)
        async with self._beginning:
            await self._require_unchanged(run.plan, run.digest, besides=run_id)
            after = {"value": name.strip(), "dry_run": run.digest}
            with self._audit_service.with_changes(AuditAction.APPROVE_SWITCH_SECOND, after=after):
                await self._save(replace(run, state=SwitchState.RUNNING, second_approver=name.strip()))
        self._drive(run_id)

    async def pause(self, run_id: SwitchRunId) -> None:
        """Begin no other mentorado until `resume`; the one under way is finished. Raises `Problem`."""
        run = self._approved_run(run_id)
        with self._audit_service.with_changes(AuditAction.PAUSE_SWITCH, after=_subject(run)):
            await self._save(replace(run, state=SwitchState.PAUSED, pause=SwitchPause.PERSON, pause_until=None))

    async def resume(self, run_id: SwitchRunId) -> None:
        """Resume a paused run; after a failure, a person decides so. Raises `Problem`."""
        run = self._approved_run(run_id)
        if run.state is SwitchState.PAUSED:
            with self._audit_service.with_changes(AuditAction.RESUME_SWITCH, after=_subject(run)):
                await self._save(run.going_on())
        self._drive(run_id)

    async def retry(self, run_id: SwitchRunId) -> None:
        """Try those again who failed, after those who wait. Raises `Problem`."""
        run = self._run(run_id)
        failed = [item for item in run.items if item.state is _I.FAILED and self._has_stayed(item)]
        again = [item for item in failed if self.item_of(item.mentorado_id) is None]
        if not again or run.state is SwitchState.STOPPED:
            raise Problem(ProblemCode.SWITCH_ENDED)
        with self._audit_service.with_changes(AuditAction.RESUME_SWITCH, after=_subject(run)):
            for item in again:
                await self._save_item(replace(item, state=_I.WAITING, reason="", wave=run.wave, procedure_id=None))
            await self._save(replace(self._run(run_id).going_on(), ended_at=None))
        self._drive(run_id)

    def _has_stayed(self, item: SwitchItem) -> bool:
        """Whether nobody else has moved this mentorado since the approval."""
        link = self._mentorados.get(item.mentorado_id).link
        return (link.id, link.provider) == (item.from_link, item.source)

    async def stop(self, run_id: SwitchRunId) -> None:
        """End the run: those who wait are not switched; the one under way is finished. Raises `Problem`."""
        async with self._deciding:
            run = self._open_run(run_id)
            with self._audit_service.with_changes(AuditAction.STOP_SWITCH, after=_subject(run)):
                await self._end(run_id, SwitchState.STOPPED)

    async def roll_back(self, mentorado_id: MentoradoId) -> Procedure:
        """Begin to go back to the former provider. Raises `Problem` when there is none, or it cannot begin now."""
        async with self._deciding:  # a release that is under way leaves nothing to go back to
            item = self._switched(mentorado_id, ActionName.ROLL_BACK)
            facts = {
                "from": item.target.value,
                "to": item.source.value,
                "from_link": item.from_link,
                "to_link": item.to_link or "",
            }
            return await self._procedures.begin(ProcedureKind.ROLL_BACK, mentorado_id, facts={**facts, **item.mark})

    async def release(self, mentorado_id: MentoradoId) -> None:
        """Release the former provider: its connection is closed, and its credentials stay. Raises `Problem`."""
        async with self._deciding:
            item = self._switched(mentorado_id, ActionName.RELEASE_FORMER)
            if self._procedures.active(mentorado_id) is not None:
                raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.RELEASE_FORMER, why="under_way")
            mentorado, before = self._mentorados.get(mentorado_id), {"provider": item.source.value}
            async with self._audit_service.around(ActionName.RELEASE_FORMER, mentorado, before=before):
                await self._supervisor.disconnect(mentorado_id, item.from_link)
                await self._save_item(replace(item, state=_I.RELEASED, at=self._clock.now()))

    # --- the waves ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled, follow the procedures of all runs. What a closed program left running is paused."""
        try:
            await self._loaded.wait()
            await self._reconcile()
            while True:
                await self._follow(await self._changes.get())
        finally:
            for task in self._driven.values():
                task.cancel()
            await asyncio.gather(*self._driven.values(), return_exceptions=True)

    async def _take_up(self, run: SwitchRun) -> None:
        """Take over the results of procedures that ended while this program did not follow them."""
        for item in run.items:
            if item.state in OPEN_ITEMS:
                latest = await self._procedures.latest(item.mentorado_id)
                for procedure in [each for each in latest if item.is_of(each)][:1]:
                    if (after := item.updated_by(procedure)) != item:
                        await self._save_item(after)

    async def _reconcile(self) -> None:
        """Undo what a failed step left, and pause what no program runs."""
        for run in self.runs:
            for item in run.items:
                if item.state is _I.RUNNING and (active := self._procedures.active(item.mentorado_id)) is not None:
                    await self._follow(active)
            current = self._run(run.id)
            if current.state is SwitchState.RUNNING and run.id not in self._driven:
                await self._pause(run.id, SwitchPause.INTERRUPTED)
                await self._end_settled(run.id)
            elif current.pause_until is not None and run.id not in self._driven:
                await self._save(replace(current, pause_until=None))  # a person looks first

    def _drive(self, run_id: SwitchRunId) -> None:
        if run_id not in self._driven:
            task = asyncio.get_running_loop().create_task(self._switch_all(run_id), name=f"switch {run_id}")
            self._driven[run_id] = task
            task.add_done_callback(lambda _done: self._driven.pop(run_id, None))

    async def _switch_all(self, run_id: SwitchRunId) -> None:
        """Switch those who wait, one after the other, until the run is paused or nobody waits."""
        try:
            failed = tried = 0
            while (run := self._run(run_id)).state is SwitchState.RUNNING:
                item = run.next_item
                if item is None:
                    await self._end(run_id, SwitchState.FINISHED)
                    return
                if item.wave > run.wave:
                    await self._pause_between_waves(run, item.wave)
                    continue
                after = await self._switch_one(item)
                if after.state is _I.RUNNING:  # a person paused it or must decide, or its journal cannot be written
                    why = SwitchPause.WRONG_PHONE if after.awaits_decision else SwitchPause.PERSON
                    await self._pause(run_id, why)
                    return
                tried += 1
                failed += after.state is _I.FAILED
                if after.state is _I.FAILED and self._run(run_id).state is SwitchState.RUNNING:
                    if run.plan.canary is not None and after.number == 1:
                        await self._pause(run_id, SwitchPause.CANARY)
                    elif run.plan.too_many_failed(failed, tried) and self._run(run_id).next_item is not None:
                        await self._pause(run_id, SwitchPause.FAILURES)
        except Problem as problem:
            log.warning("A provider switch is paused: %s", problem.code)
            with suppress(Problem):
                await self._pause(run_id, SwitchPause.INTERRUPTED)
        except Exception:
            log.exception("A provider switch failed unexpectedly", extra={"effect": CrashEffect.PAUSED})
            with suppress(Problem):
                await self._pause(run_id, SwitchPause.INTERRUPTED)

    async def _pause_between_waves(self, run: SwitchRun, wave: int) -> None:
        minutes = run.plan.pause_minutes
        until = None if minutes is None else self._clock.now() + timedelta(minutes=minutes)
        paused = replace(run, state=SwitchState.PAUSED, pause=SwitchPause.WAVE, pause_until=until, wave=wave)
        await self._save(paused)
        if until is None:
            return
        while self._run(run.id).pause_until == until:  # a person who decides otherwise takes it away
            remaining = (until - self._clock.now()).total_seconds()
            if remaining <= 0:
                await self._save(self._run(run.id).going_on())
            else:
                await self._clock.sleep(min(remaining, LOOK_SECONDS))

    async def _switch_one(self, item: SwitchItem) -> SwitchItem:
        """Begin the procedure of *item*, or take it up again, and wait until it has ended or needs a person."""
        async with self._deciding:
            item = self._find(item)
            if item.state not in (_I.WAITING, _I.RUNNING):  # the run was stopped a moment ago
                return item
            active = self._procedures.active(item.mentorado_id)
            if active is None or not item.is_of(active):
                try:
                    active = await self._begin(item)
                except Problem as problem:  # another procedure, an archived mentorado
                    reason = problem.context.get("why", problem.code.value)
                    failed = replace(item, state=_I.FAILED, reason=reason, at=self._clock.now())
                    await self._save_item(failed)
                    return failed
            elif active.state in (ProcedureState.PAUSED, ProcedureState.FAILED):
                await self._procedures.resume(active.head.id)
            await self._save_item(replace(self._find(item), state=_I.RUNNING, procedure_id=active.head.id))
        return await self._until_settled(item)

    async def _begin(self, item: SwitchItem) -> Procedure:
        if not self._has_stayed(item):
            raise Problem(ProblemCode.SWITCH_CHANGED)
        facts = {"from": item.source.value, "to": item.target.value, "basis": item.basis, **item.mark}
        return await self._procedures.begin(ProcedureKind.SWITCH, item.mentorado_id, facts=facts)

    async def _until_settled(self, item: SwitchItem) -> SwitchItem:
        """Wait until *item* has come to an end, or its procedure needs a person."""
        while True:
            self._moved.clear()
            item, active = self._find(item), self._procedures.active(item.mentorado_id)
            if item.state is not _I.RUNNING or (active is not None and item.needs_person(active)):
                return item
            await self._moved.wait()

    # --- what became of the procedures --------------------------------------------------------------------------------

    def _on_procedure(self, event: ProcedureChanged) -> None:
        if event.procedure.head.kind in _KINDS:
            self._changes.put_nowait(event.procedure)

    async def _follow(self, procedure: Procedure) -> None:
        """Store what *procedure* means for its mentorado, and take back a switch of which a step failed."""
        items = (item for run in self._runs.values() for item in run.items)
        before = next((item for item in items if item.is_of(procedure)), None)
        if before is not None and before.state in OPEN_ITEMS:
            after = before.updated_by(procedure)
            if after != before:
                await self._save_surely(after)
            failed = after.state is _I.RUNNING and procedure.state is ProcedureState.FAILED and not procedure.undoing
            if failed and not after.awaits_decision:
                with suppress(Problem):  # a person was faster
                    await self._procedures.undo(procedure.head.id)
            await self._end_settled(after.run_id)
        self._moved.set()

    async def _end_settled(self, run_id: SwitchRunId) -> None:
        """End a paused run of which nobody is left: a person brought the last one to an end in its own panel."""
        run = self._run(run_id)
        if run.state is SwitchState.PAUSED and not run.count(_I.WAITING, _I.RUNNING):
            with suppress(Problem):  # the next start ends it
                await self._end(run_id, SwitchState.FINISHED)

    async def _save_surely(self, item: SwitchItem) -> None:
        while True:
            try:
                await self._save_item(item)
            except Problem as problem:  # its procedure has it: the next start finds it there
                log.warning("The state of a provider switch could not be stored: %s", problem.code)
                await self._clock.sleep(RETRY_SECONDS)
            else:
                return

    # ------------------------------------------------------------------------------------------------------------------

    def _new_run(self, dry_run: SwitchDryRun, approved_by: str, *, waits: bool) -> SwitchRun:
        run_id, plan = SwitchRunId(uuid4().hex), dry_run.plan
        with_canary = plan.canary is not None  # whoever is first, where the one that was chosen cannot be switched
        items = tuple(
            SwitchItem(
                run_id=run_id,
                number=place + 1,
                wave=plan.wave_of(place, with_canary=with_canary),
                mentorado_id=each.mentorado_id,
                source=each.source,
                target=plan.target,
                from_link=self._mentorados.get(each.mentorado_id).link.id,
                basis=each.basis,
            )
            for place, each in enumerate(dry_run.switching)
        )
        return SwitchRun(
            id=run_id,
            plan=plan,
            digest=dry_run.digest,
            approved_at=self._clock.now(),
            approved_by=approved_by,
            state=SwitchState.AWAITING_SECOND if waits else SwitchState.RUNNING,
            items=items,
        )

    async def _require_unchanged(self, plan: SwitchPlan, digest: str, *, besides: SwitchRunId | None = None) -> None:
        """Raises `Problem`. *besides* is the run that is being approved, which must not block itself."""
        self._approving = besides
        try:
            made = await self._planner.dry_run(plan)
        finally:
            self._approving = None
        if made.digest != digest:
            raise Problem(ProblemCode.SWITCH_CHANGED)

    def _run(self, run_id: SwitchRunId) -> SwitchRun:
        return self._runs[run_id]

    def _approved_run(self, run_id: SwitchRunId) -> SwitchRun:
        run = self._open_run(run_id)
        if run.state is SwitchState.AWAITING_SECOND:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why=UnavailableReason.AWAITS_SECOND_PERSON)
        return run

    def _open_run(self, run_id: SwitchRunId) -> SwitchRun:
        run = self._run(run_id)
        if not run.is_open:
            raise Problem(ProblemCode.SWITCH_ENDED)
        return run

    def _switched(self, mentorado_id: MentoradoId, action: ActionName) -> SwitchItem:
        item = self.item_of(mentorado_id)
        if item is None or item.state is not _I.SWITCHED:
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=action, why="no_former_provider")
        return item

    def _find(self, item: SwitchItem) -> SwitchItem:
        """*item* as it is now."""
        return next(each for each in self._run(item.run_id).items if each.number == item.number)

    async def _pause(self, run_id: SwitchRunId, why: SwitchPause) -> None:
        run = self._run(run_id)
        if run.state is SwitchState.RUNNING:
            await self._save(replace(run, state=SwitchState.PAUSED, pause=why, pause_until=None))

    async def _end(self, run_id: SwitchRunId, state: SwitchState) -> None:
        for item in self._run(run_id).items:
            if item.state is _I.WAITING:
                await self._save_item(replace(item, state=_I.LEFT_OUT, at=self._clock.now()))
        await self._save(
            replace(self._run(run_id), state=state, pause=None, pause_until=None, ended_at=self._clock.now())
        )

    async def _save(self, run: SwitchRun) -> None:
        """Store *run* without its items: those in memory are newer."""
        await self._repository.save_run(run)
        self._runs[run.id] = replace(run, items=self._run(run.id).items)
        self._moved.set()
        self._bus.publish(SwitchesChanged(run.id))

    async def _save_item(self, item: SwitchItem) -> None:
        await self._repository.save_item(item)
        self._runs[item.run_id] = self._run(item.run_id).with_item(item)
        self._moved.set()
        self._bus.publish(SwitchesChanged(item.run_id))


def _subject(run: SwitchRun) -> dict[str, str]:
    return {"to": run.plan.target.value, "mentorados": str(len(run.items)), "dry_run": run.digest}
