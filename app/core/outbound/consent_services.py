"""Everything about consent, built together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.audit_service import AuditService
from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.consent_import import ConsentImport
from app.core.outbound.consents import ConsentService, OptOutConfirmations
from app.core.outbound.service import OutboundService
from app.domain.consent import ConsentRepository
from app.domain.repositories import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentServices:
    ledger: ConsentService
    imports: ConsentImport
    confirmations: OptOutConfirmations


def build_consent_services(
    bus: EventBus,
    mentorados: MentoradoService,
    consents: ConsentRepository,
    outbound: OutboundService,
    audit_service: AuditService,
    clock: Clock,
    confirmation: Callable[[], str],
) -> ConsentServices:
    """*confirmation* is what a contact who opted out is answered."""
    return ConsentServices(
        ledger=ConsentService(
            bus=bus, mentorados=mentorados, consents=consents, audit_service=audit_service, clock=clock
        ),
        imports=ConsentImport(
            bus=bus, mentorados=mentorados, consents=consents, audit_service=audit_service, clock=clock
        ),
        confirmations=OptOutConfirmations(
            bus=bus,
            mentorados=mentorados,
            consents=consents,
            outbound=outbound,
            audit_service=audit_service,
            clock=clock,
            text=confirmation,
        ),
    )
