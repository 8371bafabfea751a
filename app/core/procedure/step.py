"""What a step of a procedure is made of; `app.core.procedure.procedures` runs them, and others bring them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.domain.backup import BackupProgress
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Facts, Procedure, ProcedureId, StepName


def _unheard(_progress: BackupProgress) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a step is given: the *procedure* as its journal says when the step is asked.

    The *secret* (a passphrase) lives in memory only: it is empty after a restart unless a person types it again.
    *tell* says how far an archive is.
    """

    procedure: Procedure
    secret: str = field(default="", repr=False)
    tell: Callable[[BackupProgress], None] = _unheard

    @property
    def id(self) -> ProcedureId:
        return self.procedure.head.id

    @property
    def mentorado_id(self) -> MentoradoId:
        return self.procedure.head.mentorado_id

    @property
    def begun_with(self) -> Facts:
        """What the procedure was begun with: an archive's path, the reason of an override."""
        return self.procedure.head.facts

    def facts(self, name: StepName) -> Facts:
        """What step *name* has found or made so far; nothing for a step this kind of procedure does not have."""
        return next((step.facts for step in self.procedure.steps if step.name is name), {})


async def nothing(_run: Run) -> Facts:
    """There is nothing to do."""
    return {}


async def never(_run: Run) -> Facts | None:
    """It is not so."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, for every kind of procedure that has it.

    All of these may be called again after a crash in their middle, and must be right then, too. A `Problem` makes the
    step fail with its code and context as facts; it can be tried again. What they return is written into the journal:
    never a secret, never a whole phone number. They are cancelled when a person pauses, or the program ends.

    - *do* does it. The journal says that it began before it is called, and that it is done after it returned.
    - *undo* takes back what *do* did, whole, in part or not at all. It is not called for steps that never began.
    - *skip* returns facts (why) when the step is not needed any more; asked before it begins.
    - *before* is asked just before it begins, and for the step without way back before a person is asked to confirm.
      It raises `Problem` when the step must not begin. Its facts are in the journal before *do* is called, which is
      the place for whatever *happened* and *undo* compare with after a crash.
    - *happened* returns facts when a step that began, and is not known to have ended, was in fact done.
    - *pause* puts into a quiet state what a cancelled *do* leaves behind.
    - *optional* steps are tried twice; failing again, they are left out, with the fact `left_out`. Steps after the one
      without way back must be optional (or be sure to succeed in the end): a procedure must always come to an end.
    """

    name: StepName
    do: Callable[[Run], Awaitable[Facts]]
    undo: Callable[[Run], Awaitable[Facts]] = nothing
    skip: Callable[[Run], Awaitable[Facts | None]] = never
    before: Callable[[Run], Awaitable[Facts]] = nothing
    happened: Callable[[Run], Awaitable[Facts | None]] = never
    pause: Callable[[Run], Awaitable[Facts]] = nothing
    optional: bool = False
