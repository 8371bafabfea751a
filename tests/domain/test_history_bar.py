from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from app.domain.history_bar import Bucket, bucket_edges, link_buckets
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.uptime import Kind, Segment, StateChange, TimeRange, segments
from tests.clock import DAWN

HOUR = timedelta(hours=1)


def stretch(begin: float, end: float, state: LinkState | None, reason: Reason = Reason.NONE) -> Segment:
    return Segment(begin=DAWN + begin * HOUR, end=DAWN + end * HOUR, state=state, reason=reason)


def hourly(*stretches: Segment, hours: int = 3) -> tuple[Bucket, ...]:
    return link_buckets(stretches, [DAWN + hour * HOUR for hour in range(hours + 1)])


def test_a_bucket_is_as_bad_as_its_worst_moment_and_says_for_how_much_of_it() -> None:
    first, second, third = hourly(
        stretch(0, 0.75, LinkState.CONNECTED),
        stretch(0.75, 1.5, LinkState.RECONNECTING, Reason.NETWORK_DOWN),
        stretch(1.5, 1.75, LinkState.BLOCKED, Reason.LOGGED_OUT),
        stretch(1.75, 3, LinkState.CONNECTED),
    )
    assert [(each.worst, each.share(each.worst)) for each in (first, second, third)] == [
        (Kind.PROGRESS, 0.25),
        (Kind.BLOCKED, 0.25),
        (Kind.CONNECTED, 1.0),
    ]


def test_an_outage_is_listed_in_every_bucket_that_it_touches() -> None:
    first, second, third = hourly(
        stretch(0, 0.5, LinkState.CONNECTED),
        stretch(0.5, 1.5, LinkState.RECONNECTING, Reason.NETWORK_DOWN),
        stretch(1.5, 3, LinkState.CONNECTED),
    )
    assert first.outages == second.outages
    assert [(each.length, each.reason) for each in first.outages] == [(HOUR, Reason.NETWORK_DOWN)]
    assert third.outages == ()


@pytest.mark.parametrize(
    ("state", "reason", "kind"),
    [
        (LinkState.OFF, Reason.NONE, Kind.OFF),
        (LinkState.OFF, Reason.PROGRAM_CLOSED, Kind.CLOSED),
        (None, Reason.NONE, Kind.UNRECORDED),
    ],
)
def test_what_nobody_saw_is_neither_up_nor_down(state: LinkState | None, reason: Reason, kind: Kind) -> None:
    (bucket,) = hourly(stretch(0, 1, state, reason), hours=1)
    assert (bucket.worst, bucket.outages) == (kind, ())


def test_what_was_not_recorded_is_said_so() -> None:
    first, second, _third = hourly(stretch(1.5, 3, LinkState.CONNECTED))
    assert first.worst is Kind.UNRECORDED
    assert second.spent == {Kind.CONNECTED: HOUR / 2, Kind.UNRECORDED: HOUR / 2}


def test_of_what_was_not_seen_the_longest_counts() -> None:
    (bucket,) = hourly(stretch(0, 0.3, LinkState.OFF), stretch(0.3, 1, LinkState.OFF, Reason.PROGRAM_CLOSED), hours=1)
    assert bucket.worst is Kind.CLOSED


def test_a_bucket_of_nothing_has_no_share() -> None:
    empty = Bucket(begin=DAWN, end=DAWN)
    assert (empty.worst, empty.share(Kind.CONNECTED)) == (Kind.UNRECORDED, 0)


def test_a_clock_that_jumped_adds_no_time_to_any_bucket() -> None:
    """A move that is dated in the future, or long ago in the middle of others, takes the time of its neighbours."""
    off, up, down = (
        LinkStatus(since=DAWN),
        LinkStatus(state=LinkState.CONNECTED, since=DAWN),
        LinkStatus(state=LinkState.RECONNECTING, reason=Reason.NETWORK_DOWN, since=DAWN),
    )
    moves = [
        StateChange(DAWN, off, up),
        StateChange(DAWN + 400 * HOUR, up, down),  # the clock was two weeks ahead
        StateChange(DAWN + HOUR, down, up),
    ]
    found = link_buckets(
        segments(moves, begin=DAWN, end=DAWN + 3 * HOUR, live=up), [DAWN + hour * HOUR for hour in range(4)]
    )
    assert [sum(each.spent.values(), timedelta()) for each in found] == [HOUR] * 3
    assert [each.worst for each in found] == [Kind.CONNECTED] * 3


@pytest.mark.parametrize(
    ("span", "count", "step"),
    [
        (TimeRange.DAY, 24, HOUR),
        (TimeRange.WEEK, 42, 4 * HOUR),
        (TimeRange.MONTH, 30, 24 * HOUR),
        (TimeRange.QUARTER, 90, 24 * HOUR),
    ],
)
@pytest.mark.parametrize("late", [timedelta(), timedelta(microseconds=1), 13.4 * HOUR])
def test_a_range_ends_now_and_is_cut_into_whole_hours_or_days(
    span: TimeRange, count: int, step: timedelta, late: timedelta
) -> None:
    now = DAWN + late
    edges = bucket_edges(span, now)
    assert len(edges) == count + 1
    assert edges[-1] == now
    lengths = [end - begin for begin, end in pairwise(edges)]
    assert timedelta() < lengths[-1] <= step
    if _has_no_switch_of_time(edges):
        assert set(lengths[:-1]) == {step}


def _has_no_switch_of_time(edges: tuple[datetime, ...]) -> bool:
    return len({edge.astimezone().utcoffset() for edge in edges}) == 1
