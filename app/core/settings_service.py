"""What operators decide while the program runs: checked, stored, written down, and told to the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.domain.audit import AuditAction, AuditOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.events import OperatorSettingsChanged
from app.domain.provider import HasDebugLog, Provider
from app.domain.repositories import Clock, SettingsRepository
from app.domain.settings import OperatorSettings
from app.domain.webhooks import WebhookSettings

LONGEST_NAME: Final = 80
LEAST_DAYS, MOST_DAYS = 1, 36_500
LONGEST_LOG: Final = timedelta(days=7)
"""Detail is for diagnosis: it must not become the normal state of things."""


class SettingsService:
    """Holds the decisions. Each change is on disk with its audit entry first, then true."""

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
        """What is decided now; the defaults until `load`."""
        return self._settings

    async def load(self) -> None:
        """Read what was decided in former runs."""
        self._settings = await self._store.load()
        self.loaded.set()
        self._bus.publish(OperatorSettingsChanged(self._settings))

    async def follow(self) -> None:
        """Take up what another program decided."""
        async with self._changing:
            now = await self._store.load()
            if now != self._settings:
                self._settings = now
                self._bus.publish(OperatorSettingsChanged(now))

    async def set_operator_name(self, typed: str) -> None:
        """Who is at the keyboard; it stands beside the computer's user in the audit from the next deed on."""
        name = " ".join(typed.split())[:LONGEST_NAME]
        async with self._changing:
            before = self._settings
            await self._change(
                AuditAction.SET_OPERATOR_NAME, replace(before, operator_name=name), before.operator_name, name
            )

    async def set_retention(self, days: int | None) -> None:
        """Remove messages older than *days*, once a day from the next time on; None keeps everything."""
        if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
            raise Problem(ProblemCode.RETENTION_INVALID, least=str(LEAST_DAYS), most=str(MOST_DAYS))
        async with self._changing:
            before = self._settings
            await self._change(
                AuditAction.SET_RETENTION,
                replace(before, retention_days=days),
                _days(before.retention_days),
                _days(days),
            )

    def decline_retention(self, days: int) -> None:
        """Somebody was asked whether to keep less, and left it."""
        kept, wanted = _days(self._settings.retention_days), _days(days)
        self._audit_service.record(
            AuditAction.SET_RETENTION,
            before={"value": kept},
            after={"value": wanted},
            outcome=AuditOutcome.DECLINED,
        )

    async def switch_provider_log_on(self, duration: timedelta) -> None:
        """Write the providers' detailed log for *duration* from now; asked again, from then."""
        if not timedelta() < duration <= LONGEST_LOG:
            raise ValueError(duration)
        async with self._changing:
            await self._change_log(replace(self._settings, provider_log_until=self._clock.now() + duration))

    async def switch_provider_log_off(self) -> None:
        """End the detailed log now."""
        async with self._changing:
            await self._change_log(replace(self._settings, provider_log_until=None))

    async def set_webhooks(self, webhooks: WebhookSettings) -> None:
        """Receive them there, or not; whether one can listen there is found out before."""
        async with self._changing:
            before = self._settings
            await self._change(
                AuditAction.SET_WEBHOOKS,
                replace(before, webhooks=webhooks),
                _webhooks(before.webhooks),
                _webhooks(webhooks),
            )

    async def _change_log(self, after: OperatorSettings) -> None:
        before = self._until_text(self._settings.provider_log_until)
        await self._change(AuditAction.SET_PROVIDER_LOG, after, before, self._until_text(after.provider_log_until))

    def _until_text(self, until: datetime | None) -> str:
        return "off" if until is None or until <= self._clock.now() else f"until {until.isoformat()}"

    async def _change(self, record: AuditAction, after: OperatorSettings, text_before: str, text_after: str) -> None:
        if after == self._settings:
            return
        with self._audit_service.with_changes(record, before={"value": text_before}, after={"value": text_after}):
            await self._store.save(after, self._clock.now())
        self._settings = after  # only now, so that a change of the operator's name is signed with the old one
        self._bus.publish(OperatorSettingsChanged(after))


def _webhooks(webhooks: WebhookSettings) -> str:
    where = f"{webhooks.address}:{webhooks.port} {webhooks.public_url}".strip()
    return f"{'on' if webhooks.on else 'off'} {where}"


def _days(days: int | None) -> str:
    return "off" if days is None else str(days)


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
        """When the detailed log ends by itself; None while it is off."""
        now, chosen = self._clock.now(), self._settings_service.settings.provider_log_until
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
        await self._settings_service.switch_provider_log_on(duration)

    async def switch_off(self) -> None:
        """End it now, whoever switched it on."""
        await self._settings_service.switch_provider_log_off()
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
