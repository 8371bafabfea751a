"""A time range cut into equal buckets: how bad each was at its worst, for how much of it, and what fell in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final

from app.domain.uptime import Kind, Outage, Segment, TimeRange, kind_of, outages

_WORST_FIRST: Final = (Kind.BLOCKED, Kind.PROGRESS, Kind.UNKNOWN, Kind.WAITING, Kind.CONNECTED)
UNOBSERVED: Final = frozenset({Kind.OFF, Kind.CLOSED, Kind.UNRECORDED})
"""Neither up nor down: nobody asked the link to run, or nobody was there to see."""

_STEP_HOURS: Final = {TimeRange.DAY: 1, TimeRange.WEEK: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One stretch of the range. *spent* is how long links were of each kind in it, added up over the links shown."""

    begin: datetime
    end: datetime
    spent: Mapping[Kind, timedelta] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()

    @property
    def worst(self) -> Kind:
        """The worst kind that was seen. What nobody saw is never up or down, however short what was seen is."""
        seen = next((kind for kind in _WORST_FIRST if self.spent.get(kind)), None)
        if seen is not None:
            return seen
        unseen = {kind: length for kind, length in self.spent.items() if kind in UNOBSERVED and length}
        return max(unseen, key=unseen.__getitem__, default=Kind.UNRECORDED)

    def share(self, kind: Kind) -> float:
        """How much of the bucket was of *kind*, from 0 to 1."""
        whole = sum(self.spent.values(), timedelta())
        return self.spent.get(kind, timedelta()) / whole if whole else 0.0


def bucket_edges(span: TimeRange, now: datetime) -> tuple[datetime, ...]:
    """Where the buckets of the range begin, and *now*, its end. They are hours or days of this computer's zone."""
    here = now.astimezone() - datetime.resolution  # at a full hour, the bucket that just ended is the last
    if step := _STEP_HOURS.get(span):
        hour = here.replace(minute=0, second=0, microsecond=0)
        last = hour - timedelta(hours=hour.hour % step)
        count = int(span.length / timedelta(hours=step))
        return (*((last - timedelta(hours=step) * (count - 1 - place)) for place in range(count)), now)
    today, days = here.date(), span.length.days
    begins = (today - timedelta(days=days - 1 - place) for place in range(days))
    return (*(datetime.combine(day, time()).astimezone() for day in begins), now)


def link_buckets(stretches: Sequence[Segment], edges: Sequence[datetime]) -> tuple[Bucket, ...]:
    """The buckets of one link, from its *stretches* in their order; what they do not reach was not recorded.

    An outage is in each bucket that it touches.
    """
    falls = outages(stretches)
    begins, ends = [each.begin for each in stretches], [each.end for each in stretches]
    found = []
    for begin, end in pairwise(edges):
        spent = _spent(stretches[bisect_right(ends, begin) : bisect_left(begins, end)], begin, end)
        missing = (end - begin) - sum(spent.values(), timedelta())
        if missing > timedelta():
            spent[Kind.UNRECORDED] = spent.get(Kind.UNRECORDED, timedelta()) + missing
        inside = tuple(fall for fall in falls if fall.begin < end and fall.end > begin)
        found.append(Bucket(begin=begin, end=end, spent=spent, outages=inside))
    return tuple(found)


def _spent(stretches: Iterable[Segment], begin: datetime, end: datetime) -> dict[Kind, timedelta]:
    """How long *stretches* were of each kind from *begin* to *end*; each reaches into that."""
    spent: defaultdict[Kind, timedelta] = defaultdict(timedelta)
    for each in stretches:
        spent[kind_of(each)] += min(each.end, end) - max(each.begin, begin)
    return dict(spent)
