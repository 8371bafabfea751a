"""Webhooks: where they are received, who may send them, and what became of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import MessageUpdate
from app.domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """The address on which webhooks are received. Off by default."""

    on: bool = False
    address: str = "127.0.0.1"
    port: int = 8790
    public_url: str = ""  # how the provider reaches it: what a relay or tunnel of the team's own answers to


class DeliveryOutcome(StrEnum):
    """The outcome of one request. Values are stored: they key the counts."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same again: answered as accepted
    CHALLENGE = "challenge"  # Meta asked whether we are who we say
    # refused: nothing changed
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    TOKEN_WRONG = "token_wrong"  # noqa: S105 - of a challenge
    OTHER_ACCOUNT = "other_account"  # a right signature or path, and somebody else's instance or number
    UNKNOWN_PATH = "unknown_path"
    WRONG_METHOD = "wrong_method"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    MALFORMED = "malformed"
    NO_ROOM = "no_room"  # too much at once, or no room on the disk
    NOT_READY = "not_ready"  # the secrets it would be checked with cannot be read now
    # accepted, and then
    UNREADABLE = "unreadable"  # not what the provider says it sends; set aside


REFUSED: Final = frozenset(DeliveryOutcome) - {
    DeliveryOutcome.ACCEPTED,
    DeliveryOutcome.DUPLICATE,
    DeliveryOutcome.CHALLENGE,
    DeliveryOutcome.UNREADABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The URL path and credentials for deliveries about one link."""

    link_id: LinkId
    provider: ProviderKind
    key: str  # Z-API's instance id, Meta's phone number id
    secret: str = field(repr=False)  # Z-API: the end of the path; Meta: the app's secret, which signs
    number: PhoneNumber | None = field(default=None, repr=False)  # the WhatsApp number that the link must have


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointList:
    """All endpoints. Not *complete* while secrets are locked: unknown requests may be valid then."""

    endpoints: tuple[Endpoint, ...] = ()
    verify_token: str = field(default="", repr=False)  # what Meta's challenge must know
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedWebhook:
    """What one webhook delivery says about one account; a delivery may carry several, in any order, and repeat them.

    A provider's parser is ``(body: bytes, received_at: datetime) -> Sequence[Callback]``: it raises `ValueError` for
    what is no such body, and leaves out what it does not know.
    """

    key: str  # whose it is: Z-API's instance id, Meta's phone number id; empty for all it may be about
    facts: tuple[MessageUpdate, ...] = ()
    check: bool = False  # the state of the connection may have changed: worth asking at once
    number: PhoneNumber | None = None  # the WhatsApp number that it says it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryBatch:
    """Facts from deliveries about a link, to be stored and then confirmed with *mark*."""

    link_id: LinkId
    mark: int
    facts: tuple[MessageUpdate, ...]
    check: bool


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How often it happened, ever, and when last."""

    link_id: LinkId | None  # None: nobody can say whose it was
    outcome: DeliveryOutcome
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class WebhookStats:
    """All counts as they are now, and how many deliveries of each link wait for its connection to be open."""

    counts: tuple[OutcomeCount, ...]
    waiting: Mapping[LinkId, int]


class RunningWebhookServer(Protocol):
    """A running webhook server. It redelivers what was not confirmed."""

    @property
    def port(self) -> int:
        """The port it listens on; 0 when it only delivers its backlog."""
        ...

    def set_endpoints(self, endpoints: EndpointList) -> None:
        """Accept requests for *endpoints* from now on, and no others."""
        ...

    def events(self) -> AsyncIterator[DeliveryBatch | WebhookStats]:
        """Yield its events until it ends: because it failed, or its backlog is empty and it does not listen."""
        ...

    def confirm(self, link_id: LinkId, mark: int) -> None:
        """Confirm that everything delivered up to *mark* is stored."""
        ...

    def pause(self, link_id: LinkId) -> None:
        """Keep deliveries for *link_id* until `offer_again`: no connection takes them now."""
        ...

    def resume(self, link_id: LinkId) -> None:
        """Hand out again, from the first that is not confirmed."""
        ...


class WebhookServer(Protocol):
    """Receives webhooks. Costs nothing while it is not open."""

    def open(self, place: WebhookSettings | None) -> AbstractAsyncContextManager[RunningWebhookServer]:
        """Start listening at *place*; None only delivers the backlog. Raises `Problem` when it cannot listen there."""
        ...

    async def check_bind(self, place: WebhookSettings) -> None:
        """Raises the `Problem` that `open` would."""
        ...

    async def has_backlog(self) -> bool:
        """Whether accepted deliveries have not been stored yet."""
        ...
