"""Removes old messages once a day, when somebody decided so."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from app.core.bus import Bus
from app.core.operator_desk import OperatorDesk
from app.core.trusted_time import TrustedClock
from app.core.witness import Witness
from app.domain.deeds import DeedName
from app.domain.errors import Problem
from app.domain.events import HistoryShrank
from app.domain.ports import PersonalHistory

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
LOOK_AGAIN_SECONDS = 3600.0
"""The day is measured by the wall clock, which a computer that slept is ahead with."""


AT_ONCE_LEAST: Final = 1_000
AT_ONCE_SHARE: Final = 5
"""A fifth of all messages goes in a day at most, or a thousand: a mistake is noticed before all is gone."""


class Retention:
    """Off until a number of days is set. A change counts from the next time on, so that a slip can be undone. While the
    computer's date is in doubt, nothing goes."""

    def __init__(
        self, *, bus: Bus, desk: OperatorDesk, history: PersonalHistory, witness: Witness, clock: TrustedClock
    ) -> None:
        self._bus = bus
        self._desk = desk
        self._history = history
        self._witness = witness
        self._clock = clock

    async def run(self) -> None:
        """Look at once, then daily, until cancelled."""
        await self._desk.loaded.wait()
        done_at: datetime | None = None
        while True:
            now = self._clock.now()
            if done_at is None or now - done_at >= EVERY:
                done_at = now if await self.forget_old() else None  # what failed is tried again at the next look
            await self.complete_erasures()
            await self._clock.sleep(LOOK_AGAIN_SECONDS)

    async def complete_erasures(self) -> None:
        """Write the database anew, where an erasure found no room for it."""
        try:
            if await self._history.traces_left():
                await self._history.overwrite()
        except Problem as problem:
            log.warning("The database could not be written anew after an erasure, and is tried again: %s", problem.code)

    async def forget_old(self) -> bool:
        """Remove what is older than the operator decided; returns whether the disk and the clock allowed it."""
        days = self._desk.settings.retention_days
        if days is None:
            return True
        try:
            if not await self._clock.may_remove():
                log.info("Old messages stay: the date of this computer is in doubt")
                return False
            at_most = max(AT_ONCE_LEAST, await self._history.total() // AT_ONCE_SHARE)
            moment = self._clock.now() - timedelta(days=days)
            with self._witness.with_each_change(
                DeedName.FORGET_OLD, lambda count: {"days": str(days), "messages": str(count)}
            ):
                count = await self._history.forget_before(None, moment, at_most=at_most)
        except Problem as problem:
            log.warning("Old messages could not be removed and are tried again: %s", problem.code)
            return False
        if count:
            self._bus.publish(HistoryShrank(None))
        return True
