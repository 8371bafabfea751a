"""The smoke test of a link that Z-API carries: what it can see, and what only webhooks tell."""

from __future__ import annotations

import asyncio

import pytest

from app.core.outbound import smoke_test as waiting
from app.domain.errors import ProblemCode
from app.domain.link_status import SmokeTestOutcome
from app.domain.phone import PhoneNumber
from app.domain.smoke_test import SmokeTestSettings, SmokeTestStage, SmokeTestTarget, SmokeTestTrouble
from app.text.outbound import result_lines
from app.text.status import texts
from tests.acceptance.webhooks_on import switch_on, url_for
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.acceptance.zapi.test_webhooks import posted
from tests.providers.webhooks.harness import zapi_text

NUMBER = PhoneNumber("+5521987650001")
ALL = tuple(SmokeTestStage)


async def chosen(run: ProgramRun) -> Client:
    ana = await run.connected()
    await run.core.smoke_tests.choose(SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=NUMBER))
    return ana


async def test_without_webhooks_the_yes_of_z_api_confirms_it_in_part(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await chosen(run)
        test = await run.core.smoke_tests.run(ana.person.id)
        assert (test.outcome, tuple(test.stages)) == (SmokeTestOutcome.PARTLY, ALL[:2])
        assert "webhooks" in result_lines(test, run.core.clock.now())[1]
        (queued,) = ana.instance.queue
        assert test.word in queued.message


async def test_with_webhooks_the_delivery_and_the_answer_are_seen(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await chosen(run)
        await switch_on(run.core)
        url = await url_for(run.core, ana.person.link)
        ana.instance.webhooks |= {"delivery": url, "message-status": url}
        testing = asyncio.get_running_loop().create_task(run.core.smoke_tests.run(ana.person.id))
        answered = False
        while not testing.done():
            ana.instance.settle()
            await asyncio.sleep(0.05)
            current = run.core.smoke_tests.current(ana.person.id)
            if current is not None and SmokeTestStage.DELIVERED in current.stages and not answered:
                answered = True
                await posted(url, zapi_text("ANSWER", instanceId=ana.instance.id))
        test = await testing
        assert (test.outcome, tuple(test.stages)) == (SmokeTestOutcome.PASSED, ALL)


async def test_webhooks_that_are_on_and_not_registered_at_z_api_are_named_not_a_failed_delivery(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "DELIVERY_SECONDS", 1.0)
    async with harness.running() as run:
        ana = await chosen(run)
        await switch_on(run.core)
        test = await run.core.smoke_tests.run(ana.person.id)
        assert (test.outcome, test.trouble) == (SmokeTestOutcome.PARTLY, SmokeTestTrouble.DELIVERY_UNSEEN)
        assert result_lines(test, run.core.clock.now())[1] == texts("smoke.result.delivery_unseen.next")
        problem = run.core.smoke_tests.bulk_hold(ana.person.id)
        assert problem is not None
        assert problem.code is ProblemCode.SMOKE_TEST_PARTLY


async def test_a_phone_that_is_away_gets_nothing_to_send_later(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await chosen(run)
        ana.instance.restore_works = ana.instance.restart_works = False
        ana.instance.drop()
        await run.until_status(ana.person, lambda status: status.state != "connected")
        test = await run.core.smoke_tests.run(ana.person.id)
        assert (test.outcome, test.trouble) == (SmokeTestOutcome.FAILED, SmokeTestTrouble.NOT_CONNECTED)
        assert ana.instance.queue == []
