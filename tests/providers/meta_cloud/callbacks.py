"""How Meta's webhooks are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.domain.messages import (
    Address,
    AddressKind,
    ProviderMessage,
    WireUnknown,
)
from app.providers.meta_cloud.webhook_parser import parse
from tests.clock import DAWN
from tests.emulators.meta_cloud.webhooks import envelope

SENT_AT = datetime.fromtimestamp(1_760_000_000, UTC)
BIA = Address(AddressKind.PHONE, "+5521987650001")
BIA_ID = Address(AddressKind.META_USER, "BR.1502")


def message_in(*changes: dict[str, Any]) -> ProviderMessage:
    (callback,) = parse(envelope(*changes), DAWN)
    (fact,) = callback.facts
    assert isinstance(fact, ProviderMessage)
    return fact


def first_in(*changes: dict[str, Any]) -> ProviderMessage:
    (callback,) = parse(envelope(*changes), DAWN)
    fact = callback.facts[0]
    assert isinstance(fact, ProviderMessage)
    return fact


def unknown_in(*changes: dict[str, Any]) -> WireUnknown:
    (callback,) = parse(envelope(*changes), DAWN)
    *_, fact = callback.facts
    assert isinstance(fact, WireUnknown)
    return fact
