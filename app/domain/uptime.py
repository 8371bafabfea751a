"""The last hours or days of one link, cut into stretches in which nothing changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from app.domain.guidance import REASONS
from app.domain.link_status import LinkState, LinkStatus, Reason


class TimeRange(StrEnum):
    """The range of a timeline. Values are stored."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"

    @property
    def length(self) -> timedelta:
        return timedelta(days=_DAYS[self])


_DAYS: Final = {TimeRange.DAY: 1, TimeRange.WEEK: 7, TimeRange.MONTH: 30, TimeRange.QUARTER: 90}


class StateChange(NamedTuple):
    """One transition of a link. *at* is the clock's time then; the order of a list of transitions is more reliable."""

    at: datetime
    before: LinkStatus
    after: LinkStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A period in which the state of a link did not change. Without a *state*, nothing was recorded."""

    begin: datetime
    end: datetime
    state: LinkState | None
    reason: Reason = Reason.NONE

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    @property
    def closed(self) -> bool:
        """Whether the program itself was not running."""
        return self.state is LinkState.OFF and self.reason is Reason.PROGRAM_CLOSED


class Kind(StrEnum):
    """What a segment is to whoever looks at it; each kind has a colour, a pattern and a word. Values are stored."""

    CONNECTED = "connected"
    PROGRESS = "progress"
    WAITING = "waiting"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    OFF = "off"
    CLOSED = "closed"  # Conecta was
    UNRECORDED = "unrecorded"


_KINDS = {
    LinkState.CONNECTED: Kind.CONNECTED,
    LinkState.CONNECTING: Kind.PROGRESS,
    LinkState.RECONNECTING: Kind.PROGRESS,
    LinkState.QR_READY: Kind.WAITING,
    LinkState.BLOCKED: Kind.BLOCKED,
    LinkState.UNKNOWN: Kind.UNKNOWN,
    LinkState.OFF: Kind.OFF,
    None: Kind.UNRECORDED,
}


def kind_of(segment: Segment) -> Kind:
    """Return the kind of a segment. An expired code is no failure: it waits for a person."""
    if segment.closed:
        return Kind.CLOSED
    if segment.reason is Reason.QR_EXPIRED:
        return Kind.WAITING
    return _KINDS[segment.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeSummary:
    """Totals of a time range. *falls* are the lengths of its outages; an ongoing one counts as long as it is so far."""

    connected: timedelta
    observed: timedelta  # all but what follows
    closed: timedelta
    unrecorded: timedelta
    falls: tuple[timedelta, ...]
    kinds: frozenset[Kind]

    @property
    def percent(self) -> int:
        """How much of the observed time the link was connected: 100 or 0 only when it was always or never so."""
        if not self.connected:
            return 0
        whole = 100 * self.connected // self.observed
        return max(1, whole)


@dataclass(frozen=True, slots=True)
class Outage:
    """From a fall until the link was connected again or switched off, or until now; *reason* is that of the fall."""

    begin: datetime
    end: datetime
    reason: Reason

    @property
    def length(self) -> timedelta:
        return self.end - self.begin


_LASTS: Final = frozenset({LinkState.OFF, LinkState.BLOCKED})
"""The states that persist while the program is not running."""

_AWAY: Final = frozenset(
    {LinkState.RECONNECTING, LinkState.BLOCKED, LinkState.CONNECTING, LinkState.QR_READY, LinkState.UNKNOWN}
)
_Mark = tuple[datetime, LinkState | None, Reason]


def segments(moves: Iterable[StateChange], *, begin: datetime, end: datetime, live: LinkStatus) -> tuple[Segment, ...]:
    """The stretches from *begin* to *end*, which is now, for a link that is *live* now.

    *moves* come in the order they happened, with the one before *begin* if there was one. Where two do not fit together
    the program ended in between without a word: from then until it was back, what came of a running link is not known.
    """
    marks = _changes((*moves, StateChange(end, live, live)))
    times = [max(time, begin) for time in _monotonic([at for at, _, _ in marks], begin, end)]
    found: list[Segment] = []
    for (_, state, reason), (begun, until) in zip(marks, pairwise((*times, end)), strict=True):
        if until == begun:
            continue
        same = bool(found) and (found[-1].state, found[-1].reason) == (state, reason)
        since = found.pop().begin if same else begun
        found.append(Segment(begin=since, end=until, state=state, reason=reason))
    return tuple(found)


def summary(stretches: Sequence[Segment]) -> UptimeSummary:
    """Sum up *stretches*."""

    def total(chosen: Iterable[Segment]) -> timedelta:
        return sum((each.length for each in chosen), timedelta())

    closed = total(each for each in stretches if each.closed)
    unrecorded = total(each for each in stretches if each.state is None)
    return UptimeSummary(
        connected=total(each for each in stretches if each.state is LinkState.CONNECTED),
        observed=total(stretches) - closed - unrecorded,
        closed=closed,
        unrecorded=unrecorded,
        falls=tuple(fall.length for fall in outages(stretches)),
        kinds=frozenset(map(kind_of, stretches)),
    )


def outages(stretches: Sequence[Segment]) -> tuple[Outage, ...]:
    """Each lasts until the link is connected again or switched off."""
    falls: list[Outage] = []
    falling, previous = False, None
    for each in stretches:
        if falling and each.state in _AWAY:
            falls[-1] = replace(falls[-1], end=each.end)
        elif falling := _is_fall(each, previous):
            falls.append(Outage(each.begin, each.end, each.reason))
        previous = each
    return tuple(falls)


def _is_fall(each: Segment, previous: Segment | None) -> bool:
    if each.state not in (LinkState.RECONNECTING, LinkState.BLOCKED):
        return False
    if previous is None:  # it began before the span does
        never_connected = REASONS[each.reason].ends_pairing or each.reason is Reason.WRONG_ACCOUNT
        return not never_connected
    return previous.state in (LinkState.CONNECTED, LinkState.UNKNOWN)


_EPOCH: Final = datetime.min.replace(tzinfo=UTC)


def _changes(moves: Sequence[StateChange]) -> list[_Mark]:
    """From when on the link stood how. The last of *moves* is none: its time is now."""
    first = moves[0].before
    marks: list[_Mark] = [(_EPOCH, first.state, first.reason)]
    for earlier, later in pairwise(moves):
        left, found = earlier.after, later.before
        if (left.state, left.reason) == (found.state, found.reason):
            marks.append((earlier.at, left.state, left.reason))
            continue
        lasted = left.state in _LASTS
        marks.append((earlier.at, left.state if lasted else None, left.reason if lasted else Reason.NONE))
        marks.append((found.since, found.state, found.reason))
    return marks


def _monotonic(times: Sequence[datetime], begin: datetime, now: datetime) -> list[datetime]:
    """*times* made to go forwards. A clock that was set wrong for a while says some that cannot be.

    What is in the future, or before *begin* though it follows something after it, is not believed; of the others, the
    most that fit together are. Whatever is not takes the time of the next that is.
    """
    tails: list[datetime] = []  # the earliest end of an ordered run of each length
    at_tail: list[int] = []
    before: list[int] = []
    begun = False
    for index, time in enumerate(times):
        place = bisect_right(tails, time)
        before.append(at_tail[place - 1] if place else -1)
        if time > now or (begun and time < begin):
            continue
        begun = begun or time >= begin
        tails[place : place + 1] = [time]
        at_tail[place : place + 1] = [index]
    verifiable: set[int] = set()
    index = at_tail[-1]
    while index >= 0:
        verifiable.add(index)
        index = before[index]
    moments, following = list(times), now
    for index in reversed(range(len(moments))):
        following = moments[index] = moments[index] if index in verifiable else following
    return moments
