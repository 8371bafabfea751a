"""Does something to all mentorados who are ticked, each through the same guarded action as one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from app.domain.actions import ActionName, UnavailableReason, already_sure
from app.domain.bulk_work import BulkKind, BulkWork
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import fold_accents
from app.domain.procedure import ENDED, Procedure, ProcedureKind, ProcedureState, StepState
from app.text.procedure import step_problem
from app.text.status import texts
from app.ui.async_slots import show_dialog
from app.ui.dialogs.for_many import ForManyDialog, WorkForMany
from app.ui.procedures.panel import procedures_of

_STANDS: Final = frozenset({*ENDED, ProcedureState.FAILED, ProcedureState.PAUSED})
"""It goes no further by itself."""

_RESUMABLE: Final = frozenset({ProcedureState.FAILED, ProcedureState.PAUSED})

if TYPE_CHECKING:
    from app.ui.action_runner import ActionRunner


async def archive(
    runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget, continues: BulkWork | None = None
) -> Sequence[MentoradoId]:
    """Archive *people* after their names were read. Returns those who were archived."""
    return await _run_for_each(runner, ActionName.ARCHIVE, BulkKind.ARCHIVE, people, over, continues)


async def take_on(
    runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget, continues: BulkWork | None = None
) -> Sequence[MentoradoId]:
    """Assign *people* to the current operator. Returns those who were."""
    return await _run_for_each(runner, ActionName.HANDLE, BulkKind.HANDLE, people, over, continues)


async def _run_for_each(
    runner: ActionRunner,
    name: ActionName,
    kind: BulkKind,
    people: Sequence[MentoradoId],
    over: QWidget,
    continues: BulkWork | None,
) -> Sequence[MentoradoId]:
    async def do(mentorado_id: MentoradoId, _typed: str) -> None:
        await runner.actions.run(name, mentorado_id, already_sure)

    able, refused = _sorted_out(runner, name, people)
    return await _ask(runner, over, WorkForMany(kind=kind, people=able, refused=refused, do=do, continues=continues))


async def put_in_cohort(
    runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget, continues: BulkWork | None = None
) -> Sequence[MentoradoId]:
    """Ask for a cohort, and put *people* in it. Returns those who were."""

    async def do(mentorado_id: MentoradoId, cohort: str) -> None:
        each = runner.mentorados.get(mentorado_id)
        await runner.mentorados.edit(mentorado_id, each.name, each.phone, cohort)

    everybody = _by_name([runner.mentorados.get(each) for each in people])
    work = WorkForMany(kind=BulkKind.COHORT, people=everybody, do=do, asks="line", continues=continues)
    return await _ask(runner, over, work)


async def back_up(
    runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget, continues: BulkWork | None = None
) -> Sequence[MentoradoId]:
    """Ask for one passphrase, and back up *people*. Returns those of whom there is a backup."""

    async def do(mentorado_id: MentoradoId, phrase: str) -> None:
        ended = await _backed_up(runner, mentorado_id, phrase)
        if ended.state is not ProcedureState.DONE:
            raise _why_not(ended)

    def done(phrase: str) -> str:
        return texts("many.back_up.done", protection=texts(f"archive.{'protected' if phrase else 'unprotected'}"))

    able, refused = _sorted_out(
        runner, ActionName.BACK_UP, people, again=lambda each: _open_backup(runner, each) is not None
    )
    work = WorkForMany(
        kind=BulkKind.BACK_UP, continues=continues, people=able, refused=refused, do=do, done=done, asks="passphrase"
    )
    return await _ask(runner, over, work)


async def _backed_up(runner: ActionRunner, mentorado_id: MentoradoId, phrase: str) -> Procedure:
    """Begin a backup, or go on with the one that failed or was interrupted, and wait until it goes no further."""
    procedures = procedures_of(runner)
    ended: asyncio.Future[Procedure] = asyncio.get_running_loop().create_future()

    def watch(event: ProcedureChanged) -> None:
        head, state = event.procedure.head, event.procedure.state
        is_it = head.mentorado_id == mentorado_id and head.kind is ProcedureKind.BACKUP
        if is_it and state in _STANDS and not ended.done():
            ended.set_result(event.procedure)

    undo = runner.bus.subscribe(ProcedureChanged, watch)
    try:
        stands = _open_backup(runner, mentorado_id)
        if stands is None:
            await procedures.begin(ProcedureKind.BACKUP, mentorado_id, secret=phrase)
        else:
            await procedures.resume(stands.head.id, secret=phrase)
        return await ended
    finally:
        undo()


def _open_backup(runner: ActionRunner, mentorado_id: MentoradoId) -> Procedure | None:
    """The backup that failed, or was interrupted."""
    procedure = procedures_of(runner).active(mentorado_id)
    if procedure is None or procedure.head.kind is not ProcedureKind.BACKUP:
        return None
    return procedure if procedure.state in _RESUMABLE else None


def _why_not(procedure: Procedure) -> Problem:
    """The problem of the step that failed. Without one it is still under way: somebody or a bug stopped it."""
    failed = next((step for step in procedure.steps if step.state is StepState.FAILED), None)
    if failed is not None and failed.facts.get("code") in set(ProblemCode):
        return step_problem(failed)
    why = UnavailableReason.UNDER_WAY
    return Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.BACK_UP, why=why)


async def _ask(runner: ActionRunner, over: QWidget, work: WorkForMany) -> Sequence[MentoradoId]:
    dialog = ForManyDialog(runner.theme, over, work, runner.bulk_work)
    await show_dialog(dialog)
    return dialog.done_for


def _sorted_out(
    runner: ActionRunner,
    name: ActionName,
    people: Sequence[MentoradoId],
    again: Callable[[MentoradoId], bool] = lambda _mentorado_id: False,
) -> tuple[Sequence[Mentorado], Sequence[tuple[Mentorado, Problem]]]:
    """Those for whom *name* can be done now or tried *again*, and the others with the reason."""
    able: list[Mentorado] = []
    refused: list[tuple[Mentorado, Problem]] = []
    for each in _by_name([runner.mentorados.get(each) for each in people]):
        why = runner.actions.unavailable_reason(name, each.id)
        if why is None or again(each.id):
            able.append(each)
        else:
            refused.append((each, Problem(ProblemCode.NOT_POSSIBLE_NOW, action=name, why=why)))
    return able, refused


def _by_name(people: Sequence[Mentorado]) -> list[Mentorado]:
    return sorted(people, key=lambda each: (fold_accents(each.name), each.id))
