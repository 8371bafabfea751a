"""A hosted provider is asked from time to time: it may be silent, half well, or busy bringing a session back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.core.action import ActionName, Refusal
from app.domain.connection import LinkState, Reason, SendCapability
from app.domain.guidance import Recommendation, recommend
from app.domain.mentorado import Enrolment
from app.domain.provider import Lost, Opened, Silent
from tests.clock import ManualClock, settle
from tests.core.conftest import Core, Run
from tests.played import PlayedLine, PlayedProvider


def test_a_provider_that_cannot_be_asked_leaves_the_link_unknown_with_the_age_of_the_last_truth(
    core: Core, run: Run
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            confirmed = core.clock.now()
            await core.clock.advance(240)
            core.provider.line.say(Silent("502"))
            await settle()
            status = core.status(ana)
            assert (status.state, status.reason, status.detail) == (LinkState.UNKNOWN, Reason.UNREACHABLE, "502")
            assert status.evidence.last_observation == confirmed
            assert recommend(status.state, status.reason) is Recommendation.CHECK_NOW
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            assert core.status(ana).state is LinkState.CONNECTED
            assert len(core.provider.lines) == 1

    run(main())


def test_checking_now_asks_on_the_open_line_and_opens_no_other(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Silent())
            await settle()
            await core.do(ActionName.TRY_NOW, ana)
            assert core.provider.line.checked == 1
            assert core.status(ana).state is LinkState.UNKNOWN
            assert len(core.provider.lines) == 1

    run(main())


class LineThatCannotBeAsked:
    """Only what every line has."""

    def __init__(self, line: PlayedLine) -> None:
        self.signals, self.confirm = line.signals, line.confirm


class ProviderThatIsNotPolled(PlayedProvider):
    @asynccontextmanager
    async def connect(self, enrolment: Enrolment) -> AsyncIterator[LineThatCannotBeAsked]:  # type: ignore[override]
        async with super().connect(enrolment) as line:
            yield LineThatCannotBeAsked(line)


def test_where_the_line_cannot_ask_another_is_opened_instead(manual_clock: ManualClock, run: Run) -> None:
    async def main() -> None:
        core = Core(manual_clock, provider=ProviderThatIsNotPolled())
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Silent())
            await settle()
            await core.do(ActionName.TRY_NOW, ana)
            assert len(core.provider.lines) == 2
            assert core.provider.lines[0].closed

    run(main())


def test_a_silent_line_that_ends_is_followed_by_another(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Silent())
            core.provider.line.hang_up()
            await settle()
            assert core.status(ana).state is LinkState.RECONNECTING
            await core.clock.advance(120)
            assert len(core.provider.lines) == 2

    run(main())


def test_a_connected_link_shows_what_it_may_not_send_and_until_when(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            until = core.clock.now() + timedelta(hours=1)
            await core.do(ActionName.CONNECT, ana)
            opened = Opened(ana.mentorado.phone, SendCapability.RESTRICTED, Reason.QUALITY_LOW, until)
            core.provider.line.say(opened)
            await settle()
            status = core.status(ana)
            assert (status.state, status.capability) == (LinkState.CONNECTED, SendCapability.RESTRICTED)
            assert (status.reason, status.until) == (Reason.QUALITY_LOW, until)
            assert recommend(status.state, status.reason) is Recommendation.SLOW_DOWN
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            assert core.status(ana).capability is SendCapability.OK

    run(main())


def test_a_provider_that_restores_a_session_gets_the_patience_it_asks_for(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await core.add()
            core.provider.paired.add(ana.link.id)
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Opened(ana.mentorado.phone))
            core.provider.line.say(Lost(Reason.SESSION_DROPPED, patience=60))
            await settle()
            await core.clock.advance(50)
            assert len(core.provider.lines) == 1
            assert core.status(ana).state is LinkState.RECONNECTING
            core.provider.line.say(Opened(ana.mentorado.phone))
            await settle()
            await core.clock.advance(120)
            assert len(core.provider.lines) == 1
            assert core.actions.refusal(ActionName.TRY_NOW, ana.mentorado.id) is Refusal.NOT_LOST

    run(main())
