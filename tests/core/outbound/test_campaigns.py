"""Campaigns over the real database and outbound service; the provider and the clock are played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.outbound.campaign_plan import CampaignPlanner
from app.core.outbound.campaigns import CampaignService
from app.domain.audit import AuditAction
from app.domain.campaign import (
    Campaign,
    CampaignDraft,
    CampaignState,
    DryRun,
    PauseReason,
    Price,
    RecipientState,
)
from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessageUncertain
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.outbound import Hold, HoldReason, OutboundFacts, OutboundLimits, OutboundMessage, OutboundState
from app.domain.prices import PRICES_LISTED_AT, TemplateCategory, price_of
from app.domain.provider import Connected, Lost
from app.domain.sending import NotSent, SendErrorKind, TemplateMessage, Uncertain
from app.storage.campaigns import SqlCampaigns
from tests.clock import settle
from tests.core.outbound.harness import Sending, phone, sending
from tests.waiting import until

OPEN = OutboundLimits(
    per_minute=500,
    per_hour=5000,
    per_day=5000,
    warm_up_first=5000,
    per_business_day=5000,
    new_contacts_per_day=5000,
    similar_texts_per_day=5000,
)
DRAFT = CampaignDraft(name="Aula", text="Oi, amanhã tem aula com {mentorado}")
R, S = HoldReason, RecipientState


class Campaigns:
    """Campaigns of one connected mentorado, Ana."""

    def __init__(self, s: Sending) -> None:
        self.s = s
        self.untested: Problem | None = None  # why the smoke test does not allow bulk use
        self.repository = SqlCampaigns(s.database)
        self.start()

    def start(self) -> None:
        """As a program that starts does."""
        self.planner = CampaignPlanner(
            mentorados=self.s.core.mentorados,
            outbound=self.s.service,
            repository=self.repository,
            bulk_hold=lambda _mentorado: self.untested,
            clock=self.s.clock,
        )
        self.service = CampaignService(
            bus=self.s.core.bus,
            mentorados=self.s.core.mentorados,
            outbound=self.s.service,
            planner=self.planner,
            repository=self.repository,
            bulk_hold=lambda _mentorado: self.untested,
            audit_service=self.s.core.audit_service,
            clock=self.s.clock,
        )

    async def restart(self) -> None:
        """Another program over the same database, after this one died."""
        await self.s.again()
        self.start()
        await self.service.load()

    async def agree(self, *people: Address) -> None:
        for each in people:
            await self.s.grant(each, Purpose.CAMPAIGN)

    async def plan(self, draft: CampaignDraft = DRAFT) -> DryRun:
        return await self.planner.dry_run(draft)

    async def approved(self, draft: CampaignDraft = DRAFT) -> Campaign:
        made = await self.plan(draft)
        return await self.service.approve(made, str(len(made.included)))

    @property
    def campaign(self) -> Campaign:
        return self.service.campaigns[0]

    async def ended(self, *, passing: float = 61.0, within: float = 20) -> CampaignState:
        """Let time pass until nothing is sent any more."""
        async with asyncio.timeout(within):
            while self.service._runs:
                await asyncio.sleep(0.004)
                await self.s.clock.advance(passing)
        await self.s.core.write_queue.flush()
        return self.campaign.state

    async def when(self, condition: Callable[[], object], *, passing: float = 1.0) -> None:
        """Let time pass until *condition* is true."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.004)
                await self.s.clock.advance(passing)

    async def waits_for(self, reason: HoldReason) -> None:
        await until(lambda: [each.reason for each in self.service.waits(self.campaign.id).values()] == [reason])

    async def outcomes(self) -> list[tuple[RecipientState, str]]:
        return [(each.state, each.reason) for each in await self.service.recipients(self.campaign.id)]

    @property
    def reached(self) -> list[str]:
        return [each.to.value for each in self.s.provider.sent]


@asynccontextmanager
async def campaigns(
    folder: Path, people: int = 3, *, limits: OutboundLimits = OPEN, gap: Callable[[float, float], float] | None = None
) -> AsyncIterator[Campaigns]:
    async with sending(folder, limits=limits, gap=gap or (lambda _low, _high: 0.0)) as s:
        made = Campaigns(s)
        await made.service.load()
        await made.agree(*PEOPLE[:people])
        yield made
        for campaign_id in list(made.service._runs):
            await made.service._runs[campaign_id].halt()


PEOPLE = [phone(number) for number in range(1, 41)]


# --- the dry run --------------------------------------------------------------------------------------------------


async def test_a_dry_run_says_of_each_contact_whether_they_get_it_and_why_not(tmp_path: Path) -> None:
    lid = Address(AddressKind.LID, "77@lid")
    async with campaigns(tmp_path, 1) as c:
        for number, change in ((1, ConsentChange.REVOKED), (2, ConsentChange.OPTED_OUT)):
            await c.agree(PEOPLE[number])
            await c.s.say(PEOPLE[number], change, Purpose.CAMPAIGN if change is ConsentChange.REVOKED else None)
        await c.s.receive(PEOPLE[3])  # wrote, and agreed to nothing
        await c.s.receive(PEOPLE[4], lid)
        await c.agree(PEOPLE[4])
        await c.agree(Address(AddressKind.OTHER, "x"), Address(AddressKind.PHONE, c.s.ana.phone))
        asked: list[tuple[int, int]] = []
        plan = await c.planner.dry_run(DRAFT, lambda done, every: asked.append((done, every)))
        assert {(each.address, each.excluded) for each in plan.recipients} == {
            (PEOPLE[0], None),
            (PEOPLE[1], R.NO_CONSENT),
            (PEOPLE[2], R.OPTED_OUT),
            (PEOPLE[3], R.NO_CONSENT),
            (PEOPLE[4], None),
            (Address(AddressKind.OTHER, "x"), R.NO_ADDRESS),
        }
        (link,) = plan.links
        assert (link.recipients, link.excluded, link.blocked, link.recommends_official) == (2, 4, None, False)
        assert (plan.price, plan.duration) == (None, timedelta(seconds=15))
        assert asked == [(0, 1), (1, 1)]
        assert c.s.provider.sent == []
        assert await c.repository.all() == []


async def test_a_text_with_a_name_goes_to_nobody_without_one(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 1) as c:
        plan = await c.plan(CampaignDraft(name="Aula", text="Oi {nome}", mentorados=(c.s.ana.id,)))
        assert [each.excluded for each in plan.recipients] == [R.NAME_UNKNOWN]


@pytest.mark.parametrize("why", [R.SMOKE_TEST_NEEDED, R.NOT_CONNECTED, R.TEXT_MISSING, R.ARCHIVED])
async def test_a_link_that_cannot_send_in_bulk_leaves_out_everybody(tmp_path: Path, why: HoldReason) -> None:
    async with campaigns(tmp_path) as c:
        draft = DRAFT
        if why is R.SMOKE_TEST_NEEDED:
            c.untested = Problem(ProblemCode.SMOKE_TEST_MISSING)
        elif why is R.NOT_CONNECTED:
            c.s.provider.line.say(Lost(Reason.NETWORK_DOWN))
            await settle()
        elif why is R.ARCHIVED:
            draft = replace(DRAFT, mentorados=(c.s.ana.id,))
            await c.s.core.mentorados.archive(c.s.ana.id)
        else:
            draft = CampaignDraft(name="Aula", template=TemplateMessage(name="aula", language="pt_BR"))
        plan = await c.plan(draft)
        assert {each.excluded for each in plan.recipients} == {why}
        assert (plan.links[0].blocked, plan.included) == (why, [])


async def test_through_templates_it_costs_what_the_price_list_says_at_most(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 2) as c:
        c.s.core.providers[ProviderKind.META_CLOUD] = c.s.provider
        c.s.provider.window = timedelta(hours=24)
        await c.agree(Address(AddressKind.PHONE, "+351912345678"))
        template = TemplateMessage(name="aula", language="pt_BR", parameters=("{mentorado}",))
        draft = CampaignDraft(name="Aula", text="Oi", template=template)
        plan = await c.plan(draft)
        assert len(plan.included) == 3
        assert plan.price is None  # this provider bills nothing by the message
        link = c.s.core.mentorados.get(c.s.ana.id).link
        await c.s.core.mentorados.save_link(replace(link, provider=ProviderKind.META_CLOUD))
        assert (await c.plan(draft)).price == Price(amount=Decimal("0.1250"), listed_at=PRICES_LISTED_AT, unknown=1)
        words = await c.plan(CampaignDraft(name="Aula", text="Oi"))
        assert {each.excluded for each in words.recipients} == {R.WINDOW_CLOSED}
        assert await c.approved(draft)
        assert await c.ended() is CampaignState.FINISHED
        assert {each.template for each in c.s.provider.sent} == {
            TemplateMessage(name="aula", language="pt_BR", parameters=("Ana",))
        }


async def test_a_text_that_is_too_long_with_the_name_in_it_excludes_its_contact(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 0) as c:
        await c.s.receive(PEOPLE[0])
        await c.agree(PEOPLE[0])
        await c.s.core.mentorados.edit(c.s.ana.id, "A" * 60, c.s.ana.phone, "")
        plan = await c.plan(CampaignDraft(name="Aula", text="a" * 4080 + "{mentorado}"))
        assert [each.excluded for each in plan.recipients] == [R.TEXT_TOO_LONG]


async def test_the_quiet_hours_are_part_of_how_long_it_takes(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 1) as c:
        c.s.clock.time = c.s.clock.now().replace(hour=21)
        assert (await c.plan()).duration > timedelta(hours=11)


async def test_many_recipients_through_a_linked_device_are_a_case_for_the_official_provider(tmp_path: Path) -> None:
    async with campaigns(tmp_path, 0) as c:
        await c.agree(*(phone(number) for number in range(100, 150)))
        (link,) = (await c.plan()).links
        assert (link.recipients, link.recommends_official) == (50, True)


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (CampaignDraft(name=" ", text="Oi"), ProblemCode.CAMPAIGN_NAME_MISSING),
        (CampaignDraft(name="Aula", text=" "), ProblemCode.CAMPAIGN_TEXT_MISSING),
        (CampaignDraft(name="Aula", text="a" * 4097), ProblemCode.CAMPAIGN_TEXT_LONG),
        (CampaignDraft(name="Aula", text="\u200b \u00ad"), ProblemCode.CAMPAIGN_TEXT_MISSING),
        (CampaignDraft(name="Aula", text="Oi {nmoe}"), ProblemCode.CAMPAIGN_PLACEHOLDER_UNKNOWN),
        (CampaignDraft(name="Aula", text="Oi {nome, tudo bem?"), ProblemCode.CAMPAIGN_PLACEHOLDER_UNKNOWN),
        (CampaignDraft(name="Aula", text="Oi {{nome}}"), ProblemCode.CAMPAIGN_PLACEHOLDER_UNKNOWN),
        (CampaignDraft(name="Aula", text="Oi", cohort="2031"), ProblemCode.CAMPAIGN_NOBODY),
    ],
)
async def test_a_draft_that_nobody_can_get_is_refused(tmp_path: Path, draft: CampaignDraft, code: ProblemCode) -> None:
    async with campaigns(tmp_path) as c:
        with pytest.raises(Problem) as caught:
            await c.plan(draft)
        assert caught.value.code is code


# --- approval -----------------------------------------------------------------------------------------------------


async def test_an_approval_is_for_the_number_and_the_world_that_the_dry_run_showed(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        plan = await c.plan()
        for typed in ("", "2", "three"):
            with pytest.raises(Problem) as caught:
                await c.service.approve(plan, typed)
            assert caught.value.code is ProblemCode.CAMPAIGN_NOT_CONFIRMED
        await c.s.say(PEOPLE[0], ConsentChange.OPTED_OUT)
        with pytest.raises(Problem) as caught:
            await c.service.approve(plan, "3")
        assert caught.value.code is ProblemCode.CAMPAIGN_CHANGED
        assert await c.repository.all() == []
        await c.approved()
        assert await c.ended() is CampaignState.FINISHED
        assert sorted(c.reached) == [PEOPLE[1].value, PEOPLE[2].value]


async def test_everybody_gets_it_once_with_the_words_filled_in_and_it_is_audited(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        campaign = await c.approved()
        assert await c.ended() is CampaignState.FINISHED
        assert c.reached == [each.value for each in PEOPLE[:3]]
        assert {each.text for each in c.s.provider.sent} == {"Oi, amanhã tem aula com Ana"}
        assert (c.campaign.counts, c.campaign.total) == ({S.ACCEPTED: 3}, 3)
        entries = [each for each in c.s.core.audit.outcomes if each.record.action == AuditAction.APPROVE_CAMPAIGN]
        assert [each.record.after["dry_run"] for each in entries] == [campaign.digest]
        await c.service.load()
        assert c.campaign.counts == {S.ACCEPTED: 3}
        assert c.campaign.ended_at is not None


async def test_pressing_the_button_twice_sends_once(tmp_path: Path) -> None:
    async with campaigns(tmp_path) as c:
        plan = await c.plan()
        made = await asyncio.gather(*(c.service.approve(plan, "3") for _ in range(2)), return_exceptions=True)
        refused = [each.code for each in made if isinstance(each, Problem)]
        assert refused == [ProblemCode.CAMPAIGN_REPEATED]
        assert await c.ended() is CampaignState.FINISHED
        with pytest.raises(Problem) as caught:
            await c.approved()
        assert caught.value.code is ProblemCode.CAMPAIGN_REPEATED
        assert len(c.reached) == 3
        c.s.clock.time += timedelta(days=1)
        assert await c.approved()  # tomorrow it is another one


# --- on its way ---------------------------------------------------------------------------------------------------


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
        c.s.provider.line.say(Lost(Reason.NETWORK_DOWN))
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


# --- programs that end ----------------------------------------------------------------------------------------------


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
        assert [each.levelno for each in caplog.records] == [
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


def test_prices_are_those_of_the_country() -> None:
    assert price_of(PEOPLE[0], TemplateCategory.MARKETING) == Decimal("0.0625")
    assert price_of(PEOPLE[0], TemplateCategory.UTILITY) == Decimal("0.0068")
    assert price_of(Address(AddressKind.PHONE, "+351912345678"), TemplateCategory.UTILITY) is None
    assert price_of(Address(AddressKind.LID, "1@lid"), TemplateCategory.UTILITY) is None
