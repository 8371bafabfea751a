"""How much may go out, how fast, and why a message is held back. Only `app.core.outbound.service` sends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Protocol

from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import LinkId, Mentorado
from app.domain.messages import Address
from app.domain.sending import SendErrorKind

DAY: Final = timedelta(days=1)


class HoldReason(StrEnum):
    """Why a message is not handed to the provider now. Those of `WAITS` end by themselves."""

    NOT_CONNECTED = "not_connected"
    NOT_IN_USE = "not_in_use"  # another link carries this mentorado's messages
    CANNOT_SEND = "cannot_send"  # this provider has no sending
    NOT_A_PERSON = "not_a_person"  # a group, a list or a channel
    NO_ADDRESS = "no_address"  # none of this contact's that the provider can write to
    RESTRICTED = "restricted"  # WhatsApp restricts the number (463): open chats may be answered, no new ones begun
    STOPPED = "stopped"  # after a ban, a restriction, a policy or billing error; a person releases it
    WINDOW_CLOSED = "window_closed"  # too long since this contact wrote: only an approved template goes through
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    QUIET_HOURS = "quiet_hours"
    PACE = "pace"  # too soon after the message before
    LINK_LIMIT = "link_limit"
    BUSINESS_LIMIT = "business_limit"
    RECIPIENT_LIMIT = "recipient_limit"
    NEW_CONTACT_LIMIT = "new_contact_limit"
    SMOKE_TEST_LIMIT = "smoke_test_limit"
    REPEATED_TEXT = "repeated_text"
    ALREADY_SENT = "already_sent"  # this campaign has written to them
    NAME_UNKNOWN = "name_unknown"  # and the text names them
    TEXT_MISSING = "text_missing"  # the campaign has only a template, and this provider has none
    SMOKE_TEST_NEEDED = "smoke_test_needed"  # before anything is sent in bulk
    TEXT_TOO_LONG = "text_too_long"  # once the names are in it
    ARCHIVED = "archived"  # the mentorado
    ERASED = "erased"  # the contact was erased before their turn


WAITS: Final = frozenset(
    {
        HoldReason.QUIET_HOURS,
        HoldReason.PACE,
        HoldReason.LINK_LIMIT,
        HoldReason.BUSINESS_LIMIT,
        HoldReason.RECIPIENT_LIMIT,
        HoldReason.NEW_CONTACT_LIMIT,
        HoldReason.SMOKE_TEST_LIMIT,
        HoldReason.REPEATED_TEXT,
    }
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a message is held back, and *until* when, where time alone ends it."""

    reason: HoldReason
    until: datetime | None = None


class OutboundState(StrEnum):
    """What is known of a message that was to go out."""

    RESERVED = "reserved"  # it counts, and is being handed to the provider
    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    UNCERTAIN = "uncertain"  # it may have gone out; it is never sent again by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message in the record of what went out. Its text is in the history, not here."""

    reference: str  # our own id of it
    link_id: LinkId
    recipient: str  # a hash: the same for every form of one number
    purpose: Purpose
    campaign: str = ""  # the id of the campaign it is part of
    campaign_number: int = 0  # of its recipient there: each has one message that may have left, never two
    reserved_at: datetime
    state: OutboundState = OutboundState.RESERVED
    provider_id: str = ""
    fingerprint: int = 0  # of its text: see `fingerprint`
    new_contact: bool = False  # the recipient never wrote to us
    trouble: SendErrorKind | None = None
    code: str = ""  # the provider's own

    @property
    def counts(self) -> bool:
        """Whether it may have left, and so counts for the limits."""
        return self.state is not OutboundState.NOT_SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundStop:
    """Nothing is sent from *link_id* until a person releases it, because of what the provider answered at *at*."""

    link_id: LinkId
    trouble: SendErrorKind
    code: str
    at: datetime
    detail: str = ""  # the provider's own words, without contents or tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundFacts:
    """What the database says, in one transaction, that decides whether a message may go out.

    *sent* is what the link sent within a day, *business_day* when any link did. *consent* is the ledger of this
    recipient, in the order of its recording.
    """

    recipient: str
    last_inbound: datetime | None = None
    consent: Sequence[tuple[ConsentChange, Purpose | None, datetime]] = ()
    sent: Sequence[OutboundMessage] = ()
    business_day: Sequence[datetime] = ()
    first_connected: datetime | None = None
    stop: OutboundStop | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundLimits:
    """Per link unless said otherwise. No limit of WhatsApp's is published for linked devices; these are cautious.

    The day's limit of a number that was just connected grows over `warm_up_days` from `warm_up_first`.
    """

    shortest_gap: int = 3  # seconds between two messages; the real one is chosen at random between these two
    longest_gap: int = 12
    per_minute: int = 5
    per_hour: int = 60
    per_day: int = 200
    per_recipient_hour: int = 6
    per_recipient_day: int = 20
    per_business_day: int = 1000  # over all links
    new_contacts_per_day: int = 20
    similar_texts_per_day: int = 3  # nearly the same text, to different recipients
    smoke_tests_per_hour: int = 3
    warm_up_days: int = 7
    warm_up_first: int = 20
    quiet_from: time = time(20)
    quiet_to: time = time(8)
    smoke_test_hours: int = 24  # how old the smoke test may be on which bulk use and a change of provider rely
    partly_confirmed_counts: bool = False  # as such a test, where the provider shows no more without webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that is to go out, as the limits see it."""

    recipient: str
    purpose: Purpose
    fingerprint: int
    new_contact: bool
    template: bool = False  # the provider approved its text, which repeats itself on purpose


def limits_hold(
    candidate: Candidate,
    sent: Sequence[OutboundMessage],
    now: datetime,
    limits: OutboundLimits,
    *,
    business_day: Sequence[datetime] = (),
    first_connected: datetime | None = None,
) -> Hold | None:
    """The limit that holds *candidate* back the longest, given what the link *sent* and what every link sent within a
    day (*business_day*); None when it may go now.

    What is dated after *now* (the clock was set back) counts as sent now: it never frees a place early.
    """
    counted = [each for each in sent if each.counts]
    holds = [
        hold
        for reason, times, window, most in _windows(candidate, counted, business_day, now, limits, first_connected)
        if (hold := _window_hold(reason, times, window, most, now)) is not None
    ]
    return max(holds, key=lambda hold: hold.until or now, default=None)


def _windows(
    candidate: Candidate,
    sent: Sequence[OutboundMessage],
    business_day: Sequence[datetime],
    now: datetime,
    limits: OutboundLimits,
    first_connected: datetime | None,
) -> Iterator[tuple[HoldReason, Sequence[datetime], timedelta, int]]:
    times = [each.reserved_at for each in sent]
    to_them = [each.reserved_at for each in sent if each.recipient == candidate.recipient]
    yield HoldReason.LINK_LIMIT, times, timedelta(minutes=1), limits.per_minute
    yield HoldReason.LINK_LIMIT, times, timedelta(hours=1), limits.per_hour
    connected_for = timedelta() if first_connected is None else max(now - first_connected, timedelta())
    yield HoldReason.LINK_LIMIT, times, DAY, _per_day(limits, connected_for)
    yield HoldReason.RECIPIENT_LIMIT, to_them, timedelta(hours=1), limits.per_recipient_hour
    yield HoldReason.RECIPIENT_LIMIT, to_them, DAY, limits.per_recipient_day
    yield HoldReason.BUSINESS_LIMIT, business_day, DAY, limits.per_business_day
    if candidate.purpose is Purpose.SMOKE_TEST:
        tests = [each.reserved_at for each in sent if each.purpose is Purpose.SMOKE_TEST]
        yield HoldReason.SMOKE_TEST_LIMIT, tests, timedelta(hours=1), limits.smoke_tests_per_hour
    if candidate.purpose in (Purpose.SMOKE_TEST, Purpose.SMOKE_ANSWER):  # between numbers of the business
        return
    if candidate.new_contact:
        new = _firsts(each for each in sent if each.new_contact and each.recipient != candidate.recipient)
        yield HoldReason.NEW_CONTACT_LIMIT, new, DAY, limits.new_contacts_per_day
    if not candidate.template and candidate.purpose is not Purpose.OPT_OUT_CONFIRMATION:
        alike = _firsts(
            each
            for each in sent
            if each.recipient != candidate.recipient and are_similar(each.fingerprint, candidate.fingerprint)
        )
        yield HoldReason.REPEATED_TEXT, alike, DAY, limits.similar_texts_per_day


def _firsts(messages: Iterator[OutboundMessage]) -> list[datetime]:
    """When each recipient of *messages* was last written to: each counts once."""
    latest: dict[str, datetime] = {}
    for each in messages:
        latest[each.recipient] = max(each.reserved_at, latest.get(each.recipient, each.reserved_at))
    return list(latest.values())


def _window_hold(
    reason: HoldReason, times: Sequence[datetime], window: timedelta, most: int, now: datetime
) -> Hold | None:
    within = sorted(min(at, now) for at in times if at > now - window)
    if len(within) < most:
        return None
    return Hold(reason, within[len(within) - most] + window if most > 0 else now + window)


def _per_day(limits: OutboundLimits, connected_for: timedelta) -> int:
    """The day's limit: a number that is new here begins low and grows evenly to the whole."""
    if connected_for.days >= limits.warm_up_days:
        return limits.per_day
    grown = limits.warm_up_first + (limits.per_day - limits.warm_up_first) * connected_for.days // limits.warm_up_days
    return min(grown, limits.per_day)


LONGEST: Final = 365 * DAY
"""The longest duration that is estimated; a limit of zero lets nothing through at all."""


def estimated_duration(
    messages: int, new_contacts: int, limits: OutboundLimits, *, repeats: bool, connected_for: timedelta
) -> timedelta:
    """About how long one link takes to send so many *messages*, *new_contacts* of them to who never wrote.

    *repeats* is whether they are nearly the same text. Other traffic and other links are not reckoned with.
    """
    days, left = 0, messages
    while left > (most := _bulk_per_day(limits, connected_for + days * DAY, repeats=repeats)):
        left, days = left - most, days + 1
        if days * DAY >= LONGEST:
            return LONGEST
    if new_contacts > limits.new_contacts_per_day:
        days = max(days, (new_contacts - 1) // max(limits.new_contacts_per_day, 1))
    gap = max((limits.shortest_gap + limits.longest_gap) / 2, 60 / max(limits.per_minute, 1))
    if left > limits.per_hour:
        gap = max(gap, 3600 / max(limits.per_hour, 1))
    return min(timedelta(days=days, seconds=left * gap), LONGEST)


def _bulk_per_day(limits: OutboundLimits, connected_for: timedelta, *, repeats: bool) -> int:
    begin, end = limits.quiet_from.hour, limits.quiet_to.hour
    awake = 24 - (end - begin) % 24
    most = min(_per_day(limits, connected_for), limits.per_business_day, limits.per_hour * awake)
    return min(most, limits.similar_texts_per_day) if repeats else most


def quiet_until(now: datetime, zones: Sequence[tzinfo], limits: OutboundLimits) -> datetime | None:
    """When the quiet hours are over in every one of *zones*; None when it is day in all of them now.

    A number may lie in one of several time zones: it must be day in each.
    """
    begin, end = limits.quiet_from, limits.quiet_to
    if begin == end:
        return None
    moment = now
    for _ in range(4 * len(zones) + 1):
        waits = [_quiet_end(moment.astimezone(zone), begin, end) for zone in zones]
        later = max((each for each in waits if each is not None), default=None)
        if later is None:
            return None if moment == now else moment
        moment = later.astimezone(now.tzinfo)
    return now + DAY  # no common day: ask again tomorrow


def _quiet_end(local: datetime, begin: time, end: time) -> datetime | None:
    clock = local.time()
    over_midnight = begin > end
    quiet = clock >= begin or clock < end if over_midnight else begin <= clock < end
    if not quiet:
        return None
    morning = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0, fold=1)
    return morning + DAY if over_midnight and clock >= begin else morning


class OutboundRepository(Protocol):
    """What went out, and what holds a link back."""

    async def facts(self, mentorado: Mentorado, to: Address, now: datetime) -> OutboundFacts:
        """What decides about a message to *to*, without reserving it."""
        ...

    async def reserve(
        self,
        mentorado: Mentorado,
        to: Address,
        now: datetime,
        decide: Callable[[OutboundFacts], OutboundMessage | Hold],
    ) -> OutboundMessage | Hold:
        """Ask *decide*, in one transaction with what it decides by, and store the message it returns.

        No other program can take the place in a limit, or revoke the consent, in between. Any thread may call *decide*.
        Held back as ALREADY_SENT when a message to the same recipient of a campaign may have left.
        """
        ...

    async def save(self, message: OutboundMessage) -> None:
        """What became of a message that was reserved. What is known already never becomes less."""
        ...

    async def recover(self, before: datetime) -> Sequence[OutboundMessage]:
        """What was reserved before *before* and never heard of again is uncertain now; returns those."""
        ...

    async def stops(self) -> Sequence[OutboundStop]: ...

    async def stop(self, stop: OutboundStop) -> None:
        """The first reason stays."""
        ...

    async def release(self, link_id: LinkId) -> None: ...


# --- nearly the same text ---------------------------------------------------------------------------------------------

_BITS: Final = 64
_SIMILAR: Final = 16  # bits of 64 that may differ: another name and number move about 10, another text about 32
_GRAM: Final = 4
_PARTS: Final = re.compile(r"\d+|https?://\S+")


def fingerprint(text: str) -> int:
    """64 bits that differ little for texts that differ little (Charikar's simhash over groups of four letters).

    Case, accents, numbers, addresses and spaces do not count. Signed, as SQLite stores it; 0 for an empty text.
    """
    plain_text = unicodedata.normalize("NFKD", _PARTS.sub("#", text).casefold())
    letters = "".join(each for each in plain_text if each.isalnum() or each == "#")
    if not letters:
        return 0
    weights = [0] * _BITS
    for start in range(max(len(letters) - _GRAM + 1, 1)):
        bits = int.from_bytes(blake2b(letters[start : start + _GRAM].encode(), digest_size=8).digest())
        for bit in range(_BITS):
            weights[bit] += 1 if bits >> bit & 1 else -1
    found = sum(1 << bit for bit in range(_BITS) if weights[bit] > 0)
    return found - (1 << _BITS) if found >> (_BITS - 1) else found


def are_similar(one: int, other: int) -> bool:
    """Whether two fingerprints are of nearly the same text. An empty text (a file without words) is like no other."""
    return 0 not in (one, other) and ((one ^ other) & ((1 << _BITS) - 1)).bit_count() <= _SIMILAR


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
        f"{each.name}={limit_text(value)}"
        for each in fields(limits)
        if (value := getattr(limits, each.name)) != getattr(DEFAULT_LIMITS, each.name)
    )


def limit_text(value: object) -> str:
    """A limit as one types it."""
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)
