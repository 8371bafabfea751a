"""What becomes of the messages of a campaign on their way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.campaign import (
    CampaignDraft,
    CampaignState,
    PauseReason,
)
from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessageUncertain
from app.domain.link_status import Reason
from app.domain.messages import Address, AddressKind
from app.domain.outbound import Hold, OutboundLimits
from app.domain.provider import Connected, Lost
from app.domain.sending import NotSent, SendErrorKind, TemplateMessage, Uncertain
from tests.clock import settle
from tests.core.outbound.campaign_harness import OPEN, PEOPLE, R, S, campaigns
from tests.waiting import until


async def test_a_pause_finishes_the_message_that_is_on_its_way_and_a_resumption_goes_on(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        c.s.provider.holding = asyncio.Event()
        campaign = await c.approved()
        await until(lambda: c.s.provider.sent)
        pausing = asyncio.get_running_loop().create_task(c.service.pause(campaign.id))
        await settle()
        assert not pausing.done()
        c.s.provider.holding.set()
        await pausing
        assert (c.campaign.state, c.campaign.pause_reason) == (CampaignState.PAUSED, PauseReason.PERSON)
        assert len(c.reached) == 1
        await c.service.resume(campaign.id)
        await c.service.resume(campaign.id)  # is sent already
        assert await c.ended() is CampaignState.FINISHED
        assert c.reached == [each.value for each in PEOPLE[:3]]


async def test_a_pause_does_not_wait_for_the_gap_between_two_messages(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 12.0) as c:
        campaign = await c.approved()
        await until(lambda: c.s.provider.sent)
        await c.s.clock.until_asleep()
        await c.service.pause(campaign.id)
        assert len(c.reached) == 1
        assert c.campaign.counts[S.WAITING] == 2


async def test_what_is_stopped_is_over(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 12.0) as c:
        campaign = await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        await c.service.stop(campaign.id)
        assert c.campaign.state is CampaignState.STOPPED
        for change in (c.service.resume, c.service.pause, c.service.stop):
            with pytest.raises(Problem) as caught:
                await change(campaign.id)
            assert caught.value.code is ProblemCode.CAMPAIGN_ENDED
        assert await c.outcomes() == [(S.ACCEPTED, ""), (S.WAITING, ""), (S.WAITING, "")]


async def test_what_ends_while_it_is_paused_has_ended(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 1) as c:
        c.s.provider.holding = asyncio.Event()
        campaign = await c.approved()
        await until(lambda: c.s.provider.sent)
        c.s.provider.holding.set()
        with pytest.raises(Problem) as caught:
            await asyncio.gather(c.service.pause(campaign.id))
        assert caught.value.code is ProblemCode.CAMPAIGN_ENDED


async def test_a_limit_is_waited_for_and_can_be_seen(tmp_path: Path) -> None:
    async with campaigns(tmp_path, limits=OutboundLimits(per_minute=1)) as c:
        began = c.s.clock.now()
        campaign = await c.approved()
        await c.waits_for(R.LINK_LIMIT)
        assert c.service.waits(campaign.id) == {c.s.ana.id: Hold(R.LINK_LIMIT, began + timedelta(seconds=60))}
        assert len(c.reached) == 1
        assert await c.ended() is CampaignState.FINISHED
        assert c.service.waits(campaign.id) == {}
        assert len(c.reached) == 3


async def test_who_may_get_no_more_today_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    limits = OutboundLimits(per_recipient_hour=1, per_minute=50, similar_texts_per_day=9)
    async with campaigns(tmp_path, limits=limits) as c:
        await c.s.grant(PEOPLE[0])
        await c.s.send(PEOPLE[0], "Uma resposta de hoje cedo")
        await c.approved()
        await until(lambda: len(c.reached) == 3)
        assert c.reached[1:] == [PEOPLE[1].value, PEOPLE[2].value]
        assert await c.ended(passing=3700) is CampaignState.FINISHED
        assert c.reached[3:] == [PEOPLE[0].value]


async def test_a_limit_that_is_loosened_counts_at_once(tmp_path: Path) -> None:
    limits = OutboundLimits(per_minute=50, similar_texts_per_day=1, per_recipient_day=20)
    async with campaigns(tmp_path, limits=limits) as c:
        await c.approved()
        await c.waits_for(R.REPEATED_TEXT)
        await c.s.clock.advance(120)
        assert len(c.reached) == 1
        c.s.limits = OPEN
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 3


async def test_archiving_the_mentorado_is_what_it_waits_for(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 5.0) as c:
        await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        await c.s.core.mentorados.archive(c.s.ana.id)
        await c.when(lambda: [each.reason for each in c.service.waits(c.campaign.id).values()] == [R.ARCHIVED])
        await c.service.stop(c.campaign.id)


async def test_a_template_that_is_refused_uses_up_nobody(tmp_path: Path) -> None:
    refused = NotSent(trouble=SendErrorKind.TEMPLATE, code="132000")
    async with campaigns(tmp_path, 12) as c:
        c.s.provider.answers = [refused]
        campaign = await c.approved()
        assert await c.ended() is CampaignState.PAUSED
        assert (c.campaign.pause_reason, len(c.reached)) == (PauseReason.FAILURES, 1)
        assert c.campaign.counts == {S.WAITING: 12}
        await c.service.resume(campaign.id)
        assert await c.ended() is CampaignState.FINISHED
        assert c.campaign.counts == {S.ACCEPTED: 12}


async def test_a_link_that_falls_is_waited_for(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 5.0) as c:
        await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        c.s.provider.line.say(Lost(Reason.NETWORK_DOWN, retry_after=3600.0))
        await settle()
        await c.when(lambda: c.service.waits(c.campaign.id))
        await c.waits_for(R.NOT_CONNECTED)
        c.s.provider.line.say(Connected(c.s.ana.phone))
        await settle()
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 3


async def test_a_smoke_test_that_grew_old_is_asked_for_again(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 5.0) as c:
        await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        c.untested = Problem(ProblemCode.SMOKE_TEST_OLD)
        await c.when(lambda: c.service.waits(c.campaign.id))
        assert len(c.reached) == 2  # whose turn it was already
        await c.waits_for(R.SMOKE_TEST_NEEDED)
        c.untested = None
        assert await c.ended() is CampaignState.FINISHED


async def test_a_provider_that_was_changed_gets_no_empty_text_and_no_address_it_cannot_reach(tmp_path: Path) -> None:
    lid = Address(AddressKind.LID, "77@lid")
    async with campaigns(tmp_path, 1, gap=lambda _low, _high: 5.0) as c:
        c.s.provider.window = timedelta(hours=24)
        await c.agree(PEOPLE[1], PEOPLE[2], lid)
        template = TemplateMessage(name="aula", language="pt_BR")
        await c.approved(CampaignDraft(name="Aula", template=template))
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        c.s.provider.window, c.s.provider.reaches = None, (AddressKind.PHONE,)
        await c.when(lambda: c.service.waits(c.campaign.id))
        await c.waits_for(R.TEXT_MISSING)
        sent = len(c.reached)
        c.s.provider.window = timedelta(hours=24)
        assert await c.ended() is CampaignState.FINISHED
        assert await c.outcomes() == [*[(S.ACCEPTED, "")] * 3, (S.NOT_SENT, "no_address")]
        assert len(c.reached) == sent + 1


async def test_what_another_program_pauses_is_not_sent_here_until_it_is_resumed(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 8, gap=lambda _low, _high: 12.0) as c:
        campaign = await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        await c.repository.set_state(campaign.id, CampaignState.PAUSED, PauseReason.PERSON, None)
        await c.service.load()
        assert await c.ended() is CampaignState.PAUSED
        sent = len(c.reached)
        assert sent <= 2  # whose turn it was already
        await c.service.resume(campaign.id)
        await c.when(lambda: len(c.reached) > sent)
        await c.repository.set_state(campaign.id, CampaignState.PAUSED, PauseReason.PERSON, None)
        await c.service.load()  # while it sleeps
        await c.service.resume(campaign.id)
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 8


async def test_what_another_program_stopped_is_not_resumed(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 12.0) as c:
        campaign = await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        await c.service.pause(campaign.id)
        await c.repository.set_state(campaign.id, CampaignState.STOPPED, None, c.s.clock.now())
        await c.service.resume(campaign.id)
        assert c.campaign.state is CampaignState.STOPPED
        assert len(c.reached) == 1


async def test_who_opted_out_or_was_erased_since_gets_nothing(tmp_path: Path) -> None:
    async with campaigns(tmp_path, gap=lambda _low, _high: 5.0) as c:
        for each in PEOPLE[:3]:
            await c.s.receive(each)
        await c.approved()
        await until(lambda: c.campaign.counts.get(S.ACCEPTED))
        campaign = c.campaign
        await c.service.pause(campaign.id)
        gone, out = (each.address for each in await c.service.recipients(campaign.id, S.WAITING))
        contact = await c.s.history.find_contact(c.s.ana.id, gone)
        assert contact is not None
        await c.s.history.erase(c.s.ana.id, contact, c.s.clock.now())
        await c.s.say(out, ConsentChange.OPTED_OUT)
        await c.service.resume(campaign.id)
        assert await c.ended() is CampaignState.FINISHED
        assert await c.outcomes() == [(S.ACCEPTED, ""), (S.NOT_SENT, "erased"), (S.NOT_SENT, "opted_out")]
        assert gone.value not in [each.address.value for each in await c.service.recipients(campaign.id)]


async def test_what_the_provider_refuses_for_the_moment_is_tried_three_times(tmp_path: Path) -> None:
    busy = NotSent(trouble=SendErrorKind.TRANSIENT, code="500")
    async with campaigns(tmp_path, 2) as c:
        c.s.provider.answers = [busy, NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, code="131026"), busy, busy]
        await c.approved()
        assert await c.ended() is CampaignState.FINISHED
        assert await c.outcomes() == [(S.NOT_SENT, "transient"), (S.NOT_SENT, "recipient_invalid")]
        assert len(c.reached) == 4
        assert [each.code for each in await c.service.recipients(c.campaign.id, S.NOT_SENT)] == ["500", "131026"]


async def test_a_refusal_that_stops_the_number_stops_the_campaign_until_a_person_releases_it(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        c.s.provider.answers = [NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463")]
        await c.approved()
        await c.waits_for(R.STOPPED)
        await c.s.clock.advance(600)
        assert len(c.reached) == 1
        await c.s.service.release(c.s.ana.id)
        assert await c.ended() is CampaignState.FINISHED
        assert sorted(c.reached[1:]) == [each.value for each in PEOPLE[:3]]


@pytest.mark.parametrize("answer", [Uncertain(), Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")])
async def test_an_uncertain_message_is_never_repeated(tmp_path: Path, answer: Uncertain | Problem) -> None:
    async with campaigns(tmp_path) as c:
        uncertain: list[MessageUncertain] = []
        c.s.core.bus.subscribe(MessageUncertain, uncertain.append)
        c.s.provider.answers = [answer]
        await c.approved()
        assert await c.ended() is CampaignState.FINISHED
        assert c.reached == [each.value for each in PEOPLE[:3]]
        assert [state for state, _reason in await c.outcomes()] == [S.UNCERTAIN, S.ACCEPTED, S.ACCEPTED]
        assert [each.purpose for each in uncertain] == [Purpose.CAMPAIGN]


async def test_many_failures_pause_it_and_a_person_may_go_on(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 30) as c:
        c.s.provider.answers = [NotSent(trouble=SendErrorKind.RECIPIENT_INVALID)] * 2
        campaign = await c.approved()
        assert await c.ended() is CampaignState.PAUSED
        assert c.campaign.pause_reason is PauseReason.FAILURES
        assert len(c.reached) == 10
        await c.service.resume(campaign.id)
        assert await c.ended() is CampaignState.FINISHED
        assert len(c.reached) == 30
