from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from app.domain.figures import (
    LONGER,
    Figure,
    FigureKey,
    Overview,
    connected_within,
    count_link,
    hour_of,
    merged,
)
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.uptime import Kind, StateChange
from tests.clock import DAWN

S, R = LinkState, Reason
HOUR = timedelta(hours=1)
WEB = ProviderKind.WHATSAPP_WEB


def at(hours: float) -> datetime:
    return DAWN + hours * HOUR


def status(state: LinkState, reason: Reason = R.NONE, *, since: float = 0) -> LinkStatus:
    return LinkStatus(state=state, reason=reason, since=at(since))


def life(*stands: LinkStatus) -> list[StateChange]:
    return [StateChange(after.since, before, after) for before, after in itertools.pairwise(stands)]


def counted(moves: list[StateChange], hours: float = 3) -> dict[tuple[float, Figure, str], int]:
    counts = count_link(None, moves, WEB, begin=DAWN, end=at(hours), live=moves[-1].after)
    return {((key.hour - DAWN) / HOUR, key.figure, key.detail): value for key, value in counts.items()}


def test_time_is_added_up_by_the_hour_in_which_it_was_spent() -> None:
    found = counted(life(status(S.OFF), status(S.CONNECTING, since=0.5), status(S.CONNECTED, since=0.75)))
    minutes = {key: value / 60_000 for key, value in found.items() if key[1] is Figure.TIME}
    assert minutes == {
        (0, Figure.TIME, Kind.OFF): 30,
        (0, Figure.TIME, Kind.PROGRESS): 15,
        (0, Figure.TIME, Kind.CONNECTED): 15,
        (1, Figure.TIME, Kind.CONNECTED): 60,
        (2, Figure.TIME, Kind.CONNECTED): 60,
    }


def test_a_fall_and_its_return_are_counted_where_they_happened() -> None:
    found = counted(
        life(
            status(S.CONNECTED),
            status(S.RECONNECTING, R.NETWORK_DOWN, since=1.5),
            status(S.CONNECTED, since=2.5),
        )
    )
    assert found[1, Figure.FAILURE, R.NETWORK_DOWN] == 1
    assert found[2, Figure.RECONNECT, ""] == 1
    assert not any(figure is Figure.CONNECT for _, figure, _ in found)


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (S.CONNECTED, S.RECONNECTING, True),
        (S.UNKNOWN, S.RECONNECTING, True),
        (S.CONNECTED, S.BLOCKED, True),
        (S.RECONNECTING, S.BLOCKED, True),
        (S.BLOCKED, S.BLOCKED, False),
        (S.OFF, S.CONNECTING, False),
        (S.CONNECTED, S.OFF, False),
    ],
)
def test_what_falls_or_stops_for_a_person_is_a_failure(before: LinkState, after: LinkState, counts: bool) -> None:
    found = counted(life(status(before), status(after, R.LOGGED_OUT, since=1)))
    assert ((1, Figure.FAILURE, R.LOGGED_OUT) in found) is counts


def test_a_code_that_nobody_scanned_is_no_failure() -> None:
    found = counted(life(status(S.QR_READY), status(S.BLOCKED, R.QR_EXPIRED, since=1)))
    assert not any(figure is Figure.FAILURE for _, figure, _ in found)


@pytest.mark.parametrize(("seconds", "bound"), [(0.4, "1"), (5, "5"), (5.1, "10"), (301, LONGER)])
def test_how_long_connecting_took_is_counted_without_the_time_of_a_person(seconds: float, bound: str) -> None:
    begun = status(S.CONNECTING, since=0.5)
    opened = LinkStatus(state=S.CONNECTED, since=begun.since + timedelta(seconds=seconds))
    found = counted(life(status(S.OFF), begun, opened))
    assert found[0, Figure.CONNECT, bound] == 1
    assert found[0, Figure.CONNECT_TIME, ""] == seconds * 1000
    scanned = counted(life(status(S.OFF), begun, status(S.QR_READY, since=0.6), status(S.CONNECTED, since=0.9)))
    assert not any(figure is Figure.CONNECT for _, figure, _ in scanned)


def test_connecting_that_ended_before_it_began_by_the_clock_is_not_measured() -> None:
    begun, opened = status(S.CONNECTING, since=2), status(S.CONNECTED, since=1)
    found = counted([StateChange(at(1), begun, opened)])
    assert not any(figure in (Figure.CONNECT, Figure.CONNECT_TIME) for _, figure, _ in found)


def test_a_move_that_is_told_late_counts_in_the_time_that_is_counted_now() -> None:
    up, down = status(S.CONNECTED), status(S.RECONNECTING, R.NETWORK_DOWN, since=0.5)
    counts = count_link(None, [StateChange(at(0.5), up, down)], WEB, begin=at(2), end=at(3), live=down)
    assert counts[FigureKey(at(2), Figure.FAILURE, WEB, R.NETWORK_DOWN)] == 1
    former = count_link(StateChange(at(0.5), up, down), [], WEB, begin=at(2), end=at(3), live=down)
    assert [key.figure for key in former] == [Figure.TIME]


def test_half_of_the_connections_were_opened_within_a_bound() -> None:
    assert connected_within({"1": 1, "5": 8, LONGER: 1}, 0.5) == "5"
    assert connected_within({"1": 1, LONGER: 9}, 0.5) == LONGER
    assert connected_within({}, 0.5) == ""


def test_counts_are_added_up_and_of_the_greatest_the_greatest_stays() -> None:
    reconnects = FigureKey(DAWN, Figure.RECONNECT, WEB, "")
    most = FigureKey(DAWN, Figure.MEMORY_MOST, "", "")
    assert merged([{reconnects: 2, most: 5}, {reconnects: 3, most: 4}]) == {reconnects: 5, most: 5}


def test_an_hour_begins_in_utc() -> None:
    assert hour_of(at(1.99)) == at(1)


class TestOverview:
    overview = Overview(
        edges=(at(0), at(1), at(2), at(3), at(4)),
        counts=(
            {},
            {(Figure.TIME, Kind.CONNECTED): 7_200_000, (Figure.FAILURE, R.LOGGED_OUT): 1},
            {(Figure.TIME, Kind.CONNECTED): 1_800_000, (Figure.FAILURE, R.NETWORK_DOWN): 2},
            {},
        ),
        first_hour=at(1),
        until=at(2.5),
    )

    def test_knows_how_many_links_were_connected_on_average(self) -> None:
        assert self.overview.connected() == (None, 2, 1, None)

    def test_has_a_bucket_of_all_links_together_for_each_stretch(self) -> None:
        assert [bucket.worst for bucket in self.overview.buckets] == [
            Kind.UNRECORDED,
            Kind.CONNECTED,
            Kind.CONNECTED,
            Kind.UNRECORDED,
        ]

    def test_adds_up_by_detail_the_most_frequent_first(self) -> None:
        assert self.overview.by_detail(Figure.FAILURE) == {R.NETWORK_DOWN: 2, R.LOGGED_OUT: 1}
        assert list(self.overview.by_detail(Figure.FAILURE)) == [R.NETWORK_DOWN, R.LOGGED_OUT]
        assert self.overview.total(Figure.FAILURE) == 3
        assert self.overview.series(Figure.RECONNECT) == (0, 0, 0, 0)

    def test_of_an_hour_in_which_the_program_was_closed_nothing_is_known(self) -> None:
        closed = Overview(
            edges=(at(0), at(1)), counts=({(Figure.TIME, Kind.CLOSED): 3_600_000},), first_hour=at(0), until=None
        )
        assert closed.connected() == (None,)
