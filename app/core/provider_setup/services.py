"""The services around credentials and numbers, built together over one core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.actions import ActionService
from app.core.audit_service import AuditService
from app.core.links.supervisor import Supervisor
from app.core.mentorado_service import MentoradoService
from app.core.provider_setup.credentials import Accounts, CredentialService
from app.core.provider_setup.queue import OutboundQueueService
from app.core.provider_setup.registration import NumberRegistrationService
from app.core.provider_setup.selection import NumberDetailsService, ProviderSelectionService
from app.domain.mentorado import ProviderKind
from app.domain.provider import Provider
from app.domain.repositories import Clock, RegistrationAttempts, SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSetup:
    kinds: tuple[ProviderKind, ...]  # that there are
    choice: ProviderSelectionService
    credentials: CredentialService
    queue: OutboundQueueService
    details: NumberDetailsService
    registration: NumberRegistrationService


def build_provider_setup(
    *,
    mentorados: MentoradoService,
    supervisor: Supervisor,
    actions: ActionService,
    providers: Mapping[ProviderKind, Provider],
    secrets: SecretStore,
    tries: RegistrationAttempts,
    audit_service: AuditService,
    clock: Clock,
    accounts: Accounts,
) -> ProviderSetup:
    """Build the services around credentials and numbers; *accounts* are those that the providers ask, too."""
    return ProviderSetup(
        kinds=tuple(providers),
        choice=ProviderSelectionService(mentorados=mentorados, supervisor=supervisor, audit_service=audit_service),
        credentials=CredentialService(
            mentorados=mentorados,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            secrets=secrets,
            audit_service=audit_service,
            accounts=accounts,
        ),
        queue=OutboundQueueService(
            mentorados=mentorados,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            audit_service=audit_service,
        ),
        details=NumberDetailsService(mentorados=mentorados, providers=providers, clock=clock),
        registration=NumberRegistrationService(
            mentorados=mentorados,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            tries=tries,
            audit_service=audit_service,
            clock=clock,
        ),
    )
