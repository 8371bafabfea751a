from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.connection import LinkState
from app.domain.lifecycle import TABLE, IllegalTransition, Trigger, allowed, step


@pytest.mark.parametrize("state", LinkState)
def test_any_link_can_be_switched_off(state: LinkState) -> None:
    assert step(state, Trigger.DISCONNECT) is LinkState.OFF


def test_every_state_can_be_reached_from_off() -> None:
    reached = {LinkState.OFF}
    while more := {after for (before, _), after in TABLE.items() if before in reached} - reached:
        reached |= more
    assert reached == set(LinkState)


def test_a_first_connection_is_seen_as_connecting_then_qr_ready_then_connected() -> None:
    seen = [LinkState.OFF]
    for trigger in (Trigger.CONNECT, Trigger.CODE_SHOWN, Trigger.CODE_ACCEPTED, Trigger.OPENED):
        seen.append(step(seen[-1], trigger))
    assert seen == ["off", "connecting", "qr_ready", "qr_ready", "connected"]


def test_a_link_that_is_off_does_not_open_by_itself() -> None:
    assert not allowed(LinkState.OFF, Trigger.OPENED)
    with pytest.raises(IllegalTransition, match="OPENED while off"):
        step(LinkState.OFF, Trigger.OPENED)


def test_a_blocked_link_comes_back_only_when_a_person_asks() -> None:
    out = {trigger for trigger in Trigger if allowed(LinkState.BLOCKED, trigger)}
    assert out == {Trigger.CONNECT, Trigger.DISCONNECT, Trigger.REFUSED}


def test_a_provider_that_could_not_be_asked_for_a_code_may_show_one_later() -> None:
    assert step(step(LinkState.CONNECTING, Trigger.SILENT), Trigger.CODE_SHOWN) is LinkState.QR_READY


@given(st.lists(st.sampled_from(Trigger), max_size=40))
def test_no_sequence_of_events_leads_to_a_state_without_a_way_out(triggers: list[Trigger]) -> None:
    state = LinkState.OFF
    for trigger in triggers:
        if allowed(state, trigger):
            state = step(state, trigger)
    assert step(step(state, Trigger.DISCONNECT), Trigger.CONNECT) is LinkState.CONNECTING
