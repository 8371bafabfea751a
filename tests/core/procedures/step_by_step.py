"""The steps of one backup or restore, run by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.core.event_bus import EventBus
from app.core.procedures.restore import RestoreSteps
from app.core.procedures.steps import BackupSteps, Step, StepContext
from app.domain.audit import Actor
from app.domain.backup import BackupProgress
from app.domain.errors import Problem
from app.domain.link_status import LinkState, LinkStatus, Trigger
from app.domain.mentorado import LinkId
from app.domain.procedure import (
    STEPS,
    Procedure,
    ProcedureId,
    ProcedureInfo,
    ProcedureKind,
    StepData,
    StepName,
    StepRecord,
)
from app.domain.repositories import Transition
from app.storage.history.repository import SqlHistoryDump
from tests.clock import DAWN
from tests.core.secret_store import (
    TWO,
    SelectableSecretStore,
)
from tests.fakes import FakeTransitionLog

OFF, ON = LinkState.OFF, LinkState.CONNECTED


def line(link_id: LinkId, at: datetime, before: LinkState, after: LinkState) -> Transition:
    statuses = (LinkStatus(state=before, since=DAWN), LinkStatus(state=after, since=at))
    return Transition(link_id=link_id, at=at, trigger=Trigger.CONNECT, before=statuses[0], after=statuses[1])


@dataclass
class StepByStep:
    """The steps of one procedure, run by hand: each is given what those before it found."""

    secret_store: SelectableSecretStore
    kind: ProcedureKind
    begun_with: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    log: FakeTransitionLog = field(default_factory=FakeTransitionLog)
    bus: EventBus = field(default_factory=EventBus)
    facts: dict[StepName, StepData] = field(default_factory=dict)
    progress: list[BackupProgress] = field(default_factory=list)
    id: ProcedureId = TWO

    def __post_init__(self) -> None:
        v = self.secret_store
        restore = RestoreSteps(
            backups=v.backups,
            mentorados=v.mentorados,
            providers=v.backups._providers,
            transfer=SqlHistoryDump(v.database),
            history=v.history,
            transitions=self.log,
            bus=self.bus,
        )
        self.steps: dict[StepName, Step] = {
            step.name: step for step in (*BackupSteps(v.backups).steps(), *restore.steps())
        }

    def run(self) -> StepContext:
        head = ProcedureInfo(
            id=self.id,
            kind=self.kind,
            mentorado_id=self.secret_store.ana.id,
            actor=Actor(user="staff"),
            began_at=DAWN,
            facts=self.begun_with,
        )
        steps = tuple(StepRecord(name=name, facts=self.facts.get(name, {})) for name in STEPS[self.kind])
        return StepContext(procedure=Procedure(head=head, steps=steps), secret=self.secret, tell=self.progress.append)

    async def do(self, *names: StepName) -> StepData:
        """The steps after one another; what the last one found."""
        for name in names:
            step = self.steps[name]
            skipped = await step.skip(self.run())
            if skipped is not None:
                self._found(name, skipped)
                continue
            self._found(name, await step.before(self.run()))
            self._found(name, await step.do(self.run()))
        return self.facts[names[-1]]

    async def refused(self, name: StepName) -> Problem:
        with pytest.raises(Problem) as problem:
            await self.do(name)
        return problem.value

    def _found(self, name: StepName, facts: StepData) -> None:
        self.facts[name] = {**self.facts.get(name, {}), **facts}


def restoring(v: SelectableSecretStore, path: Path, **details: Any) -> StepByStep:
    return StepByStep(v, ProcedureKind.RESTORE, {"path": str(path)}, **details)
