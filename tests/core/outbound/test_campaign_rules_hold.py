"""Whatever people, providers, clocks and crashes do to a campaign: what the provider was asked is checked here."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from app.domain.campaign import CampaignState, RecipientState
from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.outbound import OutboundLimits
from app.domain.sending import NotSent, OutgoingMessage, SendErrorKind, SendResult, Uncertain
from tests.core.outbound.campaign_harness import PEOPLE, Campaigns, campaigns
from tests.core.outbound.harness import play_at_random
from tests.core.outbound.test_rules_hold import empty
from tests.waiting import until

__all__ = ["empty"]

LIMITS = OutboundLimits(per_minute=2, per_hour=50, per_day=50, warm_up_first=50, similar_texts_per_day=50)
MANY = 6

actions = st.one_of(
    st.tuples(st.just("clock"), st.sampled_from([1, 61, 3_601, -3_600, 50_000])),
    st.tuples(st.just("clock"), st.just(61)),
    st.tuples(st.sampled_from(["pause", "resume", "stop", "crash", "release"])),
    st.tuples(st.just("resume")),
    st.tuples(st.just("opt out"), st.integers(0, MANY - 1)),
    st.tuples(
        st.just("answer"),
        st.sampled_from(
            [
                Uncertain(),
                NotSent(trouble=SendErrorKind.TRANSIENT),
                NotSent(trouble=SendErrorKind.RECIPIENT_INVALID),
                NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"),
                Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5"),
            ]
        ),
    ),
)


class Watched:
    """The far end: what may have left, and whether it was allowed to."""

    def __init__(self, c: Campaigns) -> None:
        self.c = c
        self.left = Counter[str]()
        self.out: set[str] = set()
        self.asked = 0
        self.idle = False  # paused, stopped or ended
        self.wrong: list[str] = []
        self._awake = c.s.clock.sleepers
        self._send = c.s.provider.send
        c.s.provider.send = self.send  # type: ignore[method-assign]

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        if self.idle:
            self.wrong.append("sent although nothing was to be sent")
        if message.to.value in self.out:
            self.wrong.append("sent to who opted out")
        if not 8 <= self.c.s.clock.now().hour < 20:
            self.wrong.append("sent in quiet hours")
        self.asked += 1
        try:
            result = await self._send(mentorado, message)
        except Problem:
            self.left[message.to.value] += 1
            raise
        self.left[message.to.value] += not isinstance(result, NotSent)
        return result

    async def play(self, action: tuple[Any, ...]) -> None:
        c = self.c
        match action:
            case ("clock", seconds) if seconds < 0:
                c.s.clock.time = c.s.clock.now().replace(hour=max(c.s.clock.now().hour - 1, 0))
            case ("clock", seconds):
                await self._settled()
                c.s.clock.time += timedelta(seconds=seconds)
                await c.s.clock.advance(0)
            case ("opt out", who):
                await c.s.say(PEOPLE[who], ConsentChange.OPTED_OUT)
                self.out.add(PEOPLE[who].value)
            case ("answer", answer):
                c.s.provider.answers.append(answer)
            case ("release",):
                await c.s.service.release(c.s.ana.id)
            case ("crash",):
                for run in list(c.service._runs.values()):  # its messages are finished, nothing else of it is
                    await run.halt()
                await c.restart()
                self.idle = True
            case _:
                await self._change(action[0])
        await self._settled()

    async def _change(self, change: str) -> None:
        c = self.c
        self.idle = self.idle and change != "resume"
        with suppress(Problem):  # it has ended
            await getattr(c.service, change)(c.campaign.id)
        self.idle = change != "resume" or c.campaign.state is not CampaignState.RUNNING

    async def _settled(self) -> None:
        """Wait until nothing happens before time passes."""
        await self.c.s.core.write_queue.flush()
        await until(lambda: not self.c.service._runs or self.c.s.clock.sleepers > self._awake, every=0.001)


async def play(folder: Path, todo: list[tuple[Any, ...]]) -> int:
    """Do all of *todo* and finish; returns how often the provider was asked."""
    async with campaigns(folder, MANY, limits=LIMITS) as c:
        await c.s.grant(PEOPLE[0], Purpose.CONVERSATION)
        watched = Watched(c)
        await c.approved()
        for action in todo:
            await watched.play(action)
        c.s.provider.answers.clear()
        if c.campaign.state is not CampaignState.STOPPED:
            await c.s.service.release(c.s.ana.id)
            while c.campaign.is_open:
                await watched.play(("resume",))
                while c.service._runs:
                    await watched.play(("clock", 3_601))
            assert c.campaign.state is CampaignState.FINISHED
            states = {each.address.value: each for each in await c.service.recipients(c.campaign.id)}
            for who, each in states.items():
                assert (watched.left[who] == 1) is (each.state in (RecipientState.ACCEPTED, RecipientState.UNCERTAIN))
                assert each.state is not RecipientState.WAITING
        assert watched.wrong == []
        assert max(watched.left.values(), default=0) <= 1, "sent twice"
        return watched.asked


def test_nobody_is_written_to_twice_or_against_their_will_or_forgotten(empty: Path) -> None:
    assert play_at_random(empty, st.lists(actions, min_size=3, max_size=15), play, times=15) > 30


pytestmark = [pytest.mark.slow, pytest.mark.within(120)]
