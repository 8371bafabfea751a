"""Registers a number at its provider and takes it off again: guarded, counted, and never tried again by itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, MentoradoId, ProviderKind
from app.domain.provider import CanRegister, Provider, RegistrationLocked
from app.domain.repositories import Clock, RegistrationAttempts

LIMIT: Final = 10
"""Tries in `WINDOW` that Meta accepts for one number; one more locks the number for as long again."""

WINDOW: Final = timedelta(hours=72)

_PIN = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class AttemptQuota:
    """The remaining attempts, and when the oldest used one expires; None while none was used."""

    left: int
    until: datetime | None


class NumberRegistrationService:
    """Makes one attempt at a time. The PIN is sent to the provider, and stored nowhere."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        supervisor: Supervisor,
        actions: ActionService,
        providers: Mapping[ProviderKind, Provider],
        tries: RegistrationAttempts,
        audit_service: AuditService,
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._actions = actions
        self._providers = providers
        self._tries = tries
        self._audit_service = audit_service
        self._clock = clock
        self._turn = asyncio.Lock()

    async def allowance(self, mentorado_id: MentoradoId) -> AttemptQuota:
        """The remaining attempts, shown before one is used."""
        link_id = self._mentorados.get(mentorado_id).link.id
        used = await self._tries.since(link_id, self._clock.now() - WINDOW)
        return AttemptQuota(max(0, LIMIT - len(used)), used[0] + WINDOW if used else None)

    async def register(self, mentorado_id: MentoradoId, pin: str) -> None:
        """Register the number with its six-digit PIN, and connect it where it only waited for that.

        Raises `Problem`: `PIN_INVALID` before anything is counted, `REGISTER_LIMIT` before anything is asked, or what
        the provider said.
        """
        if not _PIN.fullmatch(pin):
            raise Problem(ProblemCode.PIN_INVALID)
        await self._attempt(ActionName.REGISTER, mentorado_id, lambda provider, link: provider.register(link, pin))
        if self._actions.unavailable_reason(ActionName.CONNECT, mentorado_id) is None:
            await self._supervisor.connect(mentorado_id)

    async def deregister(self, mentorado_id: MentoradoId) -> None:
        """Take the number off, and end its link. Raises `Problem` as `register` does."""
        await self._attempt(ActionName.DEREGISTER, mentorado_id, lambda provider, link: provider.deregister(link))
        await self._supervisor.disconnect(mentorado_id)

    async def _attempt(
        self, name: ActionName, mentorado_id: MentoradoId, ask: Callable[[CanRegister, Link], Awaitable[None]]
    ) -> None:
        async with self._turn:
            self._actions.require(name, mentorado_id)
            link = self._mentorados.get(mentorado_id).link
            provider: object = self._providers.get(link.provider)
            if not isinstance(provider, CanRegister):
                raise Problem(ProblemCode.PROVIDER_UNAVAILABLE, provider=link.provider)
            left: dict[str, str] = {}
            async with self._audit_service.around(name, self._mentorados.get(mentorado_id), after=lambda: left):
                try:
                    await self._record_attempt(link.id)
                    await ask(provider, link)
                except RegistrationLocked:
                    raise await self._record_lockout(link.id) from None
                finally:
                    left["tries_left"] = str((await self.allowance(mentorado_id)).left)

    async def _record_attempt(self, link_id: LinkId) -> None:
        """Store an attempt before it is made: its outcome is unknown if the program ends meanwhile."""
        now = self._clock.now()
        used = await self._tries.since(link_id, now - WINDOW)
        if len(used) >= LIMIT:
            raise _limit(used[-LIMIT] + WINDOW)
        await self._tries.add(link_id, now)

    async def _record_lockout(self, link_id: LinkId) -> Problem:
        """Use up all attempts: the provider counted more than we did, and locked the number."""
        now = self._clock.now()
        for _ in range(LIMIT - len(await self._tries.since(link_id, now - WINDOW))):
            await self._tries.add(link_id, now)
        return _limit(now + WINDOW)


def _limit(until: datetime) -> Problem:
    return Problem(ProblemCode.REGISTER_LIMIT, count=str(LIMIT), until=f"{until.astimezone():%Y-%m-%d %H:%M}")
