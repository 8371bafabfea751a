"""Procedures made of steps that do what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.core.procedures.steps import Step
from app.core.procedures.steps import StepContext as Given
from app.domain.backup import BackupPart, BackupProgress
from app.domain.mentorado import Mentorado
from app.domain.procedure import ProcedureId, ProcedureKind, ProcedureState, StepData, StepName
from tests.services import Core


class ScriptedSteps:
    """Steps of a restore (with a point of no return) that do as a test says, and remember what they were asked."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.problem: dict[str, Exception] = {}
        self.waits: dict[str, asyncio.Event] = {}
        self.secrets: list[str] = []
        self.happened = False
        self.skipped: set[StepName] = set()

    def steps(self) -> list[Step]:
        plain = [self._step(name) for name in (StepName.CHECK_ARCHIVE, StepName.BACK_UP)]
        merge = Step(
            name=StepName.MERGE_HISTORY,
            do=self._saying("do", StepName.MERGE_HISTORY),
            undo=self._saying("undo", StepName.MERGE_HISTORY),
            before=self._saying("before", StepName.MERGE_HISTORY),
            pause=self._saying("pause", StepName.MERGE_HISTORY),
            already_done=self._has_happened,
        )
        return [*plain, merge, self._step(StepName.RESTORE_SESSION, optional=True)]

    def _step(self, name: StepName, *, optional: bool = False) -> Step:
        async def skip(_given: Given) -> StepData | None:
            return {"why": "not needed"} if name in self.skipped else None

        return Step(
            name=name, do=self._saying("do", name), undo=self._saying("undo", name), skip=skip, optional=optional
        )

    def _saying(self, verb: str, name: StepName) -> Callable[[Given], Awaitable[StepData]]:
        async def say(given: Given) -> StepData:
            what = f"{verb} {name}"
            self.lines.append(what)
            self.secrets.append(given.secret)
            given.tell(BackupProgress(part=BackupPart.HISTORY, done=1, total=None))
            if what in self.waits:
                await self.waits[what].wait()
            if what in self.problem:
                raise self.problem[what]
            return {
                "said": what,
                "path": given.parameters.get("path", ""),
                "nothing": str(given.facts(StepName.COLLECT)),
            }

        return say

    async def _has_happened(self, _given: Given) -> StepData | None:
        return {"found": "yes"} if self.happened else None


class ScriptedProcedures(Core):
    """The core with played steps instead of the real ones."""

    worked: ScriptedSteps

    def __post_init__(self) -> None:
        self.worked = ScriptedSteps()
        super().__post_init__()

    def steps(self) -> list[Step]:
        return self.worked.steps()

    def again(self) -> ScriptedProcedures:
        """The program, started anew over the same disk."""
        return ScriptedProcedures(
            self.clock,
            mentorado_repository=self.mentorado_repository,
            log=self.log,
            audit=self.audit,
            journal=self.journal,
            backups=self.backups,
        )


async def asking(core: Core) -> tuple[Mentorado, ProcedureId]:
    """A restore that stands before its point of no return."""
    ana = await core.add()
    procedure = await core.begin(ProcedureKind.RESTORE, ana, facts={"path": "/backups/ana"})
    assert procedure.state is ProcedureState.ASKING
    return ana, procedure.head.id
