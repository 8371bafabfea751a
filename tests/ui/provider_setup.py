"""The desks of hosted providers over a core whose far ends are played."""

from __future__ import annotations

from typing import Protocol

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.provider_setup.services import ProviderSetup, build_provider_setup
from app.domain.mentorado import ProviderKind
from app.domain.provider import Provider
from app.domain.repositories import Clock, RegistrationAttempts, SecretStore
from tests.fake_providers import FakeSecretStore, FakeTries


class Parts(Protocol):
    """What the desks need of a core, played or real."""

    mentorados: MentoradoService
    supervisor: Supervisor
    actions: ActionService
    audit_service: AuditService
    providers: dict[ProviderKind, Provider]


def provider_services(
    core: Parts, clock: Clock, secrets: SecretStore | None = None, tries: RegistrationAttempts | None = None
) -> ProviderSetup:
    """Every desk over *core*, with its secrets in memory unless told otherwise."""
    return build_provider_setup(
        mentorados=core.mentorados,
        supervisor=core.supervisor,
        actions=core.actions,
        providers=core.providers,
        secrets=secrets or FakeSecretStore(),
        tries=tries or FakeTries(),
        audit_service=core.audit_service,
        clock=clock,
    )
