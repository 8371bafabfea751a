"""The desks of hosted providers over a core whose far ends are played."""

from __future__ import annotations

from typing import Protocol

from app.bootstrap.hosted import build_hosted_desks
from app.core.actions import Actions
from app.core.enrolments import Enrolments
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
    built = build_hosted_desks(
        enrolments=core.enrolments,
        supervisor=core.supervisor,
        actions=core.actions,
        providers=core.providers,
        secrets=secrets or PlayedVault(),
        tries=tries or PlayedTries(),
        witness=core.witness,
        clock=clock,
    )
    return Hosted(
        kinds=tuple(core.providers),
        choice=built.choice,
        credentials=built.credentials,
        queue=built.queue,
        details=built.details,
        registration=built.registration,
    )
