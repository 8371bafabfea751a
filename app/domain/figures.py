"""Figures of all links together, added up by the hour: what the overview shows and the metrics count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from app.domain.alert import PhoneSightings
from app.domain.history_bar import Bucket
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.uptime import Kind, StateChange, kind_of, segments

HOUR: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=400)
"""Older hours are removed."""

CONNECT_BOUNDS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300)
"""Seconds, the upper bounds of how long connecting took; above the last, it is `LONGER`."""

LONGER: Final = "longer"


class Figure(StrEnum):
    """What is counted. Values are stored: they may be added to, never renamed."""

    TIME = "time"  # milliseconds that links spent; detail: a `Kind`
    CONNECT = "connect"  # connections that were opened without a code; detail: one of `CONNECT_BOUNDS`, or `LONGER`
    CONNECT_TIME = "connect_time"  # milliseconds that these took, all together
    RECONNECT = "reconnect"  # connections that came back by themselves
    FAILURE = "failure"  # falls, and links that stopped for a person; detail: a `Reason`
    MESSAGE_IN = "message_in"
    MESSAGE_OUT = "message_out"
    MEMORY = "memory"  # bytes of all session hosts, added up over the samples
    MEMORY_SAMPLES = "memory_samples"
    MEMORY_MOST = "memory_most"  # the largest sample


GREATEST: Final = frozenset({Figure.MEMORY_MOST})
"""Figures of which the greatest value counts; all others are added up."""


class FigureKey(NamedTuple):
    """Names a count. *provider* is empty where it is about no provider."""

    hour: datetime
    figure: Figure
    provider: str
    detail: str


class LinkInUse(NamedTuple):
    """A link, from when to when it carried its mentorado's messages, and how it is now."""

    link_id: LinkId
    provider: ProviderKind
    begin: datetime
    end: datetime | None
    live: LinkStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    """What one pass counted, up to when all is counted, and whether that is now."""

    until: datetime
    caught_up: bool
    counts: Mapping[FigureKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The figures of a time range: *counts* has those between each two of *edges*, by figure and detail."""

    edges: tuple[datetime, ...]
    counts: tuple[Mapping[tuple[Figure, str], int], ...]
    first_hour: datetime | None  # of which anything is known at all
    until: datetime | None  # up to when all is counted; None: since the program was started, nothing yet

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """How long all links together were of each kind."""
        return tuple(
            Bucket(begin=begin, end=end, spent=_spent(counts))
            for (begin, end), counts in zip(pairwise(self.edges), self.counts, strict=True)
        )

    def series(self, figure: Figure, detail: str = "") -> tuple[int, ...]:
        """The values of one figure, a bucket each."""
        return tuple(counts.get((figure, detail), 0) for counts in self.counts)

    def by_detail(self, figure: Figure) -> dict[str, int]:
        """The totals of *figure* in the whole range, the largest first."""
        totals: Counter[str] = Counter()
        for counts in self.counts:
            totals.update({detail: value for (name, detail), value in counts.items() if name is figure})
        return dict(totals.most_common())

    def total(self, figure: Figure) -> int:
        return sum(self.by_detail(figure).values())

    def connected(self) -> tuple[float | None, ...]:
        """How many links were connected on average in each bucket; None where nobody saw any."""
        found: list[float | None] = []
        for bucket in self.buckets:
            length = min(bucket.end, self.until or bucket.end) - bucket.begin
            seen = any(length for kind, length in bucket.spent.items() if kind not in UNSEEN)
            found.append(
                bucket.spent.get(Kind.CONNECTED, timedelta()) / length if seen and length > timedelta() else None
            )
        return tuple(found)


UNSEEN: Final = frozenset({Kind.CLOSED, Kind.UNRECORDED})


def _spent(counts: Mapping[tuple[Figure, str], int]) -> dict[Kind, timedelta]:
    return {kind: timedelta(milliseconds=counts[Figure.TIME, kind]) for kind in Kind if counts.get((Figure.TIME, kind))}


class FigureRepository(PhoneSightings, Protocol):
    """Keeps the figures; what is known of the links and the messages is added up in passes."""

    async def roll_up(self, links: Sequence[LinkInUse], now: datetime) -> RollUp:
        """Count what happened since the last pass, a day of it at most. Raises `Problem`."""
        ...

    async def add(self, counts: Mapping[FigureKey, int]) -> None:
        """Add *counts*. Raises `Problem`."""
        ...

    async def totals(self, edges: Sequence[datetime]) -> Sequence[Mapping[tuple[Figure, str], int]]:
        """The totals between each two of *edges*, over all providers. Raises `Problem`."""
        ...

    async def first_hour(self) -> datetime | None:
        """The first hour of which anything is known. Raises `Problem`."""
        ...


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_link(
    former: StateChange | None,
    moves: Sequence[StateChange],
    provider: ProviderKind,
    *,
    begin: datetime,
    end: datetime,
    live: LinkStatus,
) -> Counter[FigureKey]:
    """Count what one link did from *begin* to *end*, when it is *live*.

    *moves* are those that were not counted yet, in their order; *former* is the one before them, if there was one.
    """
    counts: Counter[FigureKey] = Counter()
    known = moves if former is None else (former, *moves)
    for each in segments(known, begin=begin, end=end, live=live):
        _add_time(counts, provider, kind_of(each), each.begin, each.end)
    for move in moves:
        _add_move(counts, provider, move, hour_of(min(max(move.at, begin), end)))
    return counts


def _add_time(counts: Counter[FigureKey], provider: str, kind: Kind, begin: datetime, end: datetime) -> None:
    hour = hour_of(begin)
    while hour < end:
        inside = min(end, hour + HOUR) - max(begin, hour)
        counts[FigureKey(hour, Figure.TIME, provider, kind)] += inside // timedelta(milliseconds=1)
        hour += HOUR


def _add_move(counts: Counter[FigureKey], provider: str, move: StateChange, hour: datetime) -> None:
    before, after = move.before, move.after
    if is_failure(before, after):
        counts[FigureKey(hour, Figure.FAILURE, provider, after.reason)] += 1
    if (before.state, after.state) == (LinkState.RECONNECTING, LinkState.CONNECTED):
        counts[FigureKey(hour, Figure.RECONNECT, provider, "")] += 1
    took = move.at - before.since
    if (before.state, after.state) == (LinkState.CONNECTING, LinkState.CONNECTED) and took >= timedelta():
        counts[FigureKey(hour, Figure.CONNECT, provider, _bound(took))] += 1
        counts[FigureKey(hour, Figure.CONNECT_TIME, provider, "")] += took // timedelta(milliseconds=1)


def is_failure(before: LinkStatus, after: LinkStatus) -> bool:
    """Whether a connection fell, or a link that was on its way stopped for a person. A code that expired is none."""
    fell = before.state in (LinkState.CONNECTED, LinkState.UNKNOWN) and after.state is LinkState.RECONNECTING
    stopped = after.state is LinkState.BLOCKED and before.state not in (LinkState.BLOCKED, LinkState.OFF)
    return fell or (stopped and after.reason is not Reason.QR_EXPIRED)


def _bound(took: timedelta) -> str:
    seconds = took.total_seconds()
    return next((str(bound) for bound in CONNECT_BOUNDS if seconds <= bound), LONGER)


def connected_within(counts: Mapping[str, int], share: float) -> str:
    """The bound within which *share* of the connections were opened, from `CONNECT` by its details; "" without any."""
    whole, reached = sum(counts.values()), 0
    for bound in (*map(str, CONNECT_BOUNDS), LONGER):
        reached += counts.get(bound, 0)
        if whole and reached >= share * whole:
            return bound
    return ""


def merged(counts: Iterable[Mapping[FigureKey, int]]) -> dict[FigureKey, int]:
    """All *counts* together."""
    found: dict[FigureKey, int] = {}
    for each in counts:
        for key, value in each.items():
            before = found.get(key, 0)
            found[key] = max(before, value) if key.figure in GREATEST else before + value
    return found
