"""The operator settings: validates, stores, audits and publishes changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.domain.audit import AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import OperatorSettingsChanged
from app.domain.provider import HasDebugLog, Provider
from app.domain.repositories import Clock, SettingsRepository
from app.domain.settings import LEAST_REASON, LONGEST_LOG, PROVIDER_LOG, OperatorSettings, SettingField

T = TypeVar("T")


class SettingsService:
    """Holds the settings. A change is stored with its audit entry before it counts."""

    def __init__(self, *, bus: EventBus, store: SettingsRepository, audit_service: AuditService, clock: Clock) -> None:
        self._bus = bus
        self._store = store
        self._audit_service = audit_service
        self._clock = clock
        self._settings = OperatorSettings()
        self._changing = asyncio.Lock()
        self.loaded = asyncio.Event()

    @property
    def settings(self) -> OperatorSettings:
        """The current settings; the defaults until `load`."""
        return self._settings

    async def load(self) -> None:
        """Load the stored settings."""
        self._settings = await self._store.load()
        self.loaded.set()
        self._bus.publish(OperatorSettingsChanged(self._settings))

    async def follow(self) -> None:
        """Reload settings that another program changed."""
        async with self._changing:
            now = await self._store.load()
            if now != self._settings:
                self._settings = now
                self._bus.publish(OperatorSettingsChanged(now))

    async def change(self, field: SettingField[T], value: T, *, reason: str = "") -> None:
        """Store *value*. Raises `Problem` when the field refuses it, or when it protects less than
        the value before and there is no *reason*."""
        value, reason = field.check(value), " ".join(reason.split())
        async with self._changing:
            after = field.put(self._settings, value)
            if after == self._settings:
                return
            if field.loosens(field.get(self._settings), value) and len(reason) < LEAST_REASON:
                raise Problem(ProblemCode.REASON_MISSING, least=str(LEAST_REASON))
            now = self._clock.now()
            before_text, after_text = (field.format_value(field.get(each), now) for each in (self._settings, after))
            with self._audit_service.with_changes(
                field.action, before={"value": before_text}, after={"value": after_text}, reason=reason
            ):
                await self._store.save(after, now)
            self._settings = after  # only now, so that a change of the operator's name is signed with the old one
            self._bus.publish(OperatorSettingsChanged(after))

    def decline(self, field: SettingField[T], value: T) -> None:
        """Audit that changing *field* to *value* was declined."""
        now = self._clock.now()
        self._audit_service.record(
            field.action,
            before={"value": field.format_value(field.get(self._settings), now)},
            after={"value": field.format_value(value, now)},
            outcome=AuditOutcome.DECLINED,
        )


log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0
"""The end is looked for by the wall clock this often: a computer that slept would otherwise log for longer."""


class DebugLogController:
    """Follows the operator's switch, and *from_start* the one that was set before the program started."""

    def __init__(
        self,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        providers: Iterable[Provider],
        clock: Clock,
        from_start: timedelta | None = None,
    ) -> None:
        self._bus = bus
        self._settings_service = settings_service
        self._providers = [provider for provider in providers if isinstance(provider, HasDebugLog)]
        self._clock = clock
        self._start_until = None if from_start is None else clock.now() + from_start
        self._look = asyncio.Event()
        self._on: bool | None = None
        bus.subscribe(OperatorSettingsChanged, self._on_changed)

    @property
    def until(self) -> datetime | None:
        """When the detailed log expires; None while it is off."""
        now, chosen = self._clock.now(), self._settings_service.settings.provider_log_until
        if chosen is not None and chosen > now + LONGEST_LOG:
            chosen = None  # nobody can choose so long: it was reckoned by a clock that was wrong
        latest = max((end for end in (chosen, self._start_until) if end is not None), default=None)
        return latest if latest is not None and latest > now else None

    async def run(self) -> None:
        """Keep the detailed log of the providers in step with the setting, until cancelled."""
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
        """Switch the detailed log on for *duration* from now; a repeated call restarts it."""
        if not timedelta() < duration <= LONGEST_LOG:
            raise ValueError(duration)
        await self._settings_service.change(PROVIDER_LOG, self._clock.now() + duration)

    async def switch_off(self) -> None:
        """Switch the detailed log off."""
        await self._settings_service.change(PROVIDER_LOG, None)
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
            self._bus.publish(OperatorSettingsChanged(self._settings_service.settings))

    def _on_changed(self, _event: OperatorSettingsChanged) -> None:
        self._look.set()
