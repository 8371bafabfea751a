from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.links.reconnect import Backoff, ReconnectPolicy
from app.domain.link_status import Reason

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(st.integers(min_value=1, max_value=8))
def test_a_wait_is_never_longer_than_the_cap_nor_than_twice_the_last_ceiling(attempt: int) -> None:
    policy = ReconnectPolicy()
    assert 0 <= policy.delay(attempt) <= min(policy.cap, 2 ** (attempt - 1))


@given(st.integers(min_value=9, max_value=10_000))
def test_tries_go_on_when_the_budget_is_spent_but_further_apart(attempt: int) -> None:
    assert 60 <= ReconnectPolicy().delay(attempt) <= 120


def test_only_a_stable_time_fills_the_budget_again() -> None:
    backoff = Backoff(ReconnectPolicy(stable_after=60))
    backoff.next_delay()
    backoff.record_drop(Reason.NETWORK_DOWN, None, NOW)
    backoff.record_drop(Reason.NETWORK_DOWN, NOW, after(59))
    assert backoff.attempt == 1
    backoff.record_drop(Reason.NETWORK_DOWN, NOW, after(60))
    assert backoff.attempt == 0


@pytest.mark.parametrize(
    ("falls", "counted"),
    [
        ([0, 100, 200, 300, 400], None),  # one too few
        ([0, 100, 200, 300, 400, 600], "stream_error ×4, keepalive_timeout ×2"),
        ([0, 100, 200, 300, 400, 601], None),  # the first is too long ago
        ([0, 700, 1400, 2100, 2800, 3500, 4200], None),
    ],
)
def test_falls_in_a_window_are_counted_by_their_reasons(falls: list[float], counted: str | None) -> None:
    backoff = Backoff(ReconnectPolicy())
    reasons = [Reason.STREAM_ERROR, Reason.KEEPALIVE_TIMEOUT, Reason.STREAM_ERROR] * 3
    lines = [backoff.record_drop(reason, None, after(at)) for at, reason in zip(falls, reasons, strict=False)]
    assert lines[-1] == counted
