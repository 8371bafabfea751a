"""Campaigns whose program ends, or whose disk or provider keeps the answer to itself."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.outbound.campaigns import CampaignService
from app.domain.campaign import (
    CampaignState,
    PauseReason,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.outbound import OutboundFacts, OutboundMessage, OutboundState
from tests.clock import settle
from tests.core.outbound.campaign_harness import DRAFT, PEOPLE, S, campaigns
from tests.waiting import until


async def test_closing_the_program_pauses_what_it_sends(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 12.0) as c:
        await c.approved(replace(DRAFT, name="Outra"))
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        await c.service.pause(c.campaign.id)
        await c.service.stop(c.campaign.id)
        await c.approved()
        await c.service.pause(c.campaign.id)
        running = asyncio.get_running_loop().create_task(c.service.run())
        await c.s.clock.advance(61)
        assert c.campaign.pause_reason is PauseReason.PERSON
        await c.service.resume(c.campaign.id)
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        running.cancel()
        await asyncio.wait({running})
        assert (c.campaign.state, c.campaign.pause_reason) == (CampaignState.PAUSED, PauseReason.INTERRUPTED)
        assert len(c.reached) == 2


async def test_closing_the_program_finishes_the_last_message_and_with_it_the_campaign(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 1) as c:
        c.s.provider.holding = asyncio.Event()
        running = asyncio.get_running_loop().create_task(c.service.run())
        await c.approved()
        await until(lambda: c.s.provider.sent)
        running.cancel()
        await settle()
        c.s.provider.holding.set()
        await asyncio.wait({running})
        assert c.campaign.state is CampaignState.FINISHED


async def test_after_a_crash_nobody_is_written_to_twice_and_who_may_have_been_is_uncertain(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        c.s.provider.holding = asyncio.Event()
        campaign = await c.approved()
        await until(lambda: c.s.provider.sent)
        dead = c.service._runs[campaign.id].task  # hangs for good, as far as the next program can tell
        c.service._runs.clear()
        c.s.provider.holding = None
        first = c.s.provider.sent[0]
        await c.restart()
        assert c.campaign.state is CampaignState.RUNNING
        running = asyncio.get_running_loop().create_task(c.service.run())
        await until(lambda: c.campaign.state is CampaignState.PAUSED)
        assert c.campaign.pause_reason is PauseReason.INTERRUPTED
        await c.service.resume(campaign.id)
        await until(lambda: len(c.reached) == 3)
        await c.s.clock.advance(300)
        assert c.campaign.state is CampaignState.RUNNING  # nobody knows yet what became of the first
        await c.s.later(minutes=10)
        await c.s.service.recover()
        assert await c.ended() is CampaignState.FINISHED
        assert await c.outcomes() == [(S.UNCERTAIN, ""), (S.ACCEPTED, ""), (S.ACCEPTED, "")]
        assert c.reached.count(first.to.value) == 1
        await c.s.repository.save(_accepted(await c.s.repository.facts(c.s.ana, first.to, c.s.clock.now())))
        await c.s.clock.advance(60)  # the provider reported it after all
        await until(lambda: c.campaign.counts == {S.ACCEPTED: 3})
        running.cancel()
        dead.cancel()
        await asyncio.wait({running, dead})


def _accepted(facts: OutboundFacts) -> OutboundMessage:
    (left,) = [each for each in facts.sent if each.state is OutboundState.UNCERTAIN]
    return replace(left, state=OutboundState.ACCEPTED, provider_id="late")


async def test_two_programs_that_send_the_same_campaign_reach_everybody_once(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 12) as c:
        campaign = await c.approved()
        other = CampaignService(
            bus=c.s.core.bus,
            mentorados=c.s.core.mentorados,
            outbound=c.s.service,
            planner=c.planner,
            repository=c.repository,
            bulk_hold=lambda _mentorado: None,
            audit_service=c.s.core.audit_service,
            clock=c.s.clock,
        )
        await other.load()
        await other.resume(campaign.id)
        await until(lambda: len(c.reached) >= 12)
        assert await c.ended() is CampaignState.FINISHED
        while other._runs:
            await asyncio.sleep(0.004)
            await c.s.clock.advance(61)
        assert sorted(c.reached) == [each.value for each in PEOPLE[:12]]


@pytest.mark.parametrize("error", [Problem(ProblemCode.DATABASE_LOCKED), RuntimeError("broken")])
async def test_a_campaign_that_cannot_be_written_down_is_paused(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with campaigns(tmp_path) as c:

        async def fail(_recipient: object, _message: object) -> None:
            raise error

        monkeypatch.setattr(c.repository, "mark", fail)
        await c.approved()
        assert await c.ended() is CampaignState.PAUSED
        assert c.campaign.pause_reason is PauseReason.INTERRUPTED
        assert len(c.reached) == 1
        assert [each.levelno for each in caplog.records if each.levelno >= logging.WARNING] == [
            logging.WARNING if isinstance(error, Problem) else logging.ERROR
        ]
        caplog.clear()
        monkeypatch.undo()
        await c.service.resume(c.campaign.id)
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 3


async def test_a_message_of_which_nothing_is_known_is_looked_at_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another program is about to send it, or died doing so."""
    async with campaigns(tmp_path, 1) as c:
        asked: list[object] = []

        async def no_result(*given: object, **_more: object) -> None:
            asked.append(given)
            raise Problem(ProblemCode.DATABASE_LOCKED)

        monkeypatch.setattr(c.s.service, "send", no_result)
        await c.approved()
        await c.when(lambda: len(asked) == 1)
        monkeypatch.undo()
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 1


async def test_a_pause_that_the_disk_refused_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with campaigns(tmp_path) as c:

        async def fail(*_what: object) -> None:
            raise Problem(ProblemCode.DATABASE_LOCKED)

        running = asyncio.get_running_loop().create_task(c.service.run())
        await settle()
        for name in ("mark", "set_state"):
            monkeypatch.setattr(c.repository, name, fail)
        await c.approved()
        assert await c.ended(passing=1.0) is CampaignState.RUNNING  # as far as the disk knows
        monkeypatch.undo()
        await c.when(lambda: c.campaign.state is CampaignState.PAUSED, passing=61.0)
        assert c.campaign.pause_reason is PauseReason.INTERRUPTED
        caplog.clear()
        running.cancel()
        await asyncio.wait({running})
