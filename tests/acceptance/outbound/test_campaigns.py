"""Issue 11, item 5: small campaigns, over a Cloud API that is played at the far end of real HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.audit import AuditAction
from app.domain.campaign import CampaignDraft, CampaignState, PauseReason, Price, RecipientState
from app.domain.cases import CaseKind
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import SmokeTestOutcome
from app.domain.messages import Address, AddressKind
from app.domain.outbound import HoldReason
from app.domain.prices import PRICES_LISTED_AT
from app.domain.sending import TemplateMessage
from app.domain.smoke_test import SmokeTest, SmokeTestTarget
from app.providers.http_client import Timeouts
from app.storage.consents import SqlConsents
from app.storage.smoke_tests import SqlSmokeTests
from tests.acceptance.meta_cloud.harness import QUICK, Harness, ProgramRun
from tests.acceptance.program import Person
from tests.clock import DAWN
from tests.emulators.meta_cloud.faults import Fault
from tests.waiting import until

PEOPLE = [Address(AddressKind.PHONE, f"+55119{87_650_000 + place}") for place in range(4)]
DRAFT = CampaignDraft(
    name="Aula de amanhã",
    template=TemplateMessage(name="lembrete", language="pt_BR", parameters=("aluno", "amanhã com {mentorado}")),
)
NOON = DAWN.replace(hour=15)


async def ready(run: ProgramRun, *, tested: bool = True) -> Person:
    """Somebody connected, with a smoke test that passed, to whose campaigns four contacts agreed."""
    run.harness.clock.time = NOON
    run.core.outbound._gap = lambda _low, _high: 0.0
    ana = await run.connected()
    if tested:
        await pass_smoke_test(run, ana)
    await say(run, ana, ConsentChange.GRANTED, *PEOPLE)
    return ana


async def pass_smoke_test(run: ProgramRun, ana: Person) -> None:
    now = run.core.clock.now()
    mentorado = run.core.mentorados.get(ana.id)
    passed = SmokeTest(
        mentorado_id=ana.id,
        link_id=ana.link,
        target=SmokeTestTarget.NUMBER,
        began_at=now,
        ended_at=now,
        word="banana",
        to=mentorado.phone,
        expected=(),
        outcome=SmokeTestOutcome.PASSED,
    )
    await SqlSmokeTests(run.core.database).add(passed)
    await run.core.smoke_tests.load()


async def say(run: ProgramRun, ana: Person, change: ConsentChange, *people: Address) -> None:
    entries = [
        ConsentEntry(
            mentorado_id=ana.id,
            contact=each,
            change=change,
            purpose=None if change is ConsentChange.OPTED_OUT else Purpose.CAMPAIGN,
            source=ConsentSource.TYPED,
            at=run.core.clock.now(),
        )
        for each in people
    ]
    await SqlConsents(run.core.database).append(entries)


async def over(run: ProgramRun) -> CampaignState:
    """Let time pass until nothing is sent any more."""
    service = run.core.campaigns

    async def passing() -> bool:
        await run.harness.clock.advance(5)
        return not service._runs

    while not await passing():
        await until(lambda: True, every=0.01)
    await run.core.write_queue.flush()
    return service.campaigns[0].state


def arrived(run: ProgramRun) -> list[str]:
    return [f"+{each.to}" for each in run.cloud.world.number.sent]


async def test_dry_run_approval_and_everybody_who_agreed_gets_it_once(harness: Harness) -> None:
    """Dry run first (who gets it, who not and why, duration at this pace, estimated price with the date of the price
    list), typed approval, never sends twice."""
    async with harness.running() as run:
        ana = await ready(run)
        await say(run, ana, ConsentChange.REVOKED, PEOPLE[3])
        plan = await run.core.campaign_planner.dry_run(DRAFT)
        assert [each.excluded for each in plan.recipients] == [None, None, None, HoldReason.NO_CONSENT]
        assert plan.price == Price(amount=Decimal("0.1875"), listed_at=PRICES_LISTED_AT)
        assert plan.duration.total_seconds() == 3 * 12
        with pytest.raises(Problem) as caught:
            await run.core.campaigns.approve(plan, "4")
        assert caught.value.code is ProblemCode.CAMPAIGN_NOT_CONFIRMED
        assert arrived(run) == []
        await run.core.campaigns.approve(plan, "3")
        assert await over(run) is CampaignState.FINISHED
        assert arrived(run) == [each.value for each in PEOPLE[:3]]
        used = run.cloud.world.number.sent[0].payload["template"]
        assert [each["text"] for each in used["components"][0]["parameters"]] == ["aluno", "amanhã com Ana"]
        actions = [each.record.action for each in await run.core.audit.entries()]
        assert AuditAction.APPROVE_CAMPAIGN in actions


async def test_without_a_recent_smoke_test_nobody_is_included(harness: Harness) -> None:
    """The last result is required (not older than 24 h, setting) before bulk use of the link."""
    async with harness.running() as run:
        ana = await ready(run, tested=False)
        plan = await run.core.campaign_planner.dry_run(DRAFT)
        assert (plan.included, plan.links[0].blocked) == ([], HoldReason.SMOKE_TEST_NEEDED)
        await pass_smoke_test(run, ana)
        assert len((await run.core.campaign_planner.dry_run(DRAFT)).included) == 4
        harness.clock.time = NOON.replace(day=2, hour=16)
        assert (await run.core.campaign_planner.dry_run(DRAFT)).included == []


async def test_pause_resume_and_stop_and_the_queue_survives_a_restart(harness: Harness) -> None:
    """Live progress, pause, resume, stop; the queue is on disk, survives restarts."""
    async with harness.running() as run:
        await ready(run)
        run.core.outbound._gap = lambda _low, _high: 12.0
        plan = await run.core.campaign_planner.dry_run(DRAFT)
        campaign = await run.core.campaigns.approve(plan, "4")
        await until(lambda: run.core.campaigns.campaigns[0].counts.get(RecipientState.ACCEPTED))
        await run.core.campaigns.pause(campaign.id)
        await run.core.campaigns.resume(campaign.id)
    assert len(run.cloud.world.number.sent) == 1
    async with harness.running(starting=True) as run:
        (left,) = run.core.campaigns.campaigns
        assert (left.state, left.pause_reason) == (CampaignState.PAUSED, PauseReason.INTERRUPTED)
        assert left.counts == {RecipientState.ACCEPTED: 1, RecipientState.WAITING: 3}
        await run.core.campaigns.stop(left.id)
        assert len(run.cloud.world.number.sent) == 1


async def test_an_answer_that_never_comes_is_a_case_and_not_a_second_message(harness: Harness) -> None:
    """Nothing resent blindly; ambiguous sends are cases for a person."""
    timeouts: Timeouts = QUICK
    async with harness.running(timeouts=timeouts) as run:
        await ready(run)
        plan = await run.core.campaign_planner.dry_run(DRAFT)
        run.cloud.fault("messages", Fault.HANG)
        await run.core.campaigns.approve(plan, "4")
        assert await over(run) is CampaignState.FINISHED
        states = [each.state for each in await run.core.campaigns.recipients(run.core.campaigns.campaigns[0].id)]
        assert sorted(states) == [RecipientState.ACCEPTED] * 3 + [RecipientState.UNCERTAIN]
        assert [each.kind for each in run.core.cases.open_cases] == [CaseKind.UNCERTAIN_MESSAGE]
        assert len(arrived(run)) == len(set(arrived(run)))
