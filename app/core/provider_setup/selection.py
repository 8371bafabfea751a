"""Chooses the provider of a mentorado that never connected; for others there is `SwitchService`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.domain.actions import UnavailableReason
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import applies_to
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.provider import HasNumberDetails, Provider
from app.domain.repositories import Clock
from app.domain.sending import NumberDetails


class ProviderSelectionService:
    """The link keeps its id, unless one was prepared for the provider that is chosen: that one is put in use then.
    Credentials of the provider before stay where they are."""

    def __init__(self, *, mentorados: MentoradoService, supervisor: Supervisor, audit_service: AuditService) -> None:
        self._mentorados = mentorados
        self._supervisor = supervisor
        self._audit_service = audit_service

    def refusal(self, mentorado_id: MentoradoId) -> UnavailableReason | None:
        """Why the provider cannot be changed; None when it can."""
        mentorado = self._mentorados.get(mentorado_id)
        status = self._supervisor.status(mentorado.link.id)
        if mentorado.archived:
            return UnavailableReason.ARCHIVED
        if mentorado.link.account is not None:
            return UnavailableReason.CONNECTED_BEFORE
        beside = [self._supervisor.status(each.id) for each in self._mentorados.links_beside(mentorado_id)]
        if any(each.state not in (LinkState.OFF, LinkState.BLOCKED) for each in (status, *beside)):
            return UnavailableReason.STILL_RUNNING
        return UnavailableReason.DECIDE_ACCOUNT_FIRST if status.reason is Reason.WRONG_ACCOUNT else None

    async def choose(self, mentorado_id: MentoradoId, kind: ProviderKind) -> Mentorado:
        """Choose *kind*. Raises `Problem(NOT_POSSIBLE_NOW)` when `refusal` gives a reason."""
        before = self._mentorados.get(mentorado_id)
        if kind is before.link.provider:
            return before
        if why := self.refusal(mentorado_id):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=AuditAction.CHOOSE_PROVIDER, why=why)
        await self._supervisor.disconnect(mentorado_id)  # what blocked it was the other provider's
        link = self._mentorados.get(mentorado_id).link
        prepared = [each for each in self._mentorados.links_beside(mentorado_id) if each.provider is kind]
        values = ({"provider": link.provider.value}, {"provider": kind.value})
        with self._audit_service.with_changes(AuditAction.CHOOSE_PROVIDER, before, before=values[0], after=values[1]):
            if prepared:  # two links of one mentorado never have the same provider
                await self._supervisor.put_in_use(mentorado_id, prepared[0].id)
            else:
                await self._mentorados.save_link(replace(link, provider=kind))
        if not applies_to(kind, self._supervisor.status(self._mentorados.get(mentorado_id).link.id).reason):
            await self._supervisor.pause(mentorado_id)
        return self._mentorados.get(mentorado_id)


@dataclass(frozen=True, slots=True)
class CachedDetails:
    """A provider's details, and when they were fetched."""

    details: NumberDetails
    at: datetime


class NumberDetailsService:
    """Caches the details of each link until the program ends; only `fetch` asks the provider."""

    def __init__(
        self, *, mentorados: MentoradoService, providers: Mapping[ProviderKind, Provider], clock: Clock
    ) -> None:
        self._mentorados = mentorados
        self._providers = providers
        self._clock = clock
        self._cached: dict[tuple[LinkId, ProviderKind], CachedDetails] = {}

    def supported(self, mentorado_id: MentoradoId) -> bool:
        """Whether this mentorado's provider has details."""
        kind = self._mentorados.get(mentorado_id).link.provider
        return isinstance(self._providers.get(kind), HasNumberDetails)

    def cached(self, mentorado_id: MentoradoId) -> CachedDetails | None:
        link = self._mentorados.get(mentorado_id).link
        return self._cached.get((link.id, link.provider))

    async def fetch(self, mentorado_id: MentoradoId) -> CachedDetails:
        """Fetch the details. Raises `Problem(PROVIDER_SILENT)`; the cached ones stay then."""
        link = self._mentorados.get(mentorado_id).link
        provider: object = self._providers.get(link.provider)
        if isinstance(provider, HasNumberDetails):
            details = CachedDetails(await provider.details(link), self._clock.now())
            self._cached[link.id, link.provider] = details
            return details
        raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action="details")
