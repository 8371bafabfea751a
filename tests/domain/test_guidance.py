from __future__ import annotations

import itertools

import pytest

from app.domain.connection import LinkState, Reason
from app.domain.guidance import NEW_PAIRING, STAYS_BLOCKED, Recommendation, recommend

FORBIDDEN = (
    Reason.TEMPORARY_BAN,
    Reason.BANNED,
    Reason.CLIENT_OUTDATED,
    Reason.CLIENT_REFUSED,
    Reason.STREAM_REPLACED,
    Reason.SESSION_IN_USE,
    Reason.NETWORK_DOWN,
)


def test_every_state_and_reason_has_exactly_one_recommendation() -> None:
    for state, reason in itertools.product(LinkState, Reason):
        assert isinstance(recommend(state, reason), Recommendation), (state, reason)


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_a_new_qr_is_never_recommended_where_it_would_make_things_worse(reason: Reason) -> None:
    assert all(recommend(state, reason) not in NEW_PAIRING for state in LinkState)


def test_a_suspended_number_is_told_to_wait() -> None:
    assert recommend(LinkState.BLOCKED, Reason.TEMPORARY_BAN) is Recommendation.WAIT
    assert Reason.TEMPORARY_BAN in STAYS_BLOCKED
