"""Campaigns: one text to the consenting contacts of a cohort, planned by a dry run and approved by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Final, NewType, Protocol

from app.domain.consent import ConsentState
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.domain.outbound import WAITS, Hold, HoldReason, OutboundMessage
from app.domain.prices import TemplateCategory
from app.domain.sending import OutgoingMessage, TemplateMessage

CampaignId = NewType("CampaignId", str)

MAX_TEXT: Final = 4096
"""Characters of a text message that Meta takes (reference/messages); the others take more."""

RECOMMENDED_FROM: Final = 50
"""Recipients of one link from which on the official provider is recommended. A cautious choice of ours: no limit is
published for linked devices."""


class CampaignState(StrEnum):
    """Stored: values may be added, never renamed."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  # by a person, for good
    FINISHED = "finished"


class PauseReason(StrEnum):
    """Why a campaign is paused. Stored."""

    PERSON = "person"
    INTERRUPTED = "interrupted"  # the program ended while it was sent
    FAILURES = "failures"  # too many messages failed


class RecipientState(StrEnum):
    """What became of one recipient. Stored."""

    WAITING = "waiting"
    ACCEPTED = "accepted"  # by the provider
    NOT_SENT = "not_sent"
    UNCERTAIN = "uncertain"  # it may have gone out; a case for a person


class PlaceholderName(StrEnum):
    """What a text may contain in braces, in Portuguese or English."""

    NAME = "name"  # of the contact
    MENTORADO = "mentorado"  # the name of whose number writes


_PLACEHOLDERS: Final[Mapping[str, PlaceholderName]] = {
    "nome": PlaceholderName.NAME,
    "name": PlaceholderName.NAME,
    "mentorado": PlaceholderName.MENTORADO,
}
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


def placeholders(text: str) -> tuple[frozenset[PlaceholderName], Sequence[str]]:
    """The placeholders in *text*, and what looks like one and is none: unknown words in braces, and lone braces."""
    found = [name.strip().casefold() for name in _BRACES.findall(text)]
    known = frozenset(_PLACEHOLDERS[name] for name in found if name in _PLACEHOLDERS)
    unknown = [f"{{{name}}}" for name in found if name not in _PLACEHOLDERS]
    return known, [*unknown, *(each for each in _BRACES.sub("", text) if each in "{}")]


def filled(text: str, values: Mapping[PlaceholderName, str]) -> str:
    """*text* with its placeholders replaced."""
    return _BRACES.sub(lambda match: values[_PLACEHOLDERS[match[1].strip().casefold()]], text)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """What is to be sent to whom. *text* goes through providers without templates, *template* through Meta.

    Both may contain placeholders: the template in its parameters.
    """

    name: str
    cohort: str = ""  # every mentorado of it, unless `mentorados` names some
    mentorados: tuple[MentoradoId, ...] = ()
    text: str = ""
    template: TemplateMessage | None = None
    category: TemplateCategory = TemplateCategory.MARKETING

    @property
    def parts(self) -> Sequence[str]:
        """What may contain placeholders."""
        return (self.text, *(self.template.parameters if self.template else ()))

    def names_contact(self, *, by_template: bool) -> bool:
        """Whether a recipient without a name cannot get it."""
        parts = self.parts[1:] if by_template else self.parts[:1]
        return any(PlaceholderName.NAME in placeholders(part)[0] for part in parts)

    def message(self, to: Address, *, by_template: bool, name: str, mentorado: str) -> OutgoingMessage:
        """What one recipient gets."""
        values = {PlaceholderName.NAME: name, PlaceholderName.MENTORADO: mentorado}
        if not by_template or self.template is None:
            return OutgoingMessage(to=to, text=filled(self.text, values))
        parameters = tuple(filled(each, values) for each in self.template.parameters)
        template = TemplateMessage(name=self.template.name, language=self.template.language, parameters=parameters)
        return OutgoingMessage(to=to, template=template)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRecipient:
    """One contact in a dry run; *excluded* says why they will not get the message, None that they will."""

    mentorado_id: MentoradoId
    address: Address
    name: str
    excluded: HoldReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLink:
    """One number in a dry run. *blocked* says why nobody of it gets anything; *duration* is a rough estimate.

    *recommends_official* is set where the official provider should do it, because there are so many recipients.
    """

    mentorado_id: MentoradoId
    recipients: int
    excluded: int
    duration: timedelta
    blocked: HoldReason | None = None
    recommends_official: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What Meta bills at most. *unknown* recipients live in countries whose rate is not in the list of *listed_at*."""

    amount: Decimal  # US dollars
    listed_at: datetime
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCandidate:
    """A contact of a mentorado who might get a campaign: *addresses*, the best first, and what the ledger has."""

    addresses: tuple[Address, ...]
    name: str
    wrote: bool  # to us, ever
    consent: ConsentState


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a campaign would do at *at*. Nothing was sent or stored. *price* is None where no provider bills."""

    draft: CampaignDraft
    at: datetime
    links: Sequence[PlannedLink]
    recipients: Sequence[PlannedRecipient]
    price: Price | None = None

    @property
    def included(self) -> Sequence[PlannedRecipient]:
        """Who would get the message."""
        return [each for each in self.recipients if each.excluded is None]

    @property
    def duration(self) -> timedelta:
        """How long it takes: the links send beside each other."""
        return max((link.duration for link in self.links), default=timedelta())

    @property
    def digest(self) -> str:
        """A hash of what is sent to whom. An approval is for this, and for nothing else."""
        parts = [repr(self.draft)]
        parts += sorted(
            f"{each.mentorado_id} {each.address.key} {each.name} {each.excluded}" for each in self.recipients
        )
        return sha256("\n".join(parts).encode()).hexdigest()


def exclusion(hold: Hold | None) -> HoldReason | None:
    """Why somebody is left out of a campaign because of *hold*; what time alone ends excludes nobody."""
    return None if hold is None or hold.reason in WAITS else hold.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign that was approved. It never changes but for its state."""

    id: CampaignId
    draft: CampaignDraft
    digest: str  # of the dry run that was approved
    approved_at: datetime
    approved_by: str
    state: CampaignState = CampaignState.RUNNING
    pause_reason: PauseReason | None = None
    ended_at: datetime | None = None
    counts: Mapping[RecipientState, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many recipients it has."""
        return sum(self.counts.values())

    @property
    def is_open(self) -> bool:
        """Whether anything may still be sent."""
        return self.state in (CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient of an approved campaign. Erased, the address and the name are empty."""

    campaign_id: CampaignId
    number: int  # counted from 1, in the order of sending
    mentorado_id: MentoradoId
    address: Address
    name: str
    state: RecipientState = RecipientState.WAITING
    reason: str = ""  # a `HoldReason` or `SendErrorKind`, for who did not get it
    code: str = ""  # the provider's own
    at: datetime | None = None  # when the state became known


class CampaignRepository(Protocol):
    """The campaigns and their recipients, on disk."""

    async def add(self, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
        """Store a campaign that was approved, in one transaction."""
        ...

    async def all(self) -> Sequence[Campaign]:
        """The latest first, with their counts."""
        ...

    async def get(self, campaign_id: CampaignId) -> Campaign | None: ...

    async def recipients(self, campaign_id: CampaignId, *, state: RecipientState | None = None) -> Sequence[Recipient]:
        """Those of a campaign, or those of them in *state*, in the order of sending."""
        ...

    async def candidates(self, mentorado_id: MentoradoId) -> Sequence[CampaignCandidate]:
        """Every person in the history or the ledger of consent of *mentorado_id*."""
        ...

    async def settle(self, campaign_id: CampaignId, at: datetime) -> None:
        """Mark who waits, or is uncertain, by what the record of outbound messages has of them."""
        ...

    async def mark(self, recipient: Recipient, message: OutboundMessage | None) -> None:
        """Store the state of a recipient who waited until now, and in the same transaction that of their *message*."""
        ...

    async def set_state(
        self, campaign_id: CampaignId, state: CampaignState, reason: PauseReason | None, ended_at: datetime | None
    ) -> None:
        """Change the state of a campaign, unless it has ended."""
        ...
