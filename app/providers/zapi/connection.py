"""An open connection to one instance: what its poller finds out and what webhooks deliver, in the order it happened."""

from __future__ import annotations

from datetime import datetime

from app.domain.provider import Blocked, Connected, ConnectionEvent, Failed, Unreachable
from app.domain.repositories import Clock
from app.providers.polled_connection import PolledConnection
from app.providers.zapi.client import ZapiClient


class ZapiConnection(PolledConnection):
    """Its poller emits into it; the core reads it."""

    def __init__(self, instance: ZapiClient, clock: Clock) -> None:
        super().__init__(clock)
        self.instance = instance
        self.through = False  # whether it was connected when it was last asked
        self.showing_code = False
        self.typed_code_until: datetime | None = None  # somebody is typing a code on the phone
        self.account_stale = True  # whether it should be asked again whose number is linked

    def emit(self, event: ConnectionEvent) -> None:
        if self.over:
            return
        if isinstance(event, Connected | Unreachable | Blocked | Failed):
            self.through = isinstance(event, Connected)
        super().emit(event)

    def check_now(self) -> None:
        self.account_stale = True
        super().check_now()

    async def sleep(self, seconds: float) -> None:
        """Let time pass until the next question is due, or somebody wants it now, but never before Z-API wants one."""
        quiet, began = self.instance.take_pause(), self._clock.now()
        await self._sleep(max(seconds, quiet))
        while quiet and not self.over:
            began = min(began, now := self._clock.now())  # somebody may set the clock back
            if (left := quiet - (now - began).total_seconds()) <= 0:
                return
            await self._sleep(left)

    async def _sleep(self, seconds: float) -> None:
        if not self._asked:
            await super()._sleep(seconds)
        self._asked = False
