"""What the sheets of providers work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.hosted.credentials import CredentialsDesk
from app.core.hosted.number_details import DetailsDesk
from app.core.hosted.provider_choice import ProviderChoice
from app.core.hosted.queue_desk import QueueDesk
from app.core.hosted.registration import Registration
from app.domain.credentials import CredentialField
from app.domain.mentorado import MentoradoId, ProviderKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """The desks of the core that are about providers, and which providers there are."""

    kinds: tuple[ProviderKind, ...]
    choice: ProviderChoice
    credentials: CredentialsDesk
    queue: QueueDesk
    details: DetailsDesk
    registration: Registration
    drafts: dict[MentoradoId, Mapping[CredentialField, str]] = field(default_factory=dict, repr=False)
    """What was typed and not saved by who went to the settings first; gone when the program ends."""
