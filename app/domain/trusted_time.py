"""What is known of the time besides what this computer says: its clock can be years off, and what is removed by age, or
dated in the future, does not come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from app.domain.messages import MessageUpdate, ProviderMessage

SKEW_ALLOWED: Final = timedelta(minutes=5)
"""A clock this far from the provider's, or this far back, is good enough."""

FAR_AHEAD: Final = timedelta(days=3)
"""A clock further ahead of everything that is known is believed only once a provider or a person confirms it."""

MESSAGE_AHEAD: Final = timedelta(days=1)
"""Providers date messages by their own clocks; a message from further in the future was sent when it came."""

FIRST_MESSAGE: Final = datetime(2009, 1, 1, tzinfo=UTC)
"""WhatsApp began in 2009. An earlier date is a missing one."""


_MILLISECONDS: Final = 100_000_000_000
"""Seconds until the year 5138: a larger count is one of smaller units."""


def parse_timestamp(count: float) -> datetime | None:
    """The moment *count* seconds, milliseconds, microseconds or nanoseconds after 1970; None for anything else.

    WhatsApp's clients and servers mix the units, for the same thing too.
    """
    for _ in range(3):
        count = count / 1000 if count >= _MILLISECONDS else count
    return datetime.fromtimestamp(count, UTC) if 0 < count < _MILLISECONDS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMark:
    """The last trusted time, as stored. Dates later than *at* and up to *disregarded_until* are known to be wrong."""

    at: datetime
    disregarded_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDoubt:
    """The computer's clock is doubted; *trusted* is used instead."""

    computer: datetime
    trusted: datetime
    certain: bool  # a provider's time says so; else a person may say that the computer is right


def plausible(fact: MessageUpdate, latest: datetime) -> MessageUpdate:
    """*fact* without dates that cannot be: later than it came, which was at *latest*, or from before WhatsApp.

    What is no moment at all is left to the store, which refuses it.
    """
    try:
        if not isinstance(fact, ProviderMessage):
            return fact if fact.at <= latest + MESSAGE_AHEAD else replace(fact, at=latest)
        received_at = min(fact.received_at, latest)
        sent_at = fact.sent_at if FIRST_MESSAGE <= fact.sent_at <= latest + MESSAGE_AHEAD else received_at
    except TypeError:
        return fact
    if (sent_at, received_at) == (fact.sent_at, fact.received_at):
        return fact
    return replace(fact, sent_at=sent_at, received_at=received_at)
