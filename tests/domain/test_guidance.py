from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from app.domain.guidance import NEW_PAIRING, REASONS, Recommendation, applies_to, recommend, recommend_for
from app.domain.link_status import Evidence, LinkState, LinkStatus, Reason, SendCapability, SmokeTestOutcome
from app.domain.mentorado import ProviderKind
from tests.clock import DAWN

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


def test_every_reason_has_its_row_and_a_problem_shows_as_one_reason() -> None:
    assert list(REASONS) == list(Reason), "in the order of the reasons"
    problems = [problem for spec in REASONS.values() for problem in spec.problems]
    assert len(problems) == len(set(problems))
    assert {spec.while_connected for spec in REASONS.values() if spec.forbidden} == {False}


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_a_new_qr_is_never_recommended_where_it_would_make_things_worse(reason: Reason) -> None:
    assert all(recommend(state, reason) not in NEW_PAIRING for state in LinkState)


def test_a_suspended_number_is_told_to_wait() -> None:
    assert recommend(LinkState.BLOCKED, Reason.TEMPORARY_BAN) is Recommendation.WAIT
    assert REASONS[Reason.TEMPORARY_BAN].needs_operator


def test_each_provider_has_reasons_of_its_own_and_shares_the_others() -> None:
    of = {provider: {reason for reason in Reason if applies_to(provider, reason)} for provider in ProviderKind}
    web, zapi, meta = (of[kind] for kind in (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD))
    assert web | zapi | meta == set(Reason), "every reason is somebody's"
    assert {Reason.SESSION_CORRUPT, Reason.STREAM_REPLACED, Reason.CLIENT_OUTDATED} <= web - zapi - meta
    assert {Reason.SESSION_DROPPED, Reason.QUEUE_PENDING, Reason.CLIENT_TOKEN_MISSING} <= zapi - web - meta
    assert {Reason.NOT_REGISTERED, Reason.QUALITY_LOW} <= meta - web - zapi
    assert {Reason.LOGGED_OUT, Reason.QR_EXPIRED} <= (web & zapi) - meta


@pytest.mark.parametrize("state", LinkState)
def test_a_provider_that_signs_in_with_a_token_is_never_sent_to_a_code(state: LinkState) -> None:
    for reason in Reason:
        if applies_to(ProviderKind.META_CLOUD, reason):
            assert recommend(state, reason) not in NEW_PAIRING, reason


def test_the_smoke_test_is_the_next_step_of_who_is_connected_and_was_never_tested() -> None:
    fine = LinkStatus(state=LinkState.CONNECTED, since=DAWN, capability=SendCapability.OK)
    assert recommend_for(fine) is Recommendation.SMOKE_TEST
    for outcome in (SmokeTestOutcome.PASSED, SmokeTestOutcome.FAILED):
        tested = replace(fine, evidence=Evidence(smoke_test=outcome))
        assert recommend_for(tested) is Recommendation.NOTHING
    assert recommend_for(replace(fine, capability=SendCapability.RESTRICTED)) is Recommendation.NOTHING
    assert recommend_for(replace(fine, reason=Reason.PHONE_OFFLINE)) is Recommendation.OPEN_PHONE
    assert recommend_for(LinkStatus(since=DAWN)) is Recommendation.CONNECT
