"""The desks of hosted providers over a core whose far ends are played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core.actions import Actions
from app.core.enrolments import Enrolments
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
from app.ui.credentials.hosted import Hosted
from tests.played_hosted import PlayedTries, PlayedVault


class Parts(Protocol):
    """What the desks need of a core, played or real."""

    enrolments: Enrolments
    supervisor: Supervisor
    actions: Actions
    witness: Witness
    providers: dict[ProviderKind, Provider]


def desks(core: Parts, clock: Clock, secrets: Secrets | None = None, tries: RegistrationTries | None = None) -> Hosted:
    """Every desk over *core*, with its secrets in memory unless told otherwise."""
    enrolments, supervisor, actions = core.enrolments, core.supervisor, core.actions
    providers: Mapping[ProviderKind, Provider] = core.providers
    witness = core.witness
    return Hosted(
        kinds=tuple(providers),
        choice=ProviderChoice(enrolments=enrolments, supervisor=supervisor, witness=witness),
        credentials=CredentialsDesk(
            enrolments=enrolments,
            supervisor=supervisor,
            actions=actions,
            providers=providers,
            secrets=secrets or PlayedVault(),
            witness=witness,
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
            tries=tries or PlayedTries(),
            witness=witness,
            clock=clock,
        ),
    )
