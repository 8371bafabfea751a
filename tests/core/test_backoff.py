from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.backoff import Backoff, ReconnectPolicy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(min_value=1, max_value=10_000))
def test_a_wait_is_never_longer_than_the_cap_nor_than_twice_the_last_ceiling(attempt: int) -> None:
    policy = ReconnectPolicy()
    assert 0 <= policy.delay(attempt) <= min(policy.cap, 2 ** (attempt - 1))


def test_only_a_stable_time_wipes_the_count() -> None:
    backoff = Backoff(ReconnectPolicy(stable_after=60))
    backoff.next_delay()
    backoff.held(None, NOW)
    backoff.held(NOW - timedelta(seconds=59), NOW)
    assert backoff.attempt == 1
    backoff.held(NOW - timedelta(seconds=60), NOW)
    assert backoff.attempt == 0
