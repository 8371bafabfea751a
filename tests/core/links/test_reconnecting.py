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
from tests.core.links.many_links import POLICY, ManyLinks, most_tries

MINUTES = 60
AT_ONCE = ReconnectPolicy(random=lambda low, _high: low)


async def fall_and_rise(links: ManyLinks, *falls: ConnectionEvent) -> None:
    """The first link falls that often, half a minute apart, and is through again at once."""
    for fall in falls:
        links.served.open[links.ids[0]].say(fall)
        await links.clock.advance(30)
        if links.state(0) is LinkState.RECONNECTING:
            links.served.open[links.ids[0]].say(Connected(None))
            await settle()


async def test_a_link_that_keeps_falling_waits_for_a_person_with_the_reasons_counted() -> None:
    links = ManyLinks(1)
    async with links.connected():
        ana = links.mentorados.get(links.ids[0])
        await fall_and_rise(
            links,
            Failed(Reason.STREAM_ERROR),
            Lost(Reason.KEEPALIVE_TIMEOUT),
            Failed(Reason.STREAM_ERROR),
            Lost(Reason.STREAM_ERROR),
            Failed(Reason.STREAM_ERROR),
        )
        assert links.state(0) is LinkState.CONNECTED
        await fall_and_rise(links, Lost(Reason.KEEPALIVE_TIMEOUT))
        status = links.status(ana)
        assert (status.state, status.reason) == (LinkState.BLOCKED, Reason.FLAPPING)
        assert status.detail == "stream_error ×4, keepalive_timeout ×2"
        assert recommend(status.state, status.reason) is Recommendation.CHECK_NETWORK
        assert links.supervisor.running() == ()
        assert (links.provider.discarded, links.provider.adopted) == ([], [])  # the keys are as they were
        await links.do(ActionName.CONNECT, ana)
        assert links.state(0) is LinkState.CONNECTED
        await fall_and_rise(links, *[Failed(Reason.STREAM_ERROR)] * 5)  # counted anew
        assert links.state(0) is LinkState.CONNECTED


async def test_a_long_outage_is_no_flapping_and_nobody_gives_up() -> None:
    links = ManyLinks(1)
    async with links.connected():
        links.served.away = True
        links.served.fall()
        await links.clock.advance(24 * 60 * MINUTES)
        assert links.state(0) is LinkState.RECONNECTING
        waits = [later - earlier for earlier, later in pairwise(links.served.tries[POLICY.budget :])]
        assert min(waits) >= timedelta(seconds=POLICY.cap)
        links.served.away = False
        await links.clock.advance(2 * MINUTES)
        assert links.state(0) is LinkState.CONNECTED


async def test_a_hundred_links_that_lose_their_server_together_are_no_storm() -> None:
    links = ManyLinks(100)
    async with links.connected():
        fell_at = links.clock.now()
        links.served.away = True
        links.served.fall()
        await links.clock.advance(5 * MINUTES)
        assert links.count(LinkState.RECONNECTING) == 100
        assert len(links.served.tries) <= most_tries(POLICY, links=100, seconds=5 * MINUTES)
        links.served.away = False
        await links.clock.advance(2 * MINUTES)
        assert links.count(LinkState.CONNECTED) == 100
        a_second = timedelta(seconds=1)
        assert max(Counter((at - fell_at) // a_second for at in links.served.tries).values()) <= POLICY.per_second
        for first, last in zip(links.served.tries, links.served.tries[POLICY.per_second :], strict=False):
            assert last - first >= a_second  # whenever a second is said to begin


async def test_a_hundred_links_start_with_the_program_at_the_same_pace() -> None:
    links = ManyLinks(100)
    await links.mentorados.load()
    async with links.running():
        await links.supervisor.start_enabled()
        await links.clock.advance(10)
        assert len(links.served.tries) == 51
        await links.clock.advance(10)
        assert links.count(LinkState.CONNECTED) == 100


async def test_the_gate_is_seen_in_the_next_try_of_each_link() -> None:
    links = ManyLinks(20, AT_ONCE)
    async with links.connected():
        links.served.fall()
        await settle()
        now = links.clock.now()
        tries = [links.status(mentorado).retry for mentorado in links.mentorados.all()]
        assert tries[1:] == [Retry(1, now + number * timedelta(seconds=0.2)) for number in range(1, 20)]


async def test_who_is_brought_back_waits_for_the_gate_and_not_for_the_backoff() -> None:
    links = ManyLinks(10)
    async with links.connected():
        links.served.away = True
        links.served.fall()
        await links.clock.advance(10 * MINUTES)
        links.served.away = False
        links.supervisor.reconnect(links.ids)
        await asyncio.sleep(0)
        links.supervisor.reconnect(links.ids)  # before the first call has got through
        await links.clock.advance(2)
        assert links.count(LinkState.CONNECTED) == 10
        assert not any(links.supervisor.retry_requested(mentorado.link.id) for mentorado in links.mentorados.all())
        links.supervisor.reconnect(links.ids)  # who is there stays
        await links.clock.advance(1)
        assert links.count(LinkState.CONNECTED) == 10


async def test_who_flapped_is_brought_back_unless_somebody_was_quicker() -> None:
    links = ManyLinks(3)
    async with links.connected():
        for _ in range(POLICY.flaps):
            links.served.fall()
            await links.clock.advance(61)
        assert links.count(LinkState.BLOCKED) == 3
        first, second, _third = (links.mentorados.get(mentorado_id) for mentorado_id in links.ids)
        links.supervisor.reconnect(links.ids)
        await settle()
        assert [links.state(number) for number in range(3)] == ["connected", "blocked", "blocked"]
        await links.do(ActionName.CONNECT, second)
        lines = len(links.provider.lines)
        await links.do(ActionName.ARCHIVE, links.mentorados.get(links.ids[2]))
        await links.clock.advance(1)
        assert [links.state(number) for number in range(3)] == ["connected", "connected", "blocked"]
        assert len(links.provider.lines) == lines
        assert links.actions.unavailable_reason(ActionName.CONNECT, first.id) is UnavailableReason.ALREADY_CONNECTED


async def test_leaving_while_links_still_start_closes_everything() -> None:
    links = ManyLinks(10)
    await links.mentorados.load()
    async with links.running():
        await links.supervisor.start_enabled()
        await links.clock.advance(1)
    assert all(line.closed for line in links.provider.lines)
    assert links.supervisor.running() == ()


@pytest.mark.parametrize("seconds", [0, 0.5])
async def test_hurrying_one_link_of_many_does_not_wait_for_the_others(seconds: float) -> None:
    links = ManyLinks(20)
    async with links.connected():
        links.served.away = True
        links.served.fall()
        await links.clock.advance(5 * MINUTES + seconds)
        links.served.away = False
        last = links.mentorados.get(links.ids[-1])
        await links.do(ActionName.TRY_NOW, last)
        assert links.state(19) is LinkState.CONNECTED
