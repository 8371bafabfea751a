"""Does something to all mentorados who are ticked, each through the same guarded action as one alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import fold_accents
from app.ui.async_slots import show_dialog
from app.ui.dialogs.for_many import ForManyDialog, WorkForMany

if TYPE_CHECKING:
    from app.ui.action_runner import ActionRunner


async def archive(runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget) -> Sequence[MentoradoId]:
    """Archive *people* after their names were read. Returns those who were archived."""

    async def do(mentorado_id: MentoradoId, _typed: str) -> None:
        await runner.actions.run(ActionName.ARCHIVE, mentorado_id, _is_sure)

    able, refused = _sorted_out(runner, ActionName.ARCHIVE, people)
    return await _ask(runner, over, WorkForMany(words="archive", people=able, refused=refused, do=do))


async def put_in_cohort(runner: ActionRunner, people: Sequence[MentoradoId], over: QWidget) -> Sequence[MentoradoId]:
    """Ask for a cohort, and put *people* in it. Returns those who were."""

    async def do(mentorado_id: MentoradoId, cohort: str) -> None:
        each = runner.mentorados.get(mentorado_id)
        await runner.mentorados.edit(mentorado_id, each.name, each.phone, cohort)

    everybody = _by_name([runner.mentorados.get(each) for each in people])
    return await _ask(runner, over, WorkForMany(words="cohort", people=everybody, do=do, asks=True))


async def _ask(runner: ActionRunner, over: QWidget, work: WorkForMany) -> Sequence[MentoradoId]:
    dialog = ForManyDialog(runner.theme, over, work)
    await show_dialog(dialog)
    return dialog.done_for


def _sorted_out(
    runner: ActionRunner, name: ActionName, people: Sequence[MentoradoId]
) -> tuple[Sequence[Mentorado], Sequence[tuple[Mentorado, Problem]]]:
    """Those for whom *name* can be done now, and the others with the reason."""
    able: list[Mentorado] = []
    refused: list[tuple[Mentorado, Problem]] = []
    for each in _by_name([runner.mentorados.get(each) for each in people]):
        why = runner.actions.unavailable_reason(name, each.id)
        if why is None:
            able.append(each)
        else:
            refused.append((each, Problem(ProblemCode.NOT_POSSIBLE_NOW, action=name, why=why)))
    return able, refused


def _by_name(people: Sequence[Mentorado]) -> list[Mentorado]:
    return sorted(people, key=lambda each: (fold_accents(each.name), each.id))


async def _is_sure(_name: ActionName, _mentorado: Mentorado) -> bool:
    """Whoever is asked about all of them is not asked about each."""
    return True
