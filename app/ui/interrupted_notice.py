"""Offers, over the list, what was interrupted when the program ended. Nothing goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.domain.events import ProcedureChanged
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureId, ProcedureState
from app.ui.banners import Banners
from app.ui.text import texts

_CAUSE = "interrupted"
_MOVES = frozenset({ProcedureState.RUNNING, ProcedureState.UNDOING, ProcedureState.DONE, ProcedureState.UNDONE})


class InterruptedNotice:
    """One banner, about the oldest of them; the next has its turn once that one was taken up.

    *show* brings a mentorado's procedure into view, and lets it continue when it is called with True.
    """

    def __init__(
        self, banners: Banners, name_of: Callable[[MentoradoId], str], show: Callable[[MentoradoId, bool], None]
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._show = show
        self._left: dict[ProcedureId, Procedure] = {}

    def offer(self, unfinished: Iterable[Procedure]) -> None:
        """What was interrupted before this start, the oldest first. What asks or failed is told elsewhere."""
        paused = (procedure for procedure in unfinished if procedure.state is ProcedureState.PAUSED)
        self._left = {procedure.head.id: procedure for procedure in paused}
        self._tell()

    def on_changed(self, event: ProcedureChanged) -> None:
        """Whatever moves again was taken up."""
        if event.procedure.head.id in self._left and event.procedure.state in _MOVES:
            del self._left[event.procedure.head.id]
            self._tell()

    def _tell(self) -> None:
        self._banners.clear(_CAUSE)
        first = next(iter(self._left.values()), None)
        if first is None:
            return
        mentorado_id, more = first.head.mentorado_id, len(self._left) - 1

        def say() -> str:
            said = texts(f"procedure.interrupted.{first.head.kind}", name=self._name_of(mentorado_id))
            return f"{said} {texts.plural('procedure.interrupted_more', more)}" if more else said

        choices = [
            (lambda: texts("procedure.continue"), lambda: self._show(mentorado_id, True)),
            (lambda: texts("procedure.see"), lambda: self._show(mentorado_id, False)),
        ]
        self._banners.show_words(say, _CAUSE, choices=choices)
