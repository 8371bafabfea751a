"""What a dry run finds out, what it costs, and the approval of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain.audit import AuditAction
from app.domain.campaign import (
    CampaignDraft,
    CampaignState,
    Price,
)
from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.outbound import HoldReason
from app.domain.prices import PRICES_LISTED_AT, TemplateCategory, price_of
from app.domain.provider import Lost
from app.domain.sending import TemplateMessage
from tests.clock import settle
from tests.core.outbound.campaign_harness import DRAFT, PEOPLE, R, S, campaigns
from tests.core.outbound.harness import phone


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


def test_prices_are_those_of_the_country() -> None:
    assert price_of(PEOPLE[0], TemplateCategory.MARKETING) == Decimal("0.0625")
    assert price_of(PEOPLE[0], TemplateCategory.UTILITY) == Decimal("0.0068")
    assert price_of(Address(AddressKind.PHONE, "+351912345678"), TemplateCategory.UTILITY) is None
    assert price_of(Address(AddressKind.LID, "1@lid"), TemplateCategory.UTILITY) is None
