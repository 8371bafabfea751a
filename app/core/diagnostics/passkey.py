"""A passkey that WhatsApp asks for, answered through the provider's browser extension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.actions import ActionService
from app.core.mentorado_service import MentoradoService
from app.domain.actions import ActionName, already_sure
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, MentoradoId, ProviderKind
from app.domain.provider import HasPasskeyExtension, Provider
from app.domain.repositories import Clock

ASK_EVERY: Final = 10.0
"""Seconds between two questions whether the passkey was answered: a code is asked for each time."""


@dataclass(frozen=True, slots=True)
class PasskeyToken:
    """What a person enters in the extension; a credential, so it stays out of every representation."""

    text: str = field(repr=False)
    expires_at: datetime


class PasskeyService:
    """Gets the token for the extension, waits until the passkey was answered, and connects then."""

    def __init__(
        self,
        *,
        mentorados: MentoradoService,
        actions: ActionService,
        providers: Mapping[ProviderKind, Provider],
        clock: Clock,
    ) -> None:
        self._mentorados = mentorados
        self._actions = actions
        self._providers = providers
        self._clock = clock

    async def token(self, mentorado_id: MentoradoId) -> PasskeyToken:
        """A new token for the extension. Raises `Problem`."""
        provider, link = self._provider(mentorado_id)
        return PasskeyToken(*await provider.extension_token(link))

    async def wait(self, mentorado_id: MentoradoId, token: PasskeyToken) -> bool:
        """Wait until the passkey was answered, and connect; False when *token* expired before. Raises `Problem`; what
        the provider does not answer is asked again."""
        provider, link = self._provider(mentorado_id)
        while self._clock.now() < token.expires_at:
            await self._clock.sleep(ASK_EVERY)
            try:
                asks = await provider.asks_for_passkey(link)
            except Problem as problem:
                if problem.code is not ProblemCode.PROVIDER_SILENT:
                    raise
                continue
            if not asks:
                await self._actions.run(ActionName.CONNECT, mentorado_id, already_sure)
                return True
        return False

    async def begin_anew(self, mentorado_id: MentoradoId) -> str:
        """Begin anew after an answer that failed; returns what the provider says of it. Raises `Problem`."""
        provider, link = self._provider(mentorado_id)
        return await provider.reset_passkey(link)

    def _provider(self, mentorado_id: MentoradoId) -> tuple[HasPasskeyExtension, Link]:
        link = self._mentorados.get(mentorado_id).link
        provider: object = self._providers.get(link.provider)
        if not isinstance(provider, HasPasskeyExtension):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW)
        return provider, link
