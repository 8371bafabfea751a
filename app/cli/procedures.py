"""What the commands that run a procedure share: waiting for it, and what it failed with."""

from __future__ import annotations

import asyncio
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.procedure import Procedure, ProcedureState
from app.services import Services

MOVING: Final = frozenset({ProcedureState.RUNNING, ProcedureState.UNDOING})
"""The states in which a procedure goes on by itself."""


async def wait_until_settled(core: Services, procedure: Procedure, moved: asyncio.Event) -> Procedure:
    """Wait until the procedure ends or waits for a person, and return it."""
    while True:
        moved.clear()
        latest = await core.procedures.latest(procedure.head.mentorado_id)
        now = next(each for each in latest if each.head.id == procedure.head.id)
        if now.state not in MOVING:
            return now
        await moved.wait()


async def undo_if_possible(core: Services, procedure: Procedure, moved: asyncio.Event) -> Procedure:
    """Undo the procedure where there is a way back, and return it as it is then."""
    now = core.procedures.active(procedure.head.mentorado_id)
    if now is None or not now.can_be_undone:
        return procedure
    await core.procedures.undo(procedure.head.id)
    return await wait_until_settled(core, procedure, moved)


def problem_of(procedure: Procedure) -> Exception:
    """What the step that failed said."""
    step = procedure.next_step
    facts = dict(step.facts) if step else {}
    code = facts.pop("code", "")
    return Problem(ProblemCode(code), **facts) if code in set(ProblemCode) else RuntimeError(f"a step broke: {code}")
