from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.consent import ConsentChange, Purpose, consent_state
from app.domain.mentorado import LinkId
from app.domain.outbound import (
    DAY,
    Candidate,
    Hold,
    HoldReason,
    OutboundLimits,
    OutboundMessage,
    OutboundState,
    are_similar,
    fingerprint,
    limits_hold,
    quiet_until,
)
from app.domain.sending import SERVICE_WINDOW, window_open

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
OLD = NOW - timedelta(days=90)
LIMITS = OutboundLimits()
SAO_PAULO, TOKYO = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Tokyo")


def sent(
    ago: float, recipient: str = "b", purpose: Purpose = Purpose.CONVERSATION, text: str = "", *, new: bool = False
) -> OutboundMessage:
    return OutboundMessage(
        reference=f"{ago} {recipient}",
        link_id=LinkId("l"),
        recipient=recipient,
        purpose=purpose,
        reserved_at=NOW - timedelta(seconds=ago),
        state=OutboundState.ACCEPTED,
        fingerprint=fingerprint(text),
        new_contact=new,
    )


def candidate(
    recipient: str = "a", purpose: Purpose = Purpose.CONVERSATION, text: str = "", *, new: bool = False
) -> Candidate:
    return Candidate(recipient=recipient, purpose=purpose, fingerprint=fingerprint(text), new_contact=new)


def test_a_number_that_was_just_connected_begins_low_and_grows_to_the_whole_day() -> None:
    def most(days: float) -> int:
        first = NOW - timedelta(days=days)
        wide = OutboundLimits(per_minute=999, per_hour=999)
        for count in range(250):
            day = [sent(3601 + each) for each in range(count)]
            if limits_hold(candidate(), day, NOW, wide, first_connected=first) is not None:
                return count
        return 0

    assert [most(days) for days in (0, 1, 3, 6.9, 7, 400)] == [20, 45, 97, 174, 200, 200]
    wide = OutboundLimits(per_minute=999, per_hour=999)
    assert limits_hold(candidate(), [sent(each) for each in range(19)], NOW, wide) is None
    held = limits_hold(candidate(), [sent(each) for each in range(20)], NOW, wide)  # never seen connected: new
    assert held == Hold(HoldReason.LINK_LIMIT, NOW - timedelta(seconds=19) + DAY)
    # The clock was set back behind the day it was first connected: nothing is loosened by that.
    future = limits_hold(candidate(), [sent(each) for each in range(20)], NOW, wide, first_connected=NOW + DAY)
    assert future == held


def test_the_limit_that_lasts_longest_is_told() -> None:
    hour = [sent(each * 10) for each in range(6)]
    limits = OutboundLimits(per_minute=5, per_hour=6)
    held = limits_hold(candidate(), hour, NOW, limits, first_connected=OLD)
    assert held == Hold(HoldReason.LINK_LIMIT, NOW - timedelta(seconds=50) + timedelta(hours=1))


def test_what_did_not_go_out_does_not_count_and_what_is_dated_ahead_counts_as_now() -> None:
    failed = [
        OutboundMessage(
            reference=str(each),
            link_id=LinkId("l"),
            recipient="b",
            purpose=Purpose.CONVERSATION,
            reserved_at=NOW,
            state=OutboundState.NOT_SENT,
        )
        for each in range(50)
    ]
    assert limits_hold(candidate(), failed, NOW, LIMITS, first_connected=OLD) is None
    ahead = [sent(-9999) for _ in range(5)]
    held = limits_hold(candidate(), ahead, NOW, LIMITS, first_connected=OLD)
    assert held == Hold(HoldReason.LINK_LIMIT, NOW + timedelta(minutes=1))


def test_a_limit_of_none_at_all_holds_everything() -> None:
    held = limits_hold(candidate(), [], NOW, OutboundLimits(per_business_day=0), first_connected=OLD)
    assert held == Hold(HoldReason.BUSINESS_LIMIT, NOW + DAY)


def test_new_contacts_are_counted_once_each_and_who_wrote_first_is_none() -> None:
    limits = OutboundLimits(new_contacts_per_day=2)
    one = [sent(4000, "b", new=True), sent(5000, "b", new=True), sent(6000, "a", new=True)]
    assert limits_hold(candidate(new=True), one, NOW, limits, first_connected=OLD) is None
    two = [*one, sent(7000, "c", new=True)]
    held = limits_hold(candidate(new=True), two, NOW, limits, first_connected=OLD)
    assert held == Hold(HoldReason.NEW_CONTACT_LIMIT, NOW - timedelta(seconds=7000) + DAY)
    assert limits_hold(candidate(), two, NOW, limits, first_connected=OLD) is None


def test_smoke_tests_have_a_limit_of_their_own() -> None:
    tests = [sent(600 * each, "a", Purpose.SMOKE_TEST, "teste") for each in (1, 2, 3)]
    held = limits_hold(candidate(purpose=Purpose.SMOKE_TEST, text="teste"), tests, NOW, LIMITS, first_connected=OLD)
    assert held == Hold(HoldReason.SMOKE_TEST_LIMIT, NOW - timedelta(seconds=1800) + timedelta(hours=1))
    assert limits_hold(candidate("d"), tests, NOW, LIMITS, first_connected=OLD) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Oi Ana, a mentoria começa amanhã às 10h. Confirma?",
            "Oi Roberto, a mentoria começa amanhã às 15h. Vem?",
        ),
        ("Só hoje: 50% em tudo! https://a.b/c?u=1", "SO HOJE, 40% em tudo  https://a.b/c?u=2"),
        ("ok", "Ok!"),
    ],
)
def test_the_same_words_with_another_name_number_or_address_are_the_same(one: str, other: str) -> None:
    assert are_similar(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Segue o material da aula de hoje.", "Obrigado, até amanhã!"),
        ("Oi! Vi sua mensagem, posso te ligar às 15h?", "Oi! Recebi o contrato, assino hoje à tarde."),
        ("", ""),
        ("👍", "👍"),
        ("Sim", "Não"),
    ],
)
def test_different_words_are_different_and_no_words_are_like_nothing(one: str, other: str) -> None:
    assert not are_similar(fingerprint(one), fingerprint(other))


@given(st.text(max_size=300))
def test_every_text_has_a_fingerprint_that_the_database_can_hold(text: str) -> None:
    assert -(1 << 63) <= fingerprint(text) < 1 << 63


def test_quiet_hours_end_when_it_is_day_everywhere_the_number_may_be() -> None:
    assert quiet_until(NOW, [SAO_PAULO], LIMITS) is None  # noon there
    night = NOW.replace(hour=23, minute=30)  # 20:30 there
    assert quiet_until(night, [SAO_PAULO], LIMITS) == (NOW + DAY).replace(hour=11, minute=0)
    assert quiet_until(NOW.replace(hour=9), [SAO_PAULO], LIMITS) == NOW.replace(hour=11)
    lunch = OutboundLimits(quiet_from=time(12), quiet_to=time(14))
    assert quiet_until(NOW, [SAO_PAULO], lunch) == NOW.replace(hour=17)
    always = OutboundLimits(quiet_from=time(8), quiet_to=time(8))
    assert quiet_until(night, [SAO_PAULO], always) is None
    assert quiet_until(NOW, [SAO_PAULO, TOKYO], LIMITS) == NOW + DAY  # day in one is night in the other


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - asked for without a zone
    st.lists(st.sampled_from(["America/Sao_Paulo", "America/Manaus", "Europe/London", "America/New_York"]), max_size=3),
    st.times(),
    st.times(),
)
def test_nobody_is_disturbed_at_the_moment_that_is_named(
    at: datetime, zones: list[str], begin: time, end: time
) -> None:
    limits = OutboundLimits(
        quiet_from=begin.replace(second=0, microsecond=0), quiet_to=end.replace(second=0, microsecond=0)
    )
    now, places = at.replace(tzinfo=UTC), [ZoneInfo(zone) for zone in zones]
    until = quiet_until(now, places, limits)
    if until is not None:
        assert until > now
        if until != now + DAY:
            assert quiet_until(until, places, limits) is None


def test_what_was_said_last_of_a_purpose_counts_and_opting_out_ends_all() -> None:
    granted = (ConsentChange.GRANTED, Purpose.CAMPAIGN, NOW)
    revoked = (ConsentChange.REVOKED, Purpose.CAMPAIGN, NOW)
    other = (ConsentChange.REVOKED, Purpose.CONVERSATION, NOW)
    out = (ConsentChange.OPTED_OUT, None, NOW - DAY)  # recorded last, whatever its clock said
    assert not consent_state([], Purpose.CAMPAIGN).granted
    assert consent_state([granted, other], Purpose.CAMPAIGN).granted
    assert not consent_state([granted], Purpose.CONVERSATION).granted
    assert not consent_state([granted, revoked], Purpose.CAMPAIGN).granted
    assert consent_state([granted, out], Purpose.CAMPAIGN).opted_out_at == NOW - DAY
    again = consent_state([granted, out, granted], Purpose.CAMPAIGN)
    assert (again.granted, again.opted_out_at) == (True, None)
    assert consent_state([granted, out, granted], Purpose.CONVERSATION).opted_out_at == NOW - DAY


def test_anything_may_be_sent_for_a_day_after_the_contact_wrote() -> None:
    assert window_open(NOW - SERVICE_WINDOW + timedelta(seconds=1), NOW)
    assert not window_open(NOW - SERVICE_WINDOW, NOW)
    assert not window_open(None, NOW)
