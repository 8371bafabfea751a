"""Between which values the limits of what goes out can be set, and which way is looser."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Final

from app.domain.errors import Problem, ProblemCode
from app.domain.outbound import OutboundLimits

DEFAULT_LIMITS: Final = OutboundLimits()


@dataclass(frozen=True, slots=True)
class LimitRange:
    """From *least* to *most*, both included; *looser* is 1 where more is looser, -1 where less is."""

    least: int
    most: int
    looser: int = 1


RANGES: Final = {
    "shortest_gap": LimitRange(1, 600, -1),
    "longest_gap": LimitRange(1, 3_600, -1),
    "per_minute": LimitRange(1, 60),
    "per_hour": LimitRange(1, 1_000),
    "per_day": LimitRange(1, 10_000),
    "per_recipient_hour": LimitRange(1, 60),
    "per_recipient_day": LimitRange(1, 200),
    "per_business_day": LimitRange(1, 100_000),
    "new_contacts_per_day": LimitRange(0, 1_000),
    "similar_texts_per_day": LimitRange(1, 1_000),
    "smoke_tests_per_hour": LimitRange(1, 10),
    "warm_up_days": LimitRange(0, 90, -1),
    "warm_up_first": LimitRange(1, 1_000),
    "smoke_test_hours": LimitRange(1, 168),
}
"""The limits that are numbers."""


def checked_limits(limits: OutboundLimits) -> OutboundLimits:
    """Itself; raises `Problem` that names the first limit out of its range."""
    for name, range_ in RANGES.items():
        least = max(range_.least, limits.shortest_gap) if name == "longest_gap" else range_.least
        if not least <= getattr(limits, name) <= range_.most:
            raise Problem(ProblemCode.LIMIT_INVALID, limit=name, least=str(least), most=str(range_.most))
    return limits


def described_limits(limits: OutboundLimits, _at: datetime) -> str:
    """What differs from the defaults, for the audit."""
    return ", ".join(
        f"{each.name}={_text(value)}"
        for each in fields(limits)
        if (value := getattr(limits, each.name)) != getattr(DEFAULT_LIMITS, each.name)
    )


def _text(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)
