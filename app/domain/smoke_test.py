"""The smoke test of a link: one short message out, and an answer back, with the evidence for each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from app.domain.actions import UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.messages import Address, DeliveryStatus
from app.domain.outbound import HoldReason
from app.domain.phone import PhoneNumber, is_e164
from app.domain.sending import SendErrorKind

NO_NUMBER: Final = PhoneNumber("")


class SmokeTestTarget(StrEnum):
    """The recipient of a smoke test. Values are stored."""

    OWN = "own"  # the link's own number: nobody else is needed, and nobody answers
    PARTNER = "partner"  # another mentorado, who answers by themselves
    NUMBER = "number"  # a number of the business: a person answers


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTestSettings:
    """Whom the smoke tests of every link write to.

    *template* is the name of a template without gaps that Meta approved, for a number whose window is closed; its
    language follows a slash (``teste/pt_BR``).
    """

    target: SmokeTestTarget = SmokeTestTarget.OWN
    partner: str = ""  # a mentorado's id
    number: PhoneNumber = NO_NUMBER
    template: str = ""

    def checked(self) -> SmokeTestSettings:
        """Itself; raises `Problem` when the number of the business is none."""
        if self.target is SmokeTestTarget.NUMBER and not is_e164(self.number):
            raise Problem(ProblemCode.PHONE_INVALID if self.number else ProblemCode.PHONE_MISSING, typed=self.number)
        return self


class SmokeTestStage(StrEnum):
    """How far the message got, in this order. Stored."""

    SUBMITTED = "handed_over"
    ACCEPTED = "accepted"  # by the server: it can still vanish
    DELIVERED = "delivered"
    ANSWERED = "answered"


GOOD: Final = frozenset({SmokeTestOutcome.PASSED, SmokeTestOutcome.PARTLY})
"""The link can send, as far as can be seen."""


class SmokeTestTrouble(StrEnum):
    """Why a smoke test did not pass; each has its own next step. Stored."""

    NONE = "none"
    # before anything was sent
    NOT_CONNECTED = "not_connected"
    RESTRICTED = "restricted"
    STOPPED = "stopped"
    UNDER_WAY = "under_way"  # a recovery
    ARCHIVED = "archived"
    CANNOT_SEND = "cannot_send"
    NOT_TO_ITSELF = "not_to_itself"  # at this provider a number cannot write to itself
    PARTNER_OFFLINE = "partner_offline"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    TEST_LIMIT = "test_limit"
    SENDING_LIMIT = "sending_limit"
    # the provider refused it
    POLICY = "policy"  # 463, and what Meta calls a policy
    ACCESS = "access"
    BILLING = "billing"
    PROVIDER_LIMIT = "provider_limit"
    WINDOW_CLOSED = "window_closed"
    RECIPIENT = "recipient"
    TEMPLATE = "template"
    REFUSED = "refused"
    # it was handed over
    NO_ACK = "no_ack"  # it may have left
    DELIVERY_FAILED = "delivery_failed"  # the provider said so later
    NOT_DELIVERED = "not_delivered"
    DELIVERY_UNSEEN = "delivery_unseen"  # webhooks are on, and none ever came: no failure
    NO_ANSWER = "no_answer"
    PARTNER_HELD = "partner_held"  # it arrived there, and the answer was held back


_T, _H, _S = SmokeTestTrouble, HoldReason, SendErrorKind

HELD: Final[Mapping[HoldReason, SmokeTestTrouble]] = MappingProxyType(
    {
        **dict.fromkeys(_H, _T.SENDING_LIMIT),
        _H.NOT_CONNECTED: _T.NOT_CONNECTED,
        _H.CANNOT_SEND: _T.CANNOT_SEND,
        _H.NOT_A_PERSON: _T.RECIPIENT,
        _H.NO_ADDRESS: _T.RECIPIENT,
        _H.RESTRICTED: _T.RESTRICTED,
        _H.STOPPED: _T.STOPPED,
        _H.WINDOW_CLOSED: _T.WINDOW_CLOSED,
        _H.NO_CONSENT: _T.NO_CONSENT,
        _H.OPTED_OUT: _T.OPTED_OUT,
        _H.SMOKE_TEST_LIMIT: _T.TEST_LIMIT,
    }
)
"""Why nothing was sent, when the outbound service held it back."""

REFUSED: Final[Mapping[SendErrorKind, SmokeTestTrouble]] = MappingProxyType(
    {
        **dict.fromkeys(_S, _T.REFUSED),
        _S.AUTH: _T.ACCESS,
        _S.BILLING: _T.BILLING,
        _S.NOT_CONNECTED: _T.NOT_CONNECTED,
        _S.RATE_GLOBAL: _T.PROVIDER_LIMIT,
        _S.RATE_PAIR: _T.PROVIDER_LIMIT,
        _S.WINDOW_CLOSED: _T.WINDOW_CLOSED,
        _S.RECIPIENT_INVALID: _T.RECIPIENT,
        _S.OPTED_OUT: _T.OPTED_OUT,
        _S.TEMPLATE: _T.TEMPLATE,
        _S.POLICY_BLOCK: _T.POLICY,
    }
)
"""Why nothing went out, when the provider refused it."""

UNAVAILABLE: Final[Mapping[UnavailableReason, SmokeTestTrouble]] = MappingProxyType(
    {
        UnavailableReason.ARCHIVED: _T.ARCHIVED,
        UnavailableReason.UNDER_WAY: _T.UNDER_WAY,
        UnavailableReason.SEND_RESTRICTED: _T.RESTRICTED,
        UnavailableReason.SENDING_STOPPED: _T.STOPPED,
        UnavailableReason.NOT_CONNECTED: _T.NOT_CONNECTED,
    }
)
"""Why nothing was sent, when the action is not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTest:
    """One test, under way or over. *stages* has when each was seen."""

    mentorado_id: MentoradoId
    link_id: LinkId
    target: SmokeTestTarget
    began_at: datetime
    word: str = ""  # at random: by it the message is known again
    to: PhoneNumber = NO_NUMBER
    partner: MentoradoId | None = None
    expected: tuple[SmokeTestStage, ...] = tuple(SmokeTestStage)  # the stages that can be seen here
    stages: Mapping[SmokeTestStage, datetime] = field(default_factory=dict)
    reference: str = ""  # of its outbound message; empty when none was sent
    outcome: SmokeTestOutcome | None = None  # None while it is under way
    trouble: SmokeTestTrouble = SmokeTestTrouble.NONE
    code: str = ""  # the provider's own
    until: datetime | None = None  # when what held it back is over
    ended_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.outcome is not None


class SmokeTestRepository(Protocol):
    """The results of smoke tests, and what the history says of one that is under way."""

    async def add(self, test: SmokeTest) -> None:
        """Store a finished test."""
        ...

    async def latest(self) -> Sequence[SmokeTest]:
        """The last test of every link, cancelled ones aside, and the last that went well; in their order."""
        ...

    async def delivery(self, link_id: LinkId, provider_id: str) -> tuple[DeliveryStatus | None, str]:
        """How far the message with that id got, and why it failed; None while nothing was heard of it."""
        ...

    async def has_received(self, link_id: LinkId, *, receipts: bool) -> bool:
        """Whether anything was ever told of that link: with *receipts* what became of a message of its own, else a
        message to it."""
        ...

    async def arrived(
        self,
        mentorado_id: MentoradoId,
        since: datetime,
        *,
        word: str = "",
        sender: Address | None = None,
        link_id: LinkId | None = None,
    ) -> bool:
        """Whether a message with *word* in it, or of *sender*, came in for *mentorado_id* and was stored after
        *since*; with *link_id*, whether it came through that link, whichever link it came through before."""
        ...
