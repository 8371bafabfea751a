"""Announces on home that a switch of many waits for a person, or any switch for a second one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.domain.events import SwitchesChanged
from app.domain.switch import SwitchPause, SwitchRun, SwitchRunId, SwitchState
from app.text import switch_run as run_text
from app.text.status import texts
from app.ui.banners import Banners

_CAUSE = "switches"


class SwitchBanner:
    """One banner about the switch that waits, until it goes on or is looked at."""

    def __init__(
        self,
        banners: Banners,
        runs: Callable[[], Sequence[SwitchRun]],
        name_of: run_text.NameOf,
        show: Callable[[SwitchRunId], None],
    ) -> None:
        self._banners = banners
        self._runs = runs
        self._name_of = name_of
        self._show = show
        self._known: tuple[SwitchRunId, SwitchPause | None] | None = None

    def on_changed(self, _event: SwitchesChanged) -> None:
        waiting = [each for each in self._runs() if _is_announced(each)]
        known = (waiting[0].id, waiting[0].pause) if waiting else None
        if known == self._known:
            return
        self._known = known
        self._banners.clear(_CAUSE)
        if waiting:
            run = waiting[0]
            see = (lambda: texts("switches.see"), lambda: self._see(run.id))
            self._banners.show_words(lambda: run_text.announcement(run, self._name_of), _CAUSE, choices=[see])

    def _see(self, run_id: SwitchRunId) -> None:
        self._banners.clear(_CAUSE)
        self._show(run_id)


def _is_announced(run: SwitchRun) -> bool:
    """Whether *run* waits for somebody who may be elsewhere; the pane says the rest about a switch of one."""
    waits_for_second = run.state is SwitchState.AWAITING_SECOND
    return waits_for_second or (len(run.items) > 1 and run_text.needs_person(run))
