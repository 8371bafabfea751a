from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.link_status import (
    TABLE,
    IllegalTransition,
    LinkState,
    Trigger,
    allowed,
    next_state,
)


@pytest.mark.parametrize("state", LinkState)
def test_any_link_can_be_switched_off(state: LinkState) -> None:
    assert next_state(state, Trigger.DISCONNECT) is LinkState.OFF


def test_every_state_can_be_reached_from_off() -> None:
    reached = {LinkState.OFF}
    while more := {after for (before, _), after in TABLE.items() if before in reached} - reached:
        reached |= more
    assert reached == set(LinkState)


def test_a_first_connection_is_seen_as_connecting_then_qr_ready_then_connected() -> None:
    seen = [LinkState.OFF]
    for trigger in (Trigger.CONNECT, Trigger.CODE_SHOWN, Trigger.CODE_ACCEPTED, Trigger.OPENED):
        seen.append(next_state(seen[-1], trigger))
    assert seen == ["off", "connecting", "qr_ready", "qr_ready", "connected"]


def test_a_link_that_is_off_does_not_open_by_itself() -> None:
    assert not allowed(LinkState.OFF, Trigger.OPENED)
    with pytest.raises(IllegalTransition, match="OPENED while off"):
        next_state(LinkState.OFF, Trigger.OPENED)


def test_a_blocked_link_comes_back_only_when_a_person_asks() -> None:
    out = {trigger for trigger in Trigger if allowed(LinkState.BLOCKED, trigger)}
    assert out == {Trigger.CONNECT, Trigger.DISCONNECT, Trigger.REFUSED}


def test_a_provider_that_could_not_be_asked_for_a_code_may_show_one_later() -> None:
    assert next_state(next_state(LinkState.CONNECTING, Trigger.SILENT), Trigger.CODE_SHOWN) is LinkState.QR_READY


@given(st.lists(st.sampled_from(Trigger), max_size=40))
def test_no_sequence_of_events_leads_to_a_state_without_a_way_out(triggers: list[Trigger]) -> None:
    state = LinkState.OFF
    for trigger in triggers:
        if allowed(state, trigger):
            state = next_state(state, trigger)
    assert next_state(next_state(state, Trigger.DISCONNECT), Trigger.CONNECT) is LinkState.CONNECTING


def reachable(begin: LinkState, triggers: frozenset[Trigger] = frozenset(Trigger)) -> set[LinkState]:
    found = {begin}
    while more := {to for (at, by), to in TABLE.items() if at in found and by in triggers} - found:
        found |= more
    return found


@given(st.lists(st.sampled_from(Trigger), max_size=30))
def test_wherever_a_life_leads_there_is_a_way_to_connected_and_one_to_off(triggers: list[Trigger]) -> None:
    state = LinkState.OFF
    for trigger in triggers:
        if allowed(state, trigger):
            state = next_state(state, trigger)
    assert {LinkState.CONNECTED, LinkState.OFF} <= reachable(state)
    assert LinkState.OFF in reachable(state, frozenset({Trigger.DISCONNECT}))


@given(st.sampled_from(LinkState), st.sampled_from(Trigger))
def test_a_trigger_that_means_nothing_raises_and_what_is_allowed_never_does(state: LinkState, trigger: Trigger) -> None:
    if allowed(state, trigger):
        assert next_state(state, trigger) in LinkState
    else:
        with pytest.raises(IllegalTransition, match=f"{trigger.name} while {state}"):
            next_state(state, trigger)


@given(st.sampled_from(LinkState))
def test_nothing_but_the_provider_says_that_a_link_is_through(state: LinkState) -> None:
    """Neither a person nor a code makes a badge green: only `OPENED` does."""
    by_others = frozenset(Trigger) - {Trigger.OPENED}
    if state is not LinkState.CONNECTED:
        assert LinkState.CONNECTED not in reachable(state, by_others)


@given(st.sampled_from(LinkState))
def test_a_code_is_seen_only_by_those_who_asked_for_one(state: LinkState) -> None:
    """No trigger shows a code in a link that is off, blocked or connected: a person asks to connect first."""
    if state in (LinkState.OFF, LinkState.BLOCKED, LinkState.CONNECTED):
        assert not allowed(state, Trigger.CODE_SHOWN)
        assert LinkState.QR_READY not in reachable(state, frozenset({Trigger.CODE_SHOWN, Trigger.CODE_ACCEPTED}))
