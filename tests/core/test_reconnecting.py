"""Links that fall: one too often, or a hundred together."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName, UnavailableReason
from app.domain.guidance import Recommendation, recommend
from app.domain.link_status import LinkState, Reason, Retry
from app.domain.provider import Connected, ConnectionEvent, Failed, Lost
from tests.clock import settle
from tests.core.many_links import POLICY, Crowd

MINUTES = 60
AT_ONCE = ReconnectPolicy(random=lambda low, _high: low)


async def fall_and_rise(crowd: Crowd, *falls: ConnectionEvent) -> None:
    """The first link falls that often, half a minute apart, and is through again at once."""
    for fall in falls:
        crowd.served.open[crowd.ids[0]].say(fall)
        await crowd.clock.advance(30)
        if crowd.state(0) is LinkState.RECONNECTING:
            crowd.served.open[crowd.ids[0]].say(Connected(None))
            await settle()


async def test_a_link_that_keeps_falling_waits_for_a_person_with_the_reasons_counted() -> None:
    crowd = Crowd(1)
    async with crowd.connected():
        ana = crowd.mentorados.get(crowd.ids[0])
        await fall_and_rise(
            crowd,
            Failed(Reason.STREAM_ERROR),
            Lost(Reason.KEEPALIVE_TIMEOUT),
            Failed(Reason.STREAM_ERROR),
            Lost(Reason.STREAM_ERROR),
            Failed(Reason.STREAM_ERROR),
        )
        assert crowd.state(0) is LinkState.CONNECTED
        await fall_and_rise(crowd, Lost(Reason.KEEPALIVE_TIMEOUT))
        status = crowd.status(ana)
        assert (status.state, status.reason) == (LinkState.BLOCKED, Reason.FLAPPING)
        assert status.detail == "stream_error ×4, keepalive_timeout ×2"
        assert recommend(status.state, status.reason) is Recommendation.CHECK_NETWORK
        assert crowd.supervisor.running() == ()
        assert (crowd.provider.discarded, crowd.provider.adopted) == ([], [])  # the keys are as they were
        await crowd.do(ActionName.CONNECT, ana)
        assert crowd.state(0) is LinkState.CONNECTED
        await fall_and_rise(crowd, *[Failed(Reason.STREAM_ERROR)] * 5)  # counted anew
        assert crowd.state(0) is LinkState.CONNECTED


async def test_a_long_outage_is_no_flapping_and_nobody_gives_up() -> None:
    crowd = Crowd(1)
    async with crowd.connected():
        crowd.served.away = True
        crowd.served.fall()
        await crowd.clock.advance(24 * 60 * MINUTES)
        assert crowd.state(0) is LinkState.RECONNECTING
        waits = [later - earlier for earlier, later in pairwise(crowd.served.tries[POLICY.budget :])]
        assert min(waits) >= timedelta(seconds=POLICY.cap)
        crowd.served.away = False
        await crowd.clock.advance(2 * MINUTES)
        assert crowd.state(0) is LinkState.CONNECTED


async def test_a_hundred_links_that_lose_their_server_together_are_no_storm() -> None:
    crowd = Crowd(100)
    async with crowd.connected():
        fell_at = crowd.clock.now()
        crowd.served.away = True
        crowd.served.fall()
        await crowd.clock.advance(5 * MINUTES)
        assert crowd.count(LinkState.RECONNECTING) == 100
        assert len(crowd.served.tries) <= POLICY.most_tries(links=100, seconds=5 * MINUTES)
        crowd.served.away = False
        await crowd.clock.advance(2 * MINUTES)
        assert crowd.count(LinkState.CONNECTED) == 100
        a_second = timedelta(seconds=1)
        assert max(Counter((at - fell_at) // a_second for at in crowd.served.tries).values()) <= POLICY.per_second
        for first, last in zip(crowd.served.tries, crowd.served.tries[POLICY.per_second :], strict=False):
            assert last - first >= a_second  # whenever a second is said to begin


async def test_a_hundred_links_start_with_the_program_at_the_same_pace() -> None:
    crowd = Crowd(100)
    await crowd.mentorados.load()
    async with crowd.running():
        await crowd.supervisor.start_enabled()
        await crowd.clock.advance(10)
        assert len(crowd.served.tries) == 51
        await crowd.clock.advance(10)
        assert crowd.count(LinkState.CONNECTED) == 100


async def test_the_gate_is_seen_in_the_next_try_of_each_link() -> None:
    crowd = Crowd(20, AT_ONCE)
    async with crowd.connected():
        crowd.served.fall()
        await settle()
        now = crowd.clock.now()
        tries = [crowd.status(mentorado).retry for mentorado in crowd.mentorados.all()]
        assert tries[1:] == [Retry(1, now + number * timedelta(seconds=0.2)) for number in range(1, 20)]


async def test_who_is_brought_back_waits_for_the_gate_and_not_for_the_backoff() -> None:
    crowd = Crowd(10)
    async with crowd.connected():
        crowd.served.away = True
        crowd.served.fall()
        await crowd.clock.advance(10 * MINUTES)
        crowd.served.away = False
        crowd.supervisor.reconnect(crowd.ids)
        await asyncio.sleep(0)
        crowd.supervisor.reconnect(crowd.ids)  # before the first call has got through
        await crowd.clock.advance(2)
        assert crowd.count(LinkState.CONNECTED) == 10
        assert not any(crowd.supervisor.retry_requested(mentorado.link.id) for mentorado in crowd.mentorados.all())
        crowd.supervisor.reconnect(crowd.ids)  # who is there stays
        await crowd.clock.advance(1)
        assert crowd.count(LinkState.CONNECTED) == 10


async def test_who_flapped_is_brought_back_unless_somebody_was_quicker() -> None:
    crowd = Crowd(3)
    async with crowd.connected():
        for _ in range(POLICY.flaps):
            crowd.served.fall()
            await crowd.clock.advance(61)
        assert crowd.count(LinkState.BLOCKED) == 3
        first, second, _third = (crowd.mentorados.get(mentorado_id) for mentorado_id in crowd.ids)
        crowd.supervisor.reconnect(crowd.ids)
        await settle()
        assert [crowd.state(number) for number in range(3)] == ["connected", "blocked", "blocked"]
        await crowd.do(ActionName.CONNECT, second)
        lines = len(crowd.provider.lines)
        await crowd.do(ActionName.ARCHIVE, crowd.mentorados.get(crowd.ids[2]))
        await crowd.clock.advance(1)
        assert [crowd.state(number) for number in range(3)] == ["connected", "connected", "blocked"]
        assert len(crowd.provider.lines) == lines
        assert crowd.actions.unavailable_reason(ActionName.CONNECT, first.id) is UnavailableReason.ALREADY_CONNECTED


async def test_leaving_while_links_still_start_closes_everything() -> None:
    crowd = Crowd(10)
    await crowd.mentorados.load()
    async with crowd.running():
        await crowd.supervisor.start_enabled()
        await crowd.clock.advance(1)
    assert all(line.closed for line in crowd.provider.lines)
    assert crowd.supervisor.running() == ()


@pytest.mark.parametrize("seconds", [0, 0.5])
async def test_hurrying_one_link_of_many_does_not_wait_for_the_others(seconds: float) -> None:
    crowd = Crowd(20)
    async with crowd.connected():
        crowd.served.away = True
        crowd.served.fall()
        await crowd.clock.advance(5 * MINUTES + seconds)
        crowd.served.away = False
        last = crowd.mentorados.get(crowd.ids[-1])
        await crowd.do(ActionName.TRY_NOW, last)
        assert crowd.state(19) is LinkState.CONNECTED
