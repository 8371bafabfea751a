"""What the dry run of a switch finds out about the account at the target: credentials, codes to scan, queues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.provider import Blocked
from app.domain.provider_descriptor import CredentialReport, secret_key
from app.domain.switch import FindingCode, Severity
from tests.clock import settle
from tests.core.provider_switch.harness import (
    KIND,
    ZAPI,
    F,
    codes,
    codes_that_block,
    one,
    planning,
)
from tests.fake_providers import waiting

C, S = FindingCode, Severity
WEB, HOSTED, OFFICIAL = KIND.WHATSAPP_WEB, KIND.ZAPI, KIND.META_CLOUD


# --- the account at the target --------------------------------------------------------------------------------------


async def test_credentials_that_lack_or_are_damaged_are_missing() -> None:
    async with planning() as world:
        ana = await world.add()
        missing = one(await world.plan(HOSTED, ana), C.CREDENTIALS_MISSING)
        assert missing.values == {"fields": "instance_id,instance_token"}
        link = await world.prepare(ana, HOSTED)
        world.core.secrets.kept[secret_key(link.id)] = "{"
        assert await world.blocking(HOSTED, ana) == [C.CREDENTIALS_MISSING]
        assert world.zapi.checked == []


async def test_where_the_credentials_come_from_is_said() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001")
        await world.prepare(ana, HOSTED)
        await world.prepare(bia, HOSTED, {**ZAPI, F.INSTANCE_ID: "3C02"}, used=True)
        plans = [await world.plan(HOSTED, each) for each in (ana, bia)]
        found = [one(each, C.CREDENTIALS_FROM).values for each in plans]
        assert found == [{"since": "entered", "place": "memory"}, {"since": "earlier", "place": "memory"}]
        assert plans[0].account != plans[1].account, "another account is another thing to approve"


async def test_secrets_that_are_locked_are_unlocked_first() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.core.secrets.lock()
        assert await world.blocking(HOSTED, ana) == [C.SECRETS_LOCKED]


async def test_secrets_that_lock_in_the_middle_are_unlocked_first() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.add("Bia", "11 98765-0001", HOSTED)
        await world.prepare(ana, HOSTED)
        world.zapi.on_check = world.core.secrets.lock
        assert await world.blocking(HOSTED, ana) == [C.SECRETS_LOCKED]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (CredentialReport(valid=None, reason=Reason.UNREACHABLE), C.CREDENTIALS_SILENT),
        (CredentialReport(valid=False, reason=Reason.BILLING), C.CREDENTIALS_REFUSED),
    ],
)
async def test_what_the_provider_says_against_the_credentials_blocks(
    report: CredentialReport, code: FindingCode
) -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.zapi.report = report
        world.zapi.ready = False
        planned = await world.plan(HOSTED, ana)
        assert codes_that_block(planned) == [code]
        assert one(planned, code).values == {"reason": report.reason}
        assert not codes(planned) & {C.NEEDS_QR, C.QUEUE_UNKNOWN}, "what was not asked is not said"


async def test_a_provider_that_cannot_be_asked_blocks() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.zapi.problem_of_check = Problem(ProblemCode.PROVIDER_SILENT)
        assert await world.blocking(HOSTED, ana) == [C.CREDENTIALS_SILENT]


async def test_another_number_blocks_and_is_masked() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.zapi.report = world.right("+5511900001234")
        found = one(await world.plan(HOSTED, ana), C.OTHER_NUMBER)
        assert found.values == {"number": "+55…34", "expected": "+55…21"}
        world.zapi.report = world.right("+551187654321")
        assert await world.blocking(HOSTED, ana) == [], "without its ninth digit it is the same number"


async def test_an_account_that_is_another_links_is_not_shared() -> None:
    async with planning() as world:
        ana, bia = await world.add(), await world.add("Bia", "11 98765-0001", HOSTED)
        await world.prepare(ana, HOSTED)
        world.core.secrets.kept[secret_key(bia.link.id)] = world.core.secrets.kept[
            secret_key((await world.prepare(ana, HOSTED)).id)
        ]
        found = one(await world.plan(HOSTED, ana), C.ACCOUNT_TAKEN)
        assert (found.values, found.severity) == ({"name": "Bia"}, S.BLOCKS)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.NOT_REGISTERED, C.TARGET_NOT_READY),
        (Reason.POLICY_RESTRICTED, C.TARGET_NOT_READY),
        (Reason.QUALITY_LOW, C.TARGET_NOT_READY),
        (Reason.PROVIDER_WARNING, C.TARGET_WARNS),
        (Reason.TOKEN_EXPIRING, C.TARGET_WARNS),
    ],
)
async def test_an_account_that_cannot_be_used_blocks_and_one_to_look_at_warns(
    reason: Reason, code: FindingCode
) -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, OFFICIAL)
        world.meta.report = replace(world.meta.report, reason=reason)
        planned = await world.plan(OFFICIAL, ana)
        assert one(planned, code).values == {"reason": reason}
        assert planned.will_switch is (code is C.TARGET_WARNS)


# --- codes to scan --------------------------------------------------------------------------------------------------


async def test_the_self_hosted_client_needs_a_code_unless_a_session_of_it_is_there() -> None:
    async with planning() as world:
        ana = await world.add(kind=HOSTED)
        found = one(await world.plan(WEB, ana), C.NEEDS_QR)
        assert (found.values, found.severity) == ({"digits": "4321"}, S.TELLS)
        link = await world.prepare(ana, WEB, used=True)
        assert C.NEEDS_QR not in codes(await world.plan(WEB, ana))
        await world.core.supervisor.connect(ana.id, link.id)
        await settle()
        await world.block(WEB, Blocked(Reason.LOGGED_OUT))
        assert C.NEEDS_QR in codes(await world.plan(WEB, ana)), "WhatsApp took those keys back"
        assert world.core.supervisor.status(link.id).state is LinkState.BLOCKED


async def test_an_instance_needs_a_code_unless_a_phone_is_linked_to_it_or_its_session_can_be_restored() -> None:
    async with planning() as world:
        ana = await world.add()
        await world.prepare(ana, HOSTED)
        world.zapi.ready = False
        assert C.NEEDS_QR not in codes(await world.plan(HOSTED, ana)), "it says whose phone is linked"
        world.zapi.report = CredentialReport(valid=True)
        assert C.NEEDS_QR in codes(await world.plan(HOSTED, ana))
        world.zapi.ready = True
        assert C.NEEDS_QR not in codes(await world.plan(HOSTED, ana))
        world.zapi.problem_of_session = Problem(ProblemCode.CREDENTIALS_MISSING)
        assert C.NEEDS_QR in codes(await world.plan(HOSTED, ana)), "what cannot be told is counted on"


# --- queues ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [WEB, HOSTED])
async def test_messages_that_wait_at_either_provider_are_decided_on_first(source: KIND) -> None:
    target = HOSTED if source is WEB else WEB
    async with planning() as world:
        ana = await world.add(kind=source)
        await world.prepare(ana, target)
        world.zapi.waiting = [waiting(1), waiting(2)]
        planned = await world.plan(target, ana)
        assert codes_that_block(planned) == [C.QUEUE_PENDING]
        assert one(planned, C.QUEUE_PENDING).values == {"provider": "zapi", "count": "2"}
        world.zapi.problem = Problem(ProblemCode.PROVIDER_SILENT)
        planned = await world.plan(target, ana)
        assert planned.will_switch
        assert one(planned, C.QUEUE_UNKNOWN).values == {"provider": "zapi"}
