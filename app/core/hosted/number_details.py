"""What a provider tells of a number besides its state: asked when somebody wants to know, and kept with its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core.enrolments import Enrolments
from app.domain.errors import Code, Problem
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.ports import Clock
from app.domain.provider import CanDescribe, Provider
from app.domain.sending import NumberDetails


@dataclass(frozen=True, slots=True)
class Told:
    """What was told, and when."""

    details: NumberDetails
    at: datetime


class DetailsDesk:
    """Remembers the last answer for each link until the program ends; only `ask` asks the provider."""

    def __init__(self, *, enrolments: Enrolments, providers: Mapping[ProviderKind, Provider], clock: Clock) -> None:
        self._enrolments = enrolments
        self._providers = providers
        self._clock = clock
        self._told: dict[tuple[LinkId, ProviderKind], Told] = {}

    def tells(self, mentorado_id: MentoradoId) -> bool:
        """Whether this mentorado's provider tells anything."""
        kind = self._enrolments.get(mentorado_id).link.provider
        return isinstance(self._providers.get(kind), CanDescribe)

    def last(self, mentorado_id: MentoradoId) -> Told | None:
        link = self._enrolments.get(mentorado_id).link
        return self._told.get((link.id, link.provider))

    async def ask(self, mentorado_id: MentoradoId) -> Told:
        """Ask now. Raises `Problem(PROVIDER_SILENT)`; what was told before stays."""
        link = self._enrolments.get(mentorado_id).link
        provider: object = self._providers.get(link.provider)
        if isinstance(provider, CanDescribe):
            told = Told(await provider.details(link), self._clock.now())
            self._told[link.id, link.provider] = told
            return told
        raise Problem(Code.NOT_POSSIBLE_NOW, action="details")
