"""Tells over the list that the date of this computer is not believed, and lets a person say that it is right."""

from __future__ import annotations

from collections.abc import Callable

from app.core.trusted_time import ClockCheck
from app.domain.errors import Problem
from app.domain.events import ClockDoubted
from app.ui.banners import Banners, Choice
from app.ui.loop import asked
from app.ui.text import clock_doubt, texts

_CAUSE = "clock"


class ClockNotice:
    """One banner, which stays while the doubt does. Only what no provider denies can be confirmed."""

    def __init__(self, banners: Banners, check: ClockCheck, show_crash: Callable[[Exception], None]) -> None:
        self._banners = banners
        self._check = check
        self.show_crash = show_crash

    def on_doubted(self, event: ClockDoubted) -> None:
        self._banners.clear(_CAUSE)
        doubt = event.doubt
        if doubt is None:
            return
        choices: list[Choice] = [(lambda: texts("clock.look"), self._look)]
        if not doubt.certain:
            choices.append((lambda: texts("clock.confirm"), self._confirm))
        self._banners.show_words(lambda: clock_doubt(doubt), _CAUSE, dismissible=False, choices=choices)

    def show_problem(self, problem: Problem) -> None:
        self._banners.show_problem(problem)

    @asked
    async def _look(self) -> None:
        await self._check.look()

    @asked
    async def _confirm(self) -> None:
        await self._check.confirm()
