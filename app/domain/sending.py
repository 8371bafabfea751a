"""Sending: outgoing messages, their results, and a provider's queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.messages import Address

SERVICE_WINDOW: Final = timedelta(hours=24)
"""How long after a contact's last message Meta lets anything but a template through (messages/send-messages)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMessage:
    """A template that the provider approved, and what fills its gaps in order."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One message to one contact. *reference* is our own id of it; a provider that can, hands it back."""

    to: Address
    text: str = ""
    template: TemplateMessage | None = None
    reference: str = ""
    last_inbound: datetime | None = None  # when this contact last wrote to us, as far as the history knows


class SendErrorKind(StrEnum):
    """Why a message was not sent, whatever the provider calls it."""

    AUTH = "auth"
    BILLING = "billing"
    NOT_CONNECTED = "not_connected"
    RATE_GLOBAL = "rate_global"
    RATE_PAIR = "rate_pair"
    WINDOW_CLOSED = "window_closed"
    RECIPIENT_INVALID = "recipient_invalid"
    OPTED_OUT = "opted_out"
    TEMPLATE = "template"
    POLICY_BLOCK = "policy_block"
    TRANSIENT = "transient"
    REQUEST = "request"  # we asked for something that is not possible
    UNKNOWN = "unknown"


TRIED_AGAIN: Final = frozenset({SendErrorKind.RATE_GLOBAL, SendErrorKind.RATE_PAIR, SendErrorKind.TRANSIENT})
"""The errors after which a message may be retried automatically."""

STOPS_NUMBER: Final = frozenset({SendErrorKind.AUTH, SendErrorKind.BILLING, SendErrorKind.POLICY_BLOCK})
"""The errors that stop all sending from the number until a person releases it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider accepted the message. Delivery is reported later, or never."""

    provider_id: str
    queue_id: str = ""  # to take it back with while it waits
    to: Address | None = None  # the address the provider uses for this contact; Brazil's ninth digit may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Nothing went out. *after* seconds it may be tried again; None is never, by itself."""

    trouble: SendErrorKind
    code: str = ""  # the provider's own
    detail: str = ""
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """The message may have been sent: no answer came. It is never resent automatically."""

    detail: str = ""


SendResult = Accepted | NotSent | Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A message that waits at the provider for the phone to be back."""

    id: str
    to: str  # as the provider writes it
    text: str = field(repr=False)
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text the provider approved, or did not."""

    name: str
    language: str
    category: str
    status: str
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDetails:
    """What a provider tells of a number besides its state. *facts* are codes and plain values, chosen words by code."""

    facts: Mapping[str, str]
    templates: tuple[Template, ...] = ()


def window_open(last_inbound: datetime | None, now: datetime) -> bool:
    """Whether anything but a template may be sent to a contact who wrote *last_inbound*."""
    return last_inbound is not None and now - last_inbound < SERVICE_WINDOW
