"""What operators decide while the program runs: checked, stored, written down, and told to the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from app.core.bus import Bus
from app.core.witness import Witness
from app.domain.audit import AuditOutcome
from app.domain.deeds import DeedName
from app.domain.errors import Code, Problem
from app.domain.events import OperatorSettingsChanged
from app.domain.operator_settings import OperatorSettings
from app.domain.ports import Clock, OperatorSettingsStore
from app.domain.webhooks import WebhookSettings

LONGEST_NAME: Final = 80
LEAST_DAYS, MOST_DAYS = 1, 36_500
LONGEST_LOG: Final = timedelta(days=7)
"""Detail is for diagnosis: it must not become the normal state of things."""


class OperatorDesk:
    """Holds the decisions. Each change is on disk with its audit entry first, then true."""

    def __init__(self, *, bus: Bus, store: OperatorSettingsStore, witness: Witness, clock: Clock) -> None:
        self._bus = bus
        self._store = store
        self._witness = witness
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
                DeedName.SET_OPERATOR_NAME, replace(before, operator_name=name), before.operator_name, name
            )

    async def set_retention(self, days: int | None) -> None:
        """Remove messages older than *days*, once a day from the next time on; None keeps everything."""
        if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
            raise Problem(Code.RETENTION_INVALID, least=str(LEAST_DAYS), most=str(MOST_DAYS))
        async with self._changing:
            before = self._settings
            await self._change(
                DeedName.SET_RETENTION,
                replace(before, retention_days=days),
                _days(before.retention_days),
                _days(days),
            )

    def decline_retention(self, days: int) -> None:
        """Somebody was asked whether to keep less, and left it."""
        kept, wanted = _days(self._settings.retention_days), _days(days)
        self._witness.record(
            DeedName.SET_RETENTION,
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
                DeedName.SET_WEBHOOKS,
                replace(before, webhooks=webhooks),
                _webhooks(before.webhooks),
                _webhooks(webhooks),
            )

    async def _change_log(self, after: OperatorSettings) -> None:
        before = self._said(self._settings.provider_log_until)
        await self._change(DeedName.SET_PROVIDER_LOG, after, before, self._said(after.provider_log_until))

    def _said(self, until: datetime | None) -> str:
        return "off" if until is None or until <= self._clock.now() else f"until {until.isoformat()}"

    async def _change(self, deed: DeedName, after: OperatorSettings, said_before: str, said_after: str) -> None:
        if after == self._settings:
            return
        with self._witness.with_changes(deed, before={"value": said_before}, after={"value": said_after}):
            await self._store.save(after, self._clock.now())
        self._settings = after  # only now, so that a change of the operator's name is signed with the old one
        self._bus.publish(OperatorSettingsChanged(after))


def _webhooks(webhooks: WebhookSettings) -> str:
    where = f"{webhooks.address}:{webhooks.port} {webhooks.public_url}".strip()
    return f"{'on' if webhooks.on else 'off'} {where}"


def _days(days: int | None) -> str:
    return "off" if days is None else str(days)
