"""Tells over the list that a procedure waits for somebody, or ended, while they look at something else."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.events import ProcedureChanged
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureState
from app.ui.banners import Banners
from app.ui.recovery.words import title
from app.ui.text import texts

_TOLD = frozenset({ProcedureState.ASKING, ProcedureState.FAILED, ProcedureState.DONE})


class WaitingNotice:
    """One banner for each procedure, until it is looked at, put aside, or moves on."""

    def __init__(
        self,
        banners: Banners,
        name_of: Callable[[MentoradoId], str],
        is_seen: Callable[[MentoradoId], bool],
        show: Callable[[MentoradoId], None],
    ) -> None:
        self._banners = banners
        self._name_of = name_of
        self._is_seen = is_seen  # whether that mentorado's procedure is on show now
        self._show = show

    def on_changed(self, event: ProcedureChanged) -> None:
        procedure = event.procedure
        mentorado_id, cause = procedure.head.mentorado_id, _cause(procedure)
        self._banners.clear(cause)
        if procedure.state not in _TOLD or self._is_seen(mentorado_id):
            return

        def say() -> str:
            named = title(procedure.head.kind, self._name_of(mentorado_id))
            return texts(f"procedure.elsewhere.{procedure.state}", title=named)

        def see() -> None:
            self._banners.clear(cause)
            self._show(mentorado_id)

        self._banners.show_words(say, cause, choices=[(lambda: texts("procedure.see"), see)])


def _cause(procedure: Procedure) -> str:
    return f"procedure {procedure.head.id}"
