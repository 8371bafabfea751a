"""What Meta bills for a message, from a list that ages: the date is shown beside every price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.messages import Address, AddressKind


class TemplateCategory(StrEnum):
    """What Meta bills a template as. A free text is billed like UTILITY once a month's first 1,000 are used up."""

    MARKETING = "marketing"
    UTILITY = "utility"


PRICES_LISTED_AT: Final = datetime(2026, 10, 1, tzinfo=UTC)
"""When the rates below came into force."""

_RATES: Final[Mapping[str, tuple[Decimal, Decimal]]] = MappingProxyType(
    {
        "+55": (Decimal("0.0625"), Decimal("0.0068")),  # Brazil
        "+54": (Decimal("0.0618"), Decimal("0.0260")),  # Argentina
        "+56": (Decimal("0.0889"), Decimal("0.0200")),  # Chile
        "+57": (Decimal("0.0125"), Decimal("0.0008")),  # Colombia
    }
)
"""Marketing and utility, in US dollars a message, by the recipient's country calling code (Meta's rate card of October
2026, as a public copy of it has it)."""


def price_of(to: Address, category: TemplateCategory) -> Decimal | None:
    """US dollars for one message to *to*, before any discount for volume; None when the list does not have it."""
    if to.kind is not AddressKind.PHONE:
        return None
    for code, (marketing, utility) in _RATES.items():
        if to.value.startswith(code):
            return marketing if category is TemplateCategory.MARKETING else utility
    return None
