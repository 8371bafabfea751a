"""The dry run of a switch: whom it is about, and all that it finds out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.provider_switch.plan import APART_DOWNTIME, AT_ONCE, BESIDE_DOWNTIME
from app.domain.actions import ActionName, UnavailableReason
from app.domain.cases import CaseKind
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason, SendCapability, SmokeTestOutcome
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.outbound import OutboundStop
from app.domain.prices import PRICES_LISTED_AT
from app.domain.procedure import ProcedureKind
from app.domain.provider import Blocked, Connected
from app.domain.sending import SendErrorKind
from app.domain.smoke_test import SmokeTestTarget
from app.domain.switch import MOST_IN_WAVE, FindingCode, Severity, SwitchPlan
from tests.clock import DAWN, settle
from tests.core.provider_switch.harness import (
    KIND,
    ZAPI,
    F,
    codes,
    codes_that_block,
    one,
    planning,
    under_way,
)

C, S = FindingCode, Severity
WEB, HOSTED, OFFICIAL = KIND.WHATSAPP_WEB, KIND.ZAPI, KIND.META_CLOUD


# --- whom it is about, and in which order ---------------------------------------------------------------------------


async def test_a_cohort_is_everybody_in_it_by_name_with_the_canary_first() -> None:
    async with planning() as world:
        eva = await world.add("Éva", "11 98765-0001")
        ana = await world.add("ana", "11 98765-0002")
        fabio = await world.add("Fábio", "11 98765-0003")
        await world.add("Gil", "11 98765-0004", cohort="T2")
        gone = await world.add("Bia", "11 98765-0005")
        await world.core.supervisor.disconnect(gone.id)
        await world.mentorados.archive(gone.id)
        seen: list[tuple[int, int]] = []
        plan = SwitchPlan(target=HOSTED, cohort="T1", canary=fabio.id)
        made = await world.planner.dry_run(plan, lambda done, all_: seen.append((done, all_)))
        assert [each.mentorado_id for each in made.people] == [fabio.id, ana.id, eva.id]
        assert {each.source for each in made.people} == {WEB}
        assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
        assert (made.plan, made.at, made.switching) == (plan, world.clock.now(), [])


async def test_a_few_are_asked_about_at_a_time() -> None:
    async with planning() as world:
        people = [await world.add(f"Bia {number}", f"11 98765-00{number:02}") for number in range(10, 22)]
        for number, each in enumerate(people):
            await world.prepare(each, HOSTED, {**ZAPI, F.INSTANCE_ID: f"3C{number}"})
        world.zapi.asking = asyncio.Event()
        making = asyncio.get_running_loop().create_task(world.dry_run(HOSTED, *people))
        await settle(100)
        assert len(world.zapi.checked) == AT_ONCE
        world.zapi.asking.set()
        assert [each.mentorado_id for each in (await making).people] == [each.id for each in people]


async def test_those_who_are_named_come_in_that_order_and_once() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001")
        made = await world.dry_run(HOSTED, bia, ana, bia)
        assert [each.mentorado_id for each in made.people] == [bia.id, ana.id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"wave_size": 0},
        {"wave_size": MOST_IN_WAVE + 1},
        {"stop_at_percent": 0},
        {"stop_at_percent": 101},
        {"pause_minutes": -1},
        {"canary": MentoradoId("nobody")},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    async with planning() as world:
        ana = await world.add()
        with pytest.raises(Problem) as refused:
            await world.dry_run(HOSTED, ana, **wrong)
        assert refused.value.code is ProblemCode.SWITCH_WAVE_INVALID
        assert (await world.dry_run(HOSTED, ana, pause_minutes=0, stop_at_percent=100, wave_size=50)).people


async def test_a_cohort_of_nobody_is_refused() -> None:
    async with planning() as world:
        with pytest.raises(Problem) as refused:
            await world.planner.dry_run(SwitchPlan(target=HOSTED, cohort="T9"))
        assert (refused.value.code, refused.value.context) == (ProblemCode.SWITCH_NOBODY, {"cohort": "T9"})


# --- all six directions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", KIND)
@pytest.mark.parametrize("target", KIND)
async def test_somebody_for_whom_all_is_ready_can_move_in_every_direction(source: KIND, target: KIND) -> None:
    async with planning() as world:
        world.tell_details(on_business_app="yes")
        ana = await world.add(kind=source)
        await world.tested(ana, ana.link, SmokeTestOutcome.PASSED, world.clock.now())
        world.agree(ana, "+5511900000001")
        if source is target:
            assert await world.blocking(target, ana) == [C.SAME_PROVIDER]
            return
        await world.prepare(ana, target)
        planned = await world.plan(target, ana)
        assert planned.will_switch
        assert planned.with_severity(S.WARNS) == []
        assert planned.downtime == BESIDE_DOWNTIME
        assert codes(planned) >= {C.CURRENT_TEST_GOOD, C.TARGET_TEST, C.KEPT, C.CONSENT_KEPT, C.PRICE, C.DOWNTIME}
        assert one(planned, C.KEPT).values == {"conversations": "3", "messages": "12431"}
        assert [each.provider for each in planned.prices] == [source, target]
        await world.planner.require(ana.id, target)


async def test_who_is_archived_and_a_provider_that_is_not_there_leave_nothing_else_to_ask() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001")
        await world.core.supervisor.disconnect(bia.id)
        await world.mentorados.archive(bia.id)
        assert codes(await world.plan(HOSTED, bia)) == {C.ARCHIVED}
        del world.core.providers[OFFICIAL]
        assert codes(await world.plan(OFFICIAL, ana)) == {C.TARGET_UNAVAILABLE}


# --- what stands in the way of the number ---------------------------------------------------------------------------


async def test_a_ban_blocks_and_a_phone_that_is_gone_only_warns() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        until = world.clock.now() + timedelta(hours=3)
        await world.block(WEB, Blocked(Reason.TEMPORARY_BAN, until=until))
        planned = await world.plan(HOSTED, ana)
        assert codes_that_block(planned) == [C.FORBIDDEN]
        assert one(planned, C.FORBIDDEN).values == {"reason": "temporary_ban", "until": until.isoformat()}
        bia = await world.add("Bia", "11 98765-0001")
        world.zapi.report = world.right(bia.phone)
        await world.prepare(bia, HOSTED, {**ZAPI, F.INSTANCE_ID: "3C02"})
        await world.block(WEB, Blocked(Reason.MAIN_DEVICE_GONE))
        planned = await world.plan(HOSTED, bia)
        assert planned.will_switch
        assert one(planned, C.CURRENT_NOT_CONNECTED).values == {"state": "blocked", "reason": "main_device_gone"}


async def test_a_ban_that_the_target_met_blocks_as_well() -> None:
    async with planning() as world:
        ana = await world.add(kind=HOSTED)
        link = await world.prepare(ana, WEB)
        await world.core.supervisor.connect(ana.id, link.id)
        await settle()
        await world.block(WEB, Blocked(Reason.BANNED))
        assert one(await world.plan(WEB, ana), C.FORBIDDEN).values == {"reason": "banned"}


@pytest.mark.parametrize("capability", [SendCapability.RESTRICTED, SendCapability.BLOCKED])
async def test_a_number_that_may_not_send_does_not_move(capability: SendCapability) -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.say(WEB, Connected(ana.phone, capability=capability, reason=Reason.NONE))
        await settle()
        assert await world.blocking(HOSTED, ana) == [C.RESTRICTED]


async def test_what_meta_restricted_by_its_policy_does_not_move_while_it_is_down_either() -> None:
    async with planning() as world:
        ana = await world.add(kind=OFFICIAL)
        await world.prepare(ana, HOSTED)
        await world.block(OFFICIAL, Blocked(Reason.POLICY_RESTRICTED))
        assert await world.blocking(HOSTED, ana) == [C.RESTRICTED]


async def test_sending_that_was_stopped_is_released_first_on_either_side() -> None:
    async with planning() as world:
        ana = await world.add()
        link = await world.prepare(ana, HOSTED)
        for each in (ana.link, link):
            stop = OutboundStop(link_id=each.id, trouble=SendErrorKind.BILLING, code="x", at=DAWN)
            world.core.outbound_record.stopped[each.id] = stop
        await world.core.outbound.load()
        planned = await world.plan(HOSTED, ana)
        assert codes_that_block(planned) == [C.STOPPED, C.STOPPED]
        stops = [each.values for each in planned.findings if each.code is C.STOPPED]
        assert stops == [
            {"provider": "whatsapp_web", "trouble": "billing"},
            {"provider": "zapi", "trouble": "billing"},
        ]
        release = ActionName.RELEASE_SENDING
        del world.core.outbound_record.stopped[ana.link.id]
        await world.core.outbound.load()
        assert world.core.actions.unavailable_reason(release, ana.id) is None, "also where only the target is stopped"
        await world.core.outbound.release(ana.id)
        assert world.core.actions.unavailable_reason(release, ana.id) is UnavailableReason.NOTHING_STOPPED
        assert await world.blocking(HOSTED, ana) == []


async def test_procedures_switches_incidents_and_cases_are_named() -> None:
    async with planning() as world:
        ana = await world.add()
        others = [await world.add(f"Bia {number}", f"11 98765-000{number}") for number in range(1, 4)]
        at_target = [await world.add(f"Caio {number}", f"11 98766-000{number}", HOSTED) for number in range(1, 5)]
        await world.prepare(ana, HOSTED)
        world.procedures[ana.id] = under_way(ana, ProcedureKind.BACKUP)
        world.open_switches.add(ana.id)
        world.fall_together(at_target)
        world.services.cases.open(CaseKind.BAN, ana.id)
        world.services.cases.open(CaseKind.OPTED_OUT, ana.id, "1")
        world.services.cases.open(CaseKind.OPTED_OUT, ana.id, "2")
        world.services.cases.open(CaseKind.OPTED_OUT, others[0].id, "2")
        await world.core.write_queue.flush()
        planned = await world.plan(HOSTED, ana)
        assert codes_that_block(planned) == [C.PROCEDURE_UNDER_WAY, C.SWITCH_UNDER_WAY, C.INCIDENT]
        assert one(planned, C.PROCEDURE_UNDER_WAY).values == {"kind": "backup"}
        assert one(planned, C.CASES_OPEN).values == {"count": "3", "kinds": "ban,opted_out"}
        with pytest.raises(Problem) as refused:
            await world.planner.require(ana.id, HOSTED)
        assert (refused.value.code, refused.value.context) == (
            ProblemCode.SWITCH_NOT_POSSIBLE,
            {"name": "Ana", "finding": "incident"},
        ), "what the switch is itself is not in its way"


async def test_an_incident_of_the_provider_in_use_warns_and_does_not_lock_in() -> None:
    async with planning() as world:
        ana = await world.add()
        others = [await world.add(f"Bia {number}", f"11 98765-000{number}") for number in range(1, 4)]
        await world.prepare(ana, HOSTED)
        world.fall_together(others)
        planned = await world.plan(HOSTED, ana)
        assert planned.will_switch
        assert C.INCIDENT_CURRENT in codes(planned)


async def test_a_link_that_is_merely_down_may_be_left() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        await world.block(WEB, Blocked(Reason.PASSKEY_REQUIRED))
        planned = await world.plan(HOSTED, ana)
        assert planned.will_switch
        assert one(planned, C.CURRENT_NOT_CONNECTED).values == {"state": "blocked", "reason": "passkey_required"}


async def test_where_no_smoke_test_can_pass_there_is_no_switch() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, OFFICIAL)
        await world.choose(SmokeTestTarget.OWN)
        assert await world.blocking(OFFICIAL, ana) == [C.SMOKE_TEST_IMPOSSIBLE]
        with pytest.raises(Problem, match="smoke_test_impossible"):
            await world.planner.require(ana.id, OFFICIAL)


# --- the phone app, groups, webhooks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code", "apart"),
    [
        ({"on_business_app": "yes"}, C.STAYS_IN_PHONE_APP, False),
        ({"on_business_app": "no"}, C.LEAVES_PHONE_APP, True),
        ({}, C.PHONE_APP_UNKNOWN, True),
    ],
)
async def test_what_becomes_of_the_phone_app_on_the_way_to_meta(
    facts: dict[str, str], code: FindingCode, apart: bool
) -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, OFFICIAL)
        world.meta.report = replace(world.meta.report, facts=facts)
        planned = await world.plan(OFFICIAL, ana)
        assert one(planned, code).severity is (S.WARNS if apart else S.TELLS)
        assert (C.COEXISTENCE in codes(planned)) is not apart
        assert planned.downtime == (APART_DOWNTIME if apart else BESIDE_DOWNTIME)


async def test_where_meta_was_not_asked_the_phone_app_is_not_guessed_at() -> None:
    async with planning() as world:
        ana = await world.add()
        assert {C.PHONE_APP_UNKNOWN, C.CREDENTIALS_MISSING} <= codes(await world.plan(OFFICIAL, ana))


async def test_what_becomes_of_the_phone_app_on_the_way_back_from_meta() -> None:
    async with planning() as world:
        ana = await world.add(kind=OFFICIAL)
        await world.prepare(ana, HOSTED)
        world.tell_details(on_business_app="yes")
        planned = await world.plan(HOSTED, ana)
        assert C.STAYS_IN_PHONE_APP in codes(planned)
        assert C.COEXISTENCE not in codes(planned), "those are the limits of where they come from"
        world.tell_details(on_business_app="no")
        planned = await world.plan(HOSTED, ana)
        assert (one(planned, C.REGISTER_ON_PHONE).severity, planned.downtime) == (S.WARNS, APART_DOWNTIME)
        world.meta.problem = Problem(ProblemCode.PROVIDER_SILENT)
        assert C.PHONE_APP_UNKNOWN in codes(await world.plan(HOSTED, ana))
        del world.core.providers[OFFICIAL]
        assert C.PHONE_APP_UNKNOWN in codes(await world.plan(HOSTED, ana))


async def test_groups_are_named_on_the_way_to_meta_alone() -> None:
    async with planning() as world:
        ana = await world.add()
        world.switches.group_count = 4
        assert one(await world.plan(OFFICIAL, ana), C.GROUPS_NOT_REACHED).values == {"count": "4"}
        assert C.GROUPS_NOT_REACHED not in codes(await world.plan(HOSTED, ana))
        world.switches.group_count = 0
        assert C.GROUPS_NOT_REACHED not in codes(await world.plan(OFFICIAL, ana))
        assert set(world.switches.since) == {world.clock.now() - timedelta(days=30)}


async def test_a_hosted_provider_without_webhooks_warns() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001", HOSTED)
        await world.listen(on=False)
        assert C.WEBHOOKS_OFF in codes(await world.plan(HOSTED, ana))
        assert C.WEBHOOKS_OFF not in codes(await world.plan(WEB, bia))


# --- what was proven, what stays, what it costs ---------------------------------------------------------------------


async def test_the_tests_of_both_providers_and_their_age_are_told() -> None:
    async with planning() as world:
        ana = await world.add()
        planned = await world.plan(HOSTED, ana)
        assert one(planned, C.CURRENT_TEST).values == {"outcome": "missing"}
        assert one(planned, C.TARGET_TEST).values == {"outcome": "missing"}
        link, now = await world.prepare(ana, HOSTED), world.clock.now()
        assert one(await world.plan(HOSTED, ana), C.TARGET_TEST).values == {"outcome": "missing"}
        await world.tested(ana, ana.link, SmokeTestOutcome.PASSED, now)
        await world.tested(ana, link, SmokeTestOutcome.FAILED, now)
        planned = await world.plan(HOSTED, ana)
        assert one(planned, C.CURRENT_TEST_GOOD).values == {"outcome": "good", "at": now.isoformat()}
        assert one(planned, C.TARGET_TEST).values == {"outcome": "failed", "at": now.isoformat()}
        await world.clock.advance(timedelta(hours=25).total_seconds())
        found = one(await world.plan(HOSTED, ana), C.CURRENT_TEST)
        assert (found.values["outcome"], found.severity) == ("old", S.WARNS)


async def test_consent_is_kept_and_its_absence_warns() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001")
        world.agree(bia, "+5511900000001")
        assert one(await world.plan(HOSTED, ana), C.CONSENT_NONE).severity is S.WARNS
        world.agree(ana, "+5511900000001")
        world.agree(ana, "+5511900000002")
        assert one(await world.plan(HOSTED, ana), C.CONSENT_KEPT).values == {"count": "2"}


async def test_a_month_has_its_price_on_each_provider_with_the_date_of_the_list() -> None:
    async with planning() as world:
        ana = await world.add()
        numbers = ("+5511900000001", "+5511900000002", "+33612345678")
        world.switches.billed = [Address(AddressKind.PHONE, number) for number in numbers]
        web, official = (await world.plan(OFFICIAL, ana)).prices
        assert (web.amount, web.listed_at, web.messages) == (Decimal(0), None, 3)
        assert (official.amount, official.listed_at) == (Decimal("0.0136"), PRICES_LISTED_AT)
        assert (official.messages, official.unknown) == (3, 1)
        _web, hosted = (await world.plan(HOSTED, ana)).prices
        assert (hosted.amount, hosted.listed_at) == (None, None), "its price is in a contract"
