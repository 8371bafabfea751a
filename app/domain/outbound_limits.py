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


def loosened(before: OutboundLimits, after: OutboundLimits) -> tuple[str, ...]:
    """The names of the limits that *after* loosens."""
    found = [
        name for name, range_ in RANGES.items() if (getattr(after, name) - getattr(before, name)) * range_.looser > 0
    ]
    if not _quiet_minutes(before) <= _quiet_minutes(after):
        found += [name for name in ("quiet_from", "quiet_to") if getattr(before, name) != getattr(after, name)]
    if after.partly_confirmed_counts and not before.partly_confirmed_counts:
        found.append("partly_confirmed_counts")
    return tuple(found)


def _quiet_minutes(limits: OutboundLimits) -> frozenset[int]:
    begin, end = (at.hour * 60 + at.minute for at in (limits.quiet_from, limits.quiet_to))
    if begin <= end:
        return frozenset(range(begin, end))
    return frozenset((*range(begin, 24 * 60), *range(end)))


def format_limits(limits: OutboundLimits, _at: datetime) -> str:
    """What differs from the defaults, for the audit."""
    return ", ".join(
        f"{each.name}={_text(value)}"
        for each in fields(limits)
        if (value := getattr(limits, each.name)) != getattr(DEFAULT_LIMITS, each.name)
    )


def _text(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)
