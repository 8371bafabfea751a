"""The desks at which people give hosted providers what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.actions import Actions
from app.core.enrolments import Enrolments
from app.core.hosted.accounts import Accounts
from app.core.hosted.credentials import CredentialsDesk
from app.core.hosted.number_details import DetailsDesk
from app.core.hosted.provider_choice import ProviderChoice
from app.core.hosted.queue_desk import QueueDesk
from app.core.hosted.registration import Registration
from app.core.links.supervisor import Supervisor
from app.core.witness import Witness
from app.domain.mentorado import ProviderKind
from app.domain.ports import Clock, RegistrationTries, Secrets
from app.domain.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedDesks:
    choice: ProviderChoice
    credentials: CredentialsDesk
    queue: QueueDesk
    details: DetailsDesk
    registration: Registration


def build_hosted_desks(
    *,
    enrolments: Enrolments,
    supervisor: Supervisor,
    actions: Actions,
    providers: Mapping[ProviderKind, Provider],
    secrets: Secrets,
    tries: RegistrationTries,
    witness: Witness,
    clock: Clock,
    accounts: Accounts | None = None,
) -> HostedDesks:
    """Every desk over the same core; *accounts* are those that the providers ask, too."""
    return HostedDesks(
        choice=ProviderChoice(enrolments=enrolments, supervisor=supervisor, witness=witness),
        credentials=CredentialsDesk(
            enrolments=enrolments,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            secrets=secrets,
            witness=witness,
            accounts=accounts,
        ),
        queue=QueueDesk(
            enrolments=enrolments, supervisor=supervisor, actions=actions, providers=providers, witness=witness
        ),
        details=DetailsDesk(enrolments=enrolments, providers=providers, clock=clock),
        registration=Registration(
            enrolments=enrolments,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            tries=tries,
            witness=witness,
            clock=clock,
        ),
    )
