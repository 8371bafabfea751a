from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.uptime import (
    Kind,
    Segment,
    StateChange,
    TimeRange,
    UptimeSummary,
    segments,
    summary,
)
from tests.clock import DAWN

S, R = LinkState, Reason
END = DAWN + timedelta(hours=24)
"""The span of every test is the day that begins at dawn; a plain number is an hour of it."""

Stand = tuple[float, LinkState, Reason]


def at(hour: float) -> datetime:
    return DAWN + timedelta(hours=hour)


def standing(hour: float, state: LinkState, reason: Reason = R.NONE) -> LinkStatus:
    return LinkStatus(state=state, reason=reason, since=at(hour))


def life(*stands: LinkStatus) -> list[StateChange]:
    """The moves from each to the next."""
    return [StateChange(after.since, before, after) for before, after in pairwise(stands)]


def seen(
    moves: list[StateChange], live: LinkStatus | None = None
) -> list[tuple[float, float, LinkState | None, Reason]]:
    found = segments(moves, begin=DAWN, end=END, live=live or moves[-1].after)
    hour = timedelta(hours=1)
    return [((each.begin - DAWN) / hour, (each.end - DAWN) / hour, each.state, each.reason) for each in found]


def stretch(begin: float, end: float, state: LinkState | None, reason: Reason = R.NONE) -> Segment:
    return Segment(begin=at(begin), end=at(end), state=state, reason=reason)


def test_a_day_is_cut_where_the_link_moved() -> None:
    moves = life(
        standing(-30, S.CONNECTING),
        standing(-20, S.CONNECTED),
        standing(6, S.RECONNECTING, R.NETWORK_DOWN),
        standing(6.5, S.CONNECTED),
    )
    assert seen(moves) == [
        (0, 6, S.CONNECTED, R.NONE),
        (6, 6.5, S.RECONNECTING, R.NETWORK_DOWN),
        (6.5, 24, S.CONNECTED, R.NONE),
    ]


def test_a_link_that_never_moved_is_what_it_is_now() -> None:
    assert seen([], standing(23, S.OFF)) == [(0, 24, S.OFF, R.NONE)]


def test_before_its_first_move_a_link_was_off() -> None:
    moves = life(standing(8, S.OFF), standing(9, S.CONNECTING), standing(9.5, S.CONNECTED))
    assert [each[:3] for each in seen(moves)] == [(0, 9, S.OFF), (9, 9.5, S.CONNECTING), (9.5, 24, S.CONNECTED)]


def test_a_program_that_was_closed_is_said_so_until_it_was_open_again() -> None:
    closed = standing(10, S.OFF, R.PROGRAM_CLOSED)
    evening = life(standing(-9, S.CONNECTING), standing(-8, S.CONNECTED), closed)
    morning = life(standing(20, S.OFF), standing(20.25, S.CONNECTING), standing(20.5, S.CONNECTED))
    found = segments([*evening, *morning], begin=DAWN, end=END, live=morning[-1].after)
    assert [each.closed for each in found] == [False, True, False, False, False]
    assert found[1] == stretch(10, 20, S.OFF, R.PROGRAM_CLOSED)
    assert found[2] == stretch(20, 20.25, S.OFF)


def test_what_came_of_a_running_link_is_not_known_when_the_program_died_without_a_word() -> None:
    evening = life(standing(-9, S.CONNECTING), standing(4, S.CONNECTED))
    morning = life(standing(20, S.OFF), standing(20.25, S.CONNECTING))
    assert seen([*evening, *morning])[1:4] == [
        (4, 20, None, R.NONE),
        (20, 20.25, S.OFF, R.NONE),
        (20.25, 24, S.CONNECTING, R.NONE),
    ]


def test_what_waits_for_a_person_waits_while_nobody_looks_too() -> None:
    evening = life(standing(-9, S.CONNECTED), standing(4, S.BLOCKED, R.LOGGED_OUT))
    assert seen(evening, standing(20, S.OFF))[1:] == [(4, 20, S.BLOCKED, R.LOGGED_OUT), (20, 24, S.OFF, R.NONE)]


def test_nobody_wrote_down_what_happened_until_the_program_was_back_just_now() -> None:
    assert seen(life(standing(-9, S.CONNECTING), standing(-8, S.CONNECTED)), standing(23, S.OFF)) == [
        (0, 23, None, R.NONE),
        (23, 24, S.OFF, R.NONE),
    ]


def test_a_clock_that_was_years_behind_for_a_while_does_not_stretch_anything() -> None:
    behind = -24 * 365 * 50
    moves = life(
        standing(-9, S.CONNECTED),
        standing(2, S.OFF, R.PROGRAM_CLOSED),
        standing(behind, S.CONNECTING),
        standing(behind + 0.1, S.BLOCKED, R.CERTIFICATE_REFUSED),
        standing(8, S.CONNECTING),
        standing(8.5, S.CONNECTED),
    )
    assert [each[:3] for each in seen(moves)] == [
        (0, 2, S.CONNECTED),
        (2, 8, S.OFF),
        (8, 8.5, S.CONNECTING),
        (8.5, 24, S.CONNECTED),
    ]


def test_a_clock_that_was_ahead_for_a_while_does_not_hide_what_followed() -> None:
    ahead = 24 * 365
    moves = life(
        standing(-9, S.CONNECTED),
        standing(ahead, S.RECONNECTING),
        standing(12, S.CONNECTED),
        standing(20, S.OFF),
    )
    assert [each[:3] for each in seen(moves)] == [(0, 20, S.CONNECTED), (20, 24, S.OFF)]


def test_of_times_that_step_back_within_the_day_the_most_that_fit_are_believed() -> None:
    moves = life(
        standing(-9, S.CONNECTED),
        standing(15, S.RECONNECTING),
        standing(3, S.CONNECTED),
        standing(4, S.RECONNECTING),
        standing(5, S.CONNECTED),
    )
    assert [each[:3] for each in seen(moves)] == [(0, 4, S.CONNECTED), (4, 5, S.RECONNECTING), (5, 24, S.CONNECTED)]


stamps = st.floats(min_value=-100, max_value=200).map(lambda hour: round(hour, 1))
statuses = st.builds(
    standing, stamps, st.sampled_from(LinkState), st.sampled_from([R.NONE, R.LOGGED_OUT, R.PROGRAM_CLOSED])
)


@given(st.lists(st.builds(StateChange, stamps.map(at), statuses, statuses), max_size=12), statuses)
def test_whatever_the_log_says_the_stretches_fill_the_span_without_overlap(
    moves: list[StateChange], live: LinkStatus
) -> None:
    found = segments(moves, begin=DAWN, end=END, live=live)
    assert found[0].begin == DAWN
    assert found[-1].end == END
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert all(each.length > timedelta() for each in found)
    assert all((one.state, one.reason) != (other.state, other.reason) for one, other in pairwise(found))
    come_to = summary(found)
    assert come_to.connected <= come_to.observed
    assert come_to.observed + come_to.closed + come_to.unrecorded == END - DAWN
    assert 0 <= come_to.percent <= 100


def test_falls_are_counted_from_the_loss_to_the_return() -> None:
    day = [
        stretch(0, 4, S.CONNECTED),
        stretch(4, 4.5, S.RECONNECTING),
        stretch(4.5, 5, S.BLOCKED, R.LOGGED_OUT),
        stretch(5, 6, S.CONNECTING),
        stretch(6, 10, S.CONNECTED),
        stretch(10, 11, S.UNKNOWN),
        stretch(11, 12, S.BLOCKED, R.TOKEN_INVALID),
        stretch(12, 13, S.OFF),
        stretch(13, 20, S.OFF, R.PROGRAM_CLOSED),
        stretch(20, 22, None),
        stretch(22, 23, S.CONNECTING),
        stretch(23, 24, S.BLOCKED, R.QR_EXPIRED),
    ]
    hour = timedelta(hours=1)
    assert summary(day) == UptimeSummary(
        connected=8 * hour,
        observed=15 * hour,
        closed=7 * hour,
        unrecorded=2 * hour,
        falls=(2 * hour, hour),
        kinds=frozenset(Kind),
    )
    assert summary(day).percent == 53


def test_a_fall_that_began_before_counts_as_far_as_it_is_seen() -> None:
    assert summary([stretch(0, 3, S.RECONNECTING), stretch(3, 24, S.CONNECTED)]).falls == (timedelta(hours=3),)
    assert summary([stretch(0, 24, S.BLOCKED, R.QR_EXPIRED)]).falls == ()


def test_nearly_always_is_not_always_and_hardly_ever_is_not_never() -> None:
    assert summary([stretch(0, 23.99, S.CONNECTED), stretch(23.99, 24, S.RECONNECTING)]).percent == 99
    assert summary([stretch(0, 0.01, S.CONNECTED), stretch(0.01, 24, S.OFF)]).percent == 1
    assert summary([stretch(0, 24, S.CONNECTED)]).percent == 100
    assert summary([stretch(0, 24, None)]).percent == 0


def test_a_day_and_a_week_are_as_long_as_they_are_called() -> None:
    assert [span.length.days for span in TimeRange] == [1, 7, 30, 90]
