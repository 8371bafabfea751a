"""Switches the providers' detailed log on for as long as somebody chose, and off by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.core.bus import Bus
from app.core.operator_desk import LONGEST_LOG, OperatorDesk
from app.domain.events import OperatorSettingsChanged
from app.domain.ports import Clock
from app.domain.provider import CanLogInDetail, Provider

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0
"""The end is looked for by the wall clock this often: a computer that slept would otherwise log for longer."""


class ProviderLog:
    """Follows the operator's switch, and *from_start* the one that was set before the program started."""

    def __init__(
        self,
        *,
        bus: Bus,
        desk: OperatorDesk,
        providers: Iterable[Provider],
        clock: Clock,
        from_start: timedelta | None = None,
    ) -> None:
        self._bus = bus
        self._desk = desk
        self._providers = [provider for provider in providers if isinstance(provider, CanLogInDetail)]
        self._clock = clock
        self._start_until = None if from_start is None else clock.now() + from_start
        self._look = asyncio.Event()
        self._on: bool | None = None
        bus.subscribe(OperatorSettingsChanged, self._on_changed)

    @property
    def until(self) -> datetime | None:
        """When the detailed log ends by itself; None while it is off."""
        now, chosen = self._clock.now(), self._desk.settings.provider_log_until
        if chosen is not None and chosen > now + LONGEST_LOG:
            chosen = None  # nobody can choose so long: it was reckoned by a clock that was wrong
        latest = max((end for end in (chosen, self._start_until) if end is not None), default=None)
        return latest if latest is not None and latest > now else None

    async def run(self) -> None:
        """Keep the providers as they should be until cancelled."""
        while True:
            self._look.clear()
            until = self.until
            self._switch(on=until is not None)
            async with asyncio.TaskGroup() as group:
                alarm = group.create_task(self._wake_at(until)) if until is not None else None
                await self._look.wait()
                if alarm is not None:
                    alarm.cancel()

    async def switch_on(self, duration: timedelta) -> None:
        """Write it for *duration* from now."""
        await self._desk.switch_provider_log_on(duration)

    async def switch_off(self) -> None:
        """End it now, whoever switched it on."""
        await self._desk.switch_provider_log_off()
        self._start_until = None
        self._look.set()

    async def _wake_at(self, until: datetime) -> None:
        left = (until - self._clock.now()).total_seconds()
        await self._clock.sleep(min(left, LOOK_AGAIN_SECONDS))
        self._look.set()

    def _switch(self, *, on: bool) -> None:
        if on == self._on:
            return
        self._on, was_on = on, self._on
        for provider in self._providers:
            provider.set_detailed_log(on)
        log.info("The providers' detailed log is %s", "on" if on else "off")
        if was_on:
            self._bus.publish(OperatorSettingsChanged(self._desk.settings))

    def _on_changed(self, _event: OperatorSettingsChanged) -> None:
        self._look.set()
