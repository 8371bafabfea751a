"""A hosted provider is asked from time to time: it may be silent, half well, or busy bringing a session back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.domain.actions import ActionName, UnavailableReason
from app.domain.guidance import Recommendation, recommend
from app.domain.link_status import LinkState, Reason, SendCapability
from app.domain.mentorado import Mentorado
from app.domain.provider import Connected, Lost, Unreachable
from tests.clock import ManualClock, settle
from tests.fake_providers import FakeConnection, FakeProvider
from tests.services import Core


async def test_a_provider_that_cannot_be_asked_leaves_the_link_unknown_with_the_age_of_the_last_truth(
    core: Core,
) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        confirmed = core.clock.now()
        await core.clock.advance(240)
        core.provider.line.say(Unreachable("502"))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.detail) == (LinkState.UNKNOWN, Reason.UNREACHABLE, "502")
        assert status.evidence.last_observation == confirmed
        assert recommend(status.state, status.reason) is Recommendation.CHECK_NOW
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        assert len(core.provider.lines) == 1


async def test_checking_now_asks_on_the_open_line_and_opens_no_other(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Unreachable())
        await settle()
        await core.do(ActionName.TRY_NOW, ana)
        assert core.provider.line.checked == 1
        assert core.status(ana).state is LinkState.UNKNOWN
        assert len(core.provider.lines) == 1


class LineThatCannotBeAsked:
    """Only what every line has."""

    def __init__(self, line: FakeConnection) -> None:
        self.events, self.confirm = line.events, line.confirm


class ProviderThatIsNotPolled(FakeProvider):
    @asynccontextmanager
    async def connect(self, mentorado: Mentorado) -> AsyncIterator[LineThatCannotBeAsked]:  # type: ignore[override]
        async with super().connect(mentorado) as line:
            yield LineThatCannotBeAsked(line)


async def test_where_the_line_cannot_ask_another_is_opened_instead(manual_clock: ManualClock) -> None:
    core = Core(manual_clock, provider=ProviderThatIsNotPolled())
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Unreachable())
        await settle()
        await core.do(ActionName.TRY_NOW, ana)
        assert len(core.provider.lines) == 2
        assert core.provider.lines[0].closed


async def test_a_silent_line_that_ends_is_followed_by_another(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Unreachable())
        core.provider.line.hang_up()
        await settle()
        assert core.status(ana).state is LinkState.RECONNECTING
        await core.clock.advance(120)
        assert len(core.provider.lines) == 2


async def test_a_connected_link_shows_what_it_may_not_send_and_until_when(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        until = core.clock.now() + timedelta(hours=1)
        await core.do(ActionName.CONNECT, ana)
        opened = Connected(ana.phone, SendCapability.RESTRICTED, Reason.QUALITY_LOW, until)
        core.provider.line.say(opened)
        await settle()
        status = core.status(ana)
        assert (status.state, status.capability) == (LinkState.CONNECTED, SendCapability.RESTRICTED)
        assert (status.reason, status.until) == (Reason.QUALITY_LOW, until)
        assert recommend(status.state, status.reason) is Recommendation.SLOW_DOWN
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.status(ana).capability is SendCapability.OK


async def test_a_provider_that_restores_a_session_gets_the_timeout_it_asks_for(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(ana.phone))
        core.provider.line.say(Lost(Reason.SESSION_DROPPED, retry_after=60))
        await settle()
        await core.clock.advance(50)
        assert len(core.provider.lines) == 1
        assert core.status(ana).state is LinkState.RECONNECTING
        core.provider.line.say(Connected(ana.phone))
        await settle()
        await core.clock.advance(120)
        assert len(core.provider.lines) == 1
        assert core.actions.unavailable_reason(ActionName.TRY_NOW, ana.id) is UnavailableReason.NOT_LOST
