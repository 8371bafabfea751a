"""Deliveries that were not taken into the history: what they were, why, and what is kept of them.

A delivery is set aside when its provider's words for it are not known here, or when the database refuses it. It is
counted and shown, and nothing behind it waits.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.messages import Address, DeliveryReceipt, ProviderMessage, SetAsideReason, WirePreference, WireUnknown

PAYLOAD_LIMIT: Final = 64 << 10
"""The number of characters stored of one payload."""

PAYLOADS_LIMIT: Final = 32 << 20
"""Characters that are kept of all payloads of one link; beyond them only the count and the kind are."""


class NotStorable(Exception):
    """The store refuses these facts themselves: trying again changes nothing. *why* is a code without contents."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideDelivery:
    """One delivery that was set aside."""

    number: int  # grows with the order in which they were set aside
    link_id: LinkId
    mentorado_id: MentoradoId
    provider: ProviderKind
    kind: str  # the provider's own word for what it delivered, or `message` and `receipt` for a refused one
    reason: SetAsideReason
    detail: str  # a code; never contents
    at: datetime
    payload: str = field(repr=False)  # JSON, cut at `PAYLOAD_LIMIT`
    payload_size: int  # characters of the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideCount:
    """How many deliveries of one link were set aside for the same reason, and when the last one was."""

    link_id: LinkId
    mentorado_id: MentoradoId
    provider: ProviderKind
    kind: str
    reason: SetAsideReason
    count: int
    last: datetime


def refused(fact: ProviderMessage | DeliveryReceipt | WirePreference, why: str, at: datetime) -> WireUnknown:
    """*fact*, which the store refused, in the form in which it is set aside."""
    try:
        payload = json.dumps(asdict(fact), default=str)
    except ValueError:  # a number with more digits than Python writes out
        payload = ""
    kind, named = _named(fact)
    addresses = (each for each in named if isinstance(each, Address))  # one may be what cannot be stored
    return WireUnknown(
        kind=kind,
        payload=payload,
        at=at,
        about=tuple(dict.fromkeys(addresses)),
        reason=SetAsideReason.NOT_STORABLE,
        detail=why,
    )


def _named(fact: ProviderMessage | DeliveryReceipt | WirePreference) -> tuple[str, tuple[Address, ...]]:
    """The kind of *fact*, and the addresses in it."""
    if isinstance(fact, ProviderMessage):
        return "message", (*fact.chat, *fact.sender)
    return ("receipt", fact.chat) if isinstance(fact, DeliveryReceipt) else ("preference", fact.who)
