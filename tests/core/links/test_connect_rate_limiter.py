from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core.links.reconnect import ConnectRateLimiter
from tests.clock import DAWN, ManualClock, StillClock

APART = timedelta(seconds=0.2)


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=60))
def test_no_two_moments_are_closer_than_the_pace_and_none_is_early(wanted: list[float]) -> None:
    gate = ConnectRateLimiter(ManualClock(), per_second=5)
    given_ = []
    for seconds in wanted:
        earliest = DAWN + timedelta(seconds=seconds)
        moment = gate.reserve(earliest)
        assert moment >= earliest
        given_.append(moment)
    assert all(later - earlier >= APART for earlier, later in pairwise(sorted(given_)))


def test_an_idle_gate_makes_nobody_wait_and_a_gap_is_used() -> None:
    gate = ConnectRateLimiter(ManualClock(), per_second=5)
    later = DAWN + timedelta(seconds=1)
    assert [gate.reserve(later), gate.reserve(DAWN), gate.reserve(DAWN)] == [later, DAWN, DAWN + APART]


def test_a_moment_that_was_given_back_is_free_again() -> None:
    gate = ConnectRateLimiter(ManualClock(), per_second=5)
    gate.reserve(DAWN)
    gate.release(DAWN)
    gate.release(DAWN)  # twice is harmless
    assert gate.reserve(DAWN) == DAWN


async def test_turns_come_at_the_pace_and_what_is_past_is_forgotten() -> None:
    clock = StillClock()
    gate = ConnectRateLimiter(clock, per_second=5)
    for _ in range(100):
        await gate.acquire()
    assert clock.time == DAWN + 99 * APART
    assert len(gate._taken) < 5
